#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "qkv/datasets/visible_text.h"
#include "qkv/translation/training_config.h"

namespace qkv::cli {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& range) {
  throw std::invalid_argument(fmt::format("{}; it must be {}", what, range));
}

/// A number needs no quotes, unless it is so long that it is shortened.
[[noreturn]] void refuse_size(std::string_view text, const std::string& range) {
  constexpr std::size_t long_text = 60;
  refuse(fmt::format("{} is out of range", text.size() > long_text ? in_quotes(text) : std::string(text)), range);
}

bool is_whole_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

template <class Number>
Number read_number(std::string_view text, const Range<Number>& range) {
  Number number{};
  if constexpr (std::is_integral_v<Number>) {
    if (!is_whole_number(text)) refuse(in_quotes(text) + " is no whole number in decimal digits", range.text());
    if (text.find_first_not_of("-0") == std::string_view::npos) text = "0";  // -0
    const char* const end = text.data() + text.size();
    const auto [read_until, error] = std::from_chars(text.data(), end, number);
    // An unsigned number is not read from a minus, and none from more digits than it can hold.
    if (error != std::errc() || read_until != end || !range.contains(number)) refuse_size(text, range.text());
  } else {
    const char* const end = text.data() + text.size();
    const auto [read_until, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range && read_until == end)
      refuse(in_quotes(text) + " is too large or too near to 0 to be held", range.text());
    if (error != std::errc() || read_until != end) refuse(in_quotes(text) + " is no number", range.text());
    if (!std::isfinite(number)) refuse(in_quotes(text) + " is not finite", range.text());
    if (!range.contains(number)) refuse_size(text, range.text());
  }
  return number;
}

template int read_number(std::string_view, const Range<int>&);
template std::int64_t read_number(std::string_view, const Range<std::int64_t>&);
template std::uint64_t read_number(std::string_view, const Range<std::uint64_t>&);
template double read_number(std::string_view, const Range<double>&);

CLI::Option* add_text(CLI::App& command, const std::string& name, const std::string& help,
                      std::function<void(const std::string&)> read) {
  return command.add_option_function<std::string>(
      name,
      [name, read = std::move(read)](const std::string& text) {
        try {
          read(text);
        } catch (const std::invalid_argument& error) {
          throw CLI::ValidationError(fmt::format("{} {}", name, error.what()));
        }
      },
      help);
}

CLI::Option* add_path(CLI::App& command, const std::string& name, std::string& value, const std::string& help,
                      const char* kind) {
  return add_text(command, name, help,
                  [&value](const std::string& text) {
                    if (text.empty())
                      throw std::invalid_argument("is empty; it must name a file or a folder; is a variable not set?");
                    value = text.ends_with("] ") ? text.substr(0, text.size() - 1) : text;  // main.cpp adds the space
                  })
      ->type_name(kind);
}

CLI::Option* add_choice(CLI::App& command, const std::string& name, const std::vector<std::string>& choices,
                        const std::string& help, std::function<void(const std::string&)> choose) {
  return add_text(command, name, help,
                  [choices, choose = std::move(choose)](const std::string& text) {
                    if (std::find(choices.begin(), choices.end(), text) == choices.end())
                      throw std::invalid_argument(
                          fmt::format("{} is none of: {}", in_quotes(text), fmt::join(choices, ", ")));
                    choose(text);
                  })
      ->type_name(fmt::format("{}", fmt::join(choices, "|")));
}

void add_decoding(CLI::App& command, DecodingOptions& decoding) {
  add_number(command, "--beam", decoding.beam, "translations followed at once; 1 is greedy", Range{1, 1000});
  add_number(command, "--length-penalty", decoding.length_penalty, "how much a beam favours longer translations",
             Range{0.0, 10.0});
}

std::string option_of(std::string setting) {
  std::replace(setting.begin(), setting.end(), '_', '-');
  return "--" + setting;
}

std::string with_options(std::string message) {
  std::vector<std::string> names{"model", "resume", "overwrite", "out", "vocabulary", "length"};
  for_each_setting_of_any_model([&](const std::string& name, const auto&, const Setting&) { names.push_back(name); });
  for (const std::string& name : names) {
    const std::string setting = "`" + name + "`", option = option_of(name);
    for (std::size_t at = message.find(setting); at != std::string::npos;
         at = message.find(setting, at + option.size()))
      message.replace(at, setting.size(), option);
  }
  return message;
}

}  // namespace qkv::cli
