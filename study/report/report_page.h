#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace qkv {

/// The page of web/ that shows a report, as it was built: without data.
extern const std::string_view empty_report_page;

/// The page with this data in it: one HTML file that needs no other. The data are JSON, packed as packed_text.h says,
/// so that nothing of them can end the script element that holds them, whatever its text. In the JSON, control and
/// format characters are escapes, and bytes that are not UTF-8 become U+FFFD.
std::string report_page(const nlohmann::ordered_json& data);

/// Whether this is the text of a page that report_page made, of whatever version: such a file may be replaced.
bool is_report_page(std::string_view text);

}  // namespace qkv
