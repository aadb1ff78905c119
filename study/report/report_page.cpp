#include "qkv/study/report/report_page.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "qkv/datasets/visible_text.h"
#include "qkv/study/report/packed_text.h"

namespace qkv {
namespace {

constexpr std::string_view begin_of_data = R"(<script type="application/gzip" id="data">)";
constexpr std::string_view end_of_data = "</script>";
constexpr std::string_view begin_of_gzip = "H4sI";  // in base64

/// What the data of a report began with before they were packed.
constexpr std::string_view unpacked = R"(<script type="application/json" id="data">{"qkv":"report",)";

}  // namespace

std::string report_page(const nlohmann::ordered_json& data) {
  const std::string_view page = empty_report_page;
  const std::size_t element = page.find(begin_of_data);
  if (element == std::string_view::npos) throw std::logic_error("the page of the report has no place for its data");
  const std::size_t begin = element + begin_of_data.size(), end = page.find(end_of_data, begin);
  const std::string json = data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string text(page.substr(0, begin));
  text += packed(visible_json(json));
  text += page.substr(end);
  return text;
}

bool is_report_page(std::string_view text) {
  const std::size_t element = text.find(begin_of_data);
  if (element == std::string_view::npos) return text.find(unpacked) != std::string_view::npos;
  return text.substr(element + begin_of_data.size()).starts_with(begin_of_gzip);
}

}  // namespace qkv
