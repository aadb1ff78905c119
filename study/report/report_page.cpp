#include "qkv/study/report/report_page.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "qkv/datasets/visible_text.h"

namespace qkv {
namespace {

constexpr std::string_view begin_of_data = R"(<script type="application/json" id="data">)";
constexpr std::string_view end_of_data = "</script>";
constexpr std::string_view mark = R"({"qkv":"report",)";  // what the data of a report begins with

/// JSON as it may stand in a script element: the same data, without what could end the element or a line of a script.
std::string for_script(const std::string& json) {
  std::string text;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view rest = std::string_view(json).substr(i);
    if (rest.front() == '<') {
      text += "\\u003c";
    } else if (rest.front() == '>') {
      text += "\\u003e";
    } else if (rest.front() == '&') {
      text += "\\u0026";
    } else if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
      text += rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      text += rest.front();
    }
  }
  return text;
}

}  // namespace

std::string report_page(const nlohmann::ordered_json& data) {
  const std::string_view page = empty_report_page;
  const std::size_t element = page.find(begin_of_data);
  if (element == std::string_view::npos) throw std::logic_error("the page of the report has no place for its data");
  const std::size_t begin = element + begin_of_data.size(), end = page.find(end_of_data, begin);
  nlohmann::ordered_json marked{{"qkv", "report"}};
  marked.update(data);
  const std::string json = marked.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string text(page.substr(0, begin));
  text += for_script(visible_json(json));
  text += page.substr(end);
  return text;
}

bool is_report_page(std::string_view text) {
  const std::size_t element = text.find(begin_of_data);
  return element != std::string_view::npos && text.substr(element + begin_of_data.size()).starts_with(mark);
}

}  // namespace qkv
