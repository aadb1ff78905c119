#include "qkv/study/explain/address.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "qkv/autograd/check.h"
#include "qkv/datasets/visible_text.h"

namespace qkv {
namespace {

constexpr std::string_view letters_of_names =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._#";  // whatever the locale

/// Reads one address from the left to the right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Address read() {
    Address address;
    address.name = name();
    skip_spaces();
    if (address.name == "d" && at_ < text_.size() && letters_of_names.find(text_[at_]) != std::string_view::npos) {
      address.gradient = true;
      address.name = name();
      skip_spaces();
    }
    if (at_ < text_.size()) address.index = indices();
    refuse_unless(at_ == text_.size(), "nothing may follow the `]`");
    return address;
  }

 private:
  std::string name() {
    skip_spaces();
    const std::size_t end = std::min(text_.find_first_not_of(letters_of_names, at_), text_.size());
    refuse_unless(end > at_, "a name is missing; an address is a name and indices, such as weights[2,5]");
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
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
