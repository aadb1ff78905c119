#include "qkv/study/explain/address.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <limits>

#include "qkv/autograd/check.h"
#include "qkv/datasets/visible_text.h"

namespace qkv {
namespace {

constexpr std::string_view letters_of_names =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._#";  // whatever the locale

bool is_letter(char c) { return letters_of_names.find(c) != std::string_view::npos; }

/// The words of a name; a `d` before others means the gradient.
Address address_named(std::span<const std::string> words) {
  Address address;
  address.gradient = words.size() > 1 && words.front() == "d";
  address.name = fmt::format("{}", fmt::join(words.subspan(address.gradient ? 1 : 0), " "));
  return address;
}

/// Reads one address from the left to the right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Address read() {
    skip_spaces();
    refuse_unless(at_ < text_.size() && is_letter(text_[at_]), "a name is missing; an address is a name and indices");
    std::vector<std::string> words;
    while (at_ < text_.size() && is_letter(text_[at_])) words.push_back(word());
    Address address = address_named(words);
    if (at_ < text_.size()) address.index = indices();
    refuse_unless(at_ == text_.size(), "nothing may follow the `]`");
    return address;
  }

 private:
  std::string word() {
    const std::size_t end = std::min(text_.find_first_not_of(letters_of_names, at_), text_.size());
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    skip_spaces();
    return std::string(found);
  }

  std::vector<int> indices() {
    refuse_unless(take('['), "only letters, digits and `. _ #` make a name, and indices stand in [ ]");
    std::vector<int> result;
    do {
      skip_spaces();
      int number = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
      refuse_unless(error == std::errc() && number >= 0, "an index is a number from 0 on");
      at_ = static_cast<std::size_t>(end - text_.data());
      result.push_back(number);
      skip_spaces();
      refuse_unless(result.size() <= 4, "no value has more than four indices");
    } while (take(','));
    refuse_unless(take(']'), "the indices are not closed by `]`");
    skip_spaces();
    return result;
  }

  bool take(char expected) {
    const bool is_there = at_ < text_.size() && text_[at_] == expected;
    if (is_there) ++at_;
    return is_there;
  }

  void skip_spaces() { at_ = std::min(text_.find_first_not_of(' ', at_), text_.size()); }

  void refuse_unless(bool condition, const char* why) const {
    check(condition, "address {}, character {}: {}", in_quotes(text_), at_ + 1, why);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Address parse_address(std::string_view text) { return Reader(text).read(); }

Address likely_address(std::string_view text) {
  std::vector<std::string> words;
  std::vector<int> index;
  for (std::size_t begin = text.find_first_of(letters_of_names), end = 0; begin < text.size() && index.size() < 4;
       begin = text.find_first_of(letters_of_names, end)) {
    end = std::min(text.find_first_not_of(letters_of_names, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (word.find_first_not_of("0123456789") == std::string_view::npos) {
      const bool is_negative = begin > 0 && text[begin - 1] == '-';
      int number = std::numeric_limits<int>::max();  // of more digits than numbers have
      std::from_chars(word.data(), word.data() + word.size(), number);
      index.push_back(is_negative ? 0 : number);
    } else if (index.empty()) {
      words.emplace_back(word);
    }
  }
  if (words.size() > 1 && words.front() == "D") words.front() = "d";
  Address address = address_named(words);
  address.index = std::move(index);
  return address;
}

std::string to_text(const Address& address) {
  const std::string name = address.gradient ? fmt::format("d {}", address.name) : address.name;
  return address.index.empty() ? name : fmt::format("{}[{}]", name, fmt::join(address.index, ","));
}

std::string address_in(const std::string& name, int row, int column) {
  return fmt::format("{}[{},{}]", name, row, column);
}

std::int64_t element_at(std::span<const int> sizes, std::span<const int> index) {
  std::int64_t element = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) element = element * sizes[i] + index[i];
  return element;
}

std::vector<int> index_of(std::span<const int> sizes, std::int64_t element) {
  std::vector<int> index(sizes.size());
  for (std::size_t i = sizes.size(); i-- > 0; element /= sizes[i]) index[i] = static_cast<int>(element % sizes[i]);
  return index;
}

}  // namespace qkv
