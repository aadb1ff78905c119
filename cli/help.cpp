#include "cli/help.h"

#include <fmt/format.h>

#include "qkv/datasets/text.h"

namespace qkv::cli {
namespace {

constexpr int page_width = 80;
constexpr int names_width = 25;

/// The text in lines of at most this width, broken between words.
std::string wrapped(const std::string& text, int width) {
  std::string result;
  int column = 0;
  for (const std::string& word : split_words(text)) {
    const bool fits = column + 1 + columns(word) <= width;
    if (column > 0) result += fits ? ' ' : '\n';
    column = (column > 0 && fits ? column + 1 : 0) + columns(word);
    result += word;
  }
  return result;
}

}  // namespace

Help::Help() { column_width(names_width); }

std::string Help::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode), "\n\n\n", "\n\n");
}

std::string Help::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0 || option->get_positional()) return "";  // a flag, or RUN
  return " " + option->get_type_name();
}

std::string Help::make_option_desc(const CLI::Option* option) const {
  std::string text = option->get_description();
  if (!option->get_default_str().empty() && option->get_type_size() > 0)
    text += fmt::format(" [{}]", option->get_default_str());
  if (option->get_required() && !option->get_positional()) text += " (required)";
  return wrapped(text, page_width - names_width);
}

}  // namespace qkv::cli
