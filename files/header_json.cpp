#include "qkv/files/header_json.h"

#include <fmt/format.h>
#include <optional>
#include <set>

#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

constexpr std::size_t deepest = 16;
constexpr std::size_t longest_quote = 60;  // of the text in a message, in bytes

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void HeaderReader::fail_expecting(std::string_view what) const {
  if (at_ == text_.size()) fail(at_ + 1, fmt::format("expected {}, found the end", what));
  const auto byte = static_cast<unsigned char>(text_[at_]);
  const bool is_printed = byte > ' ' && byte < 0x7f;
  fail(at_ + 1, is_printed ? fmt::format("expected {}, found '{}'", what, text_[at_])
                           : fmt::format("expected {}, found byte 0x{:02x}", what, byte));
}

void HeaderReader::read_space() {
  while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
}

bool HeaderReader::read_if(char wanted) {
  if (at_ == text_.size() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

HeaderReader::Kind HeaderReader::next() {
  read_space();
  const char first = peek();
  if (first == '"') return Kind::string;
  if (first == '{') return Kind::object;
  if (first == '[') return Kind::list;
  if (first == '-' || is_digit(first)) return Kind::number;
  if (first == 't' || first == 'f' || first == 'n') return Kind::literal;
  fail_expecting("a value");
}

unsigned HeaderReader::read_four_digits() {
  unsigned number = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char digit = peek();
    const auto value = std::string_view("0123456789abcdefABCDEF").find(digit);
    if (value == std::string_view::npos) fail_expecting("four hexadecimal digits");
    number = number * 16 + static_cast<unsigned>(value < 16 ? value : value - 6);
  }
  return number;
}

void HeaderReader::read_escape(std::string& result) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (read_if('u')) {
    char32_t code = read_four_digits();
    if (code >= 0xd800 && code < 0xdc00) {  // the first of two surrogates, which are one character of UTF-16
      const bool another = read_if('\\') && read_if('u');
      const char32_t second = another ? read_four_digits() : 0;
      if (second < 0xdc00 || second > 0xdfff) fail(at_, "a high surrogate without a low one behind it");
      code = 0x10000 + ((code - 0xd800) << 10U) + (second - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
      fail(at_, "a low surrogate without a high one before it");
    }
    append_utf8(result, code);
    return;
  }
  const auto place = at_ < text_.size() ? letters.find(text_[at_]) : std::string_view::npos;
  if (place == std::string_view::npos) fail_expecting("one of \"\\/bfnrtu after a backslash");
  result += meanings[place];
  ++at_;
}

std::string HeaderReader::read_string() {
  read_space();
  if (!read_if('"')) fail_expecting("a string");
  std::string result;
  while (!read_if('"')) {
    if (read_if('\\')) {
      read_escape(result);
      continue;
    }
    const std::optional<Character> character = first_character(text_.substr(at_));
    if (!character) fail_expecting(at_ == text_.size() ? "'\"'" : "UTF-8");
    if (character->code < 0x20) fail_expecting("an escape in the place of a control character");
    result.append(text_, at_, character->bytes);
    at_ += character->bytes;
  }
  return result;
}

std::size_t HeaderReader::read_digits() {
  const std::size_t begin = at_;
  while (is_digit(peek())) ++at_;
  if (at_ == begin) fail_expecting("a digit");
  return at_ - begin;
}

std::string HeaderReader::read_number() {
  read_space();
  const std::size_t begin = at_;
  read_if('-');
  const bool begins_with_zero = peek() == '0';
  if (read_digits() > 1 && begins_with_zero) fail(at_, "a number that begins with 0");
  if (read_if('.')) read_digits();
  if (read_if('e') || read_if('E')) {
    if (!read_if('+')) read_if('-');
    read_digits();
  }
  return std::string(text_.substr(begin, at_ - begin));
}

std::string HeaderReader::read_literal() {
  for (const std::string_view literal : {"true", "false", "null"}) {
    if (!text_.substr(at_).starts_with(literal)) continue;
    at_ += literal.size();
    return std::string(literal);
  }
  fail_expecting("a value");
}

void HeaderReader::open(char bracket) {
  read_space();
  if (peek() != bracket) fail_expecting(bracket == '{' ? "an object" : "a list");
  if (open_.size() == deepest)
    fail(at_ + 1, fmt::format("lists and objects inside each other more than {} deep", deepest));
  ++at_;
  open_.emplace_back();
  read_space();
}

void HeaderReader::read_object(const std::function<void(const std::string&)>& entry) {
  open('{');
  std::set<std::string> names;
  for (bool ends = read_if('}'); !ends;) {
    read_space();
    if (peek() != '"') fail_expecting("a name in quotes");
    std::string name = read_string();
    if (!names.insert(name).second) {
      const std::string owner = open_.size() < 2 ? "" : excerpt(open_[open_.size() - 2], longest_quote);
      fail(at_, fmt::format("\"{}\" occurs twice{}", excerpt(name, longest_quote),
                            owner.empty() ? "" : fmt::format(" in \"{}\"", owner)));
    }
    read_space();
    if (!read_if(':')) fail_expecting("':'");
    open_.back() = name;
    entry(name);
    read_space();
    ends = read_if('}');
    if (!ends && !read_if(',')) fail_expecting("',' or '}'");
  }
  open_.pop_back();
}

void HeaderReader::read_list(const std::function<void()>& item) {
  open('[');
  for (bool ends = read_if(']'); !ends;) {
    item();
    read_space();
    ends = read_if(']');
    if (!ends && !read_if(',')) fail_expecting("',' or ']'");
  }
  open_.pop_back();
}

std::string HeaderReader::read_over() {
  switch (next()) {
    case Kind::string:
      return fmt::format("\"{}\"", excerpt(read_string(), longest_quote));
    case Kind::number:
      return excerpt(read_number(), longest_quote);
    case Kind::literal:
      return read_literal();
    case Kind::object:
      read_object([&](const std::string&) { read_over(); });  // open() bounds how deep this goes
      return "an object";
    case Kind::list:
      read_list([&] { read_over(); });
      return "a list";
  }
  throw std::logic_error("HeaderReader: no such kind of value");
}

void HeaderReader::read_end() {
  read_space();
  if (at_ < text_.size()) fail_expecting("the end");
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for_each_character(text, [&](char32_t code, std::size_t at, std::size_t bytes) {
    if (code < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
      return;
    }
    if (code == '"' || code == '\\') result += '\\';
    result.append(text, at, bytes);
  });
  return result + '"';
}

}  // namespace qkv
