#include "qkv/translation/parse_json.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

namespace qkv {

using nlohmann::json;

namespace {

constexpr std::size_t deepest = 16;
constexpr std::size_t most_values = 100'000;
constexpr std::size_t longest_quote = 60;  // of a file's text in a message, in bytes

/// Reads bytes and counts them, for errors.
class CountedByte {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedByte(const char* at, std::size_t* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountedByte& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  friend bool operator==(const CountedByte& a, const CountedByte& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  std::size_t* count_;
};

/// Makes values of what the parser finds. The parser itself keeps what is open in a list of its own, so neither here
/// nor there does anything call itself.
class Builder : public nlohmann::json_sax<json> {
 public:
  explicit Builder(const std::size_t& bytes_read) : bytes_read_(bytes_read) {}

  json take() { return std::move(whole_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // never in text
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Open& object = open_.back();
    if (!object.value->emplace(name, nullptr).second) {
      fail(fmt::format(
          "\"{}\" occurs twice{}", excerpt(name, longest_quote),
          open_.size() < 2 ? "" : fmt::format(" in \"{}\"", excerpt(open_[open_.size() - 2].name, longest_quote))));
    }
    object.name = std::move(name);
    return true;
  }

  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& error) override {
    std::string_view what = error.what();  // "[which exception] parse error at line 2, column 1: what is wrong"
    what.remove_prefix(what.find(']') + 2);
    if (what.starts_with("parse error")) what.remove_prefix(what.find(": ") + 2);
    if (invalid_utf8(what)) what = what.substr(0, what.find("; last read"));  // it quotes the bytes as they are
    throw JsonError(byte, excerpt(what, 3 * longest_quote));
  }

 private:
  /// A list or an object that is not closed yet.
  struct Open {
    json* value;
    std::string name;  // the last in it, if it is an object
  };

  [[noreturn]] void fail(const std::string& what) const { throw JsonError(bytes_read_, what); }

  /// Where the next value goes.
  json& add(json value) {
    if (++values_ > most_values) fail(fmt::format("more than {} values", most_values));
    if (open_.empty()) return whole_ = std::move(value);
    json& parent = *open_.back().value;
    if (parent.is_object()) return parent[open_.back().name] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }

  bool put(json value) {
    add(std::move(value));
    return true;
  }

  bool open(json value) {
    if (open_.size() == deepest) fail(fmt::format("lists and objects inside each other more than {} deep", deepest));
    open_.push_back({&add(std::move(value)), {}});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const std::size_t& bytes_read_;
  json whole_;
  std::vector<Open> open_;
  std::size_t values_ = 0;
};

}  // namespace

json parse_json(std::string_view text) {
  std::size_t bytes_read = 0;
  Builder builder(bytes_read);
  json::sax_parse(CountedByte(text.data(), &bytes_read), CountedByte(text.data() + text.size(), &bytes_read), &builder);
  return builder.take();
}

std::string described(const json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_string()) return fmt::format("\"{}\"", excerpt(value.get_ref<const std::string&>(), longest_quote));
  return value.dump();
}

}  // namespace qkv
