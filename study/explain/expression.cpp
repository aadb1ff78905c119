#include "qkv/study/explain/expression.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <span>

#include "qkv/study/explain/address.h"

namespace qkv {
namespace {

/// A factor as texts and the numbers between them. Of an address, the first number is which use of the operation it is,
/// the #2 of a name, 0 where there is none; the others are its indices.
struct Parts {
  std::vector<std::string> texts;  // one more than the numbers
  std::vector<int> numbers;

  bool alike(const Parts& other) const { return texts == other.texts; }
};

Parts parts_of(const Factor& factor) {
  if (factor.address.empty()) return {{factor.name}, {}};
  const Address address = parse_address(factor.address);
  const std::size_t sign = std::min(address.name.find('#'), address.name.size());
  const std::size_t end = std::min(address.name.find_first_not_of("0123456789", sign + 1), address.name.size());
  Parts parts;
  parts.texts.push_back((address.gradient ? "d " : "") + address.name.substr(0, sign));
  parts.numbers.push_back(end > sign + 1 ? std::atoi(address.name.c_str() + sign + 1) : 0);
  std::string text = address.name.substr(end);
  for (std::size_t i = 0; i < address.index.size(); ++i) {
    parts.texts.push_back(text + (i == 0 ? "[" : ","));
    parts.numbers.push_back(address.index[i]);
    text = "";
  }
  parts.texts.push_back(text + (address.index.empty() ? "" : "]"));
  return parts;
}

using TermParts = std::vector<Parts>;

TermParts parts_of(const Term& term) {
  TermParts parts;
  for (const Factor& factor : term.factors) parts.push_back(parts_of(factor));
  return parts;
}

bool alike(const TermParts& a, const TermParts& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Parts& x, const Parts& y) { return x.alike(y); });
}

/// The letters that stand for what differs between terms.
class Indices {
 public:
  /// "k", or "k−1" or "2k+1" for what goes with it in such a way; the number itself where it never differs.
  std::string index_for(const std::vector<int>& numbers) {
    const auto differs_from_first = [&](int number) { return number != numbers.front(); };
    if (std::none_of(numbers.begin(), numbers.end(), differs_from_first)) return std::to_string(numbers.front());
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (const std::optional<std::string> index = as_multiple(numbers, known_[i], letter(i))) return *index;
    known_.push_back(numbers);
    return letter(known_.size() - 1);
  }

  /// "k" or "pairs k, l".
  std::string letters() const {
    std::string text = known_.size() > 1 ? "pairs " : "";  // not every k with every l
    for (std::size_t i = 0; i < known_.size(); ++i) text += (i == 0 ? "" : ", ") + letter(i);
    return text;
  }

 private:
  /// numbers = factor · known + offset, if they are.
  static std::optional<std::string> as_multiple(const std::vector<int>& numbers, const std::vector<int>& known,
                                                const std::string& letter) {
    std::size_t other = 0;  // a term in which what is known is another number than in the first
    while (known[other] == known.front()) ++other;
    const int factor = (numbers[other] - numbers.front()) / (known[other] - known.front());
    const int offset = numbers.front() - factor * known.front();
    const bool is_multiple = factor > 0 && std::equal(numbers.begin(), numbers.end(), known.begin(),
                                                      [&](int a, int b) { return a == factor * b + offset; });
    if (!is_multiple) return std::nullopt;
    return fmt::format("{}{}{}", factor == 1 ? "" : std::to_string(factor), letter,
                       offset == 0  ? ""
                       : offset < 0 ? fmt::format("−{}", -offset)
                                    : fmt::format("+{}", offset));
  }

  static std::string letter(std::size_t i) { return std::string(1, static_cast<char>('k' + static_cast<int>(i % 8))); }
  std::vector<std::vector<int>> known_;
};

/// The factors of terms that are alike, with letters.
std::string product_of(std::span<const TermParts> terms, Indices& indices) {
  std::string text;
  for (std::size_t f = 0; f < terms.front().size(); ++f) {
    const Parts& first = terms.front()[f];
    if (f == 0 && first.texts.front() == "−1") continue;  // the sum has a minus there
    if (!text.empty()) text += " · ";
    for (std::size_t n = 0; n < first.numbers.size(); ++n) {
      std::vector<int> numbers;
      for (const TermParts& term : terms) numbers.push_back(term[f].numbers[n]);
      const std::string index = indices.index_for(numbers);
      text += first.texts[n];
      if (n > 0 || index != "0") text += (n == 0 ? "#" : "") + index;
    }
    text += first.texts.back();
  }
  return text;
}

bool is_negative(const TermParts& term) { return !term.empty() && term.front().texts.front() == "−1"; }

}  // namespace

std::string expression_of_sum(const std::vector<Term>& terms) {
  constexpr std::size_t most_groups = 6;
  std::vector<std::vector<TermParts>> groups;  // of terms that are alike, in the order of the first of each
  for (const Term& term : terms) {
    const TermParts parts = parts_of(term);
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [&](const std::vector<TermParts>& group) { return alike(group.front(), parts); });
    if (same != groups.end())
      same->push_back(parts);
    else if (groups.size() <= most_groups)
      groups.push_back({parts});
  }
  std::string text;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const bool is_minus = is_negative(groups[g].front());
    text += g == 0 ? (is_minus ? "−" : "") : is_minus ? " − " : " + ";
    if (g == most_groups) return text + "…";
    Indices indices;
    const std::string product = product_of(groups[g], indices);
    text += groups[g].size() == 1 ? product : fmt::format("Σ over {} of {}", indices.letters(), product);
  }
  return text;
}

std::string pattern_of(const std::vector<Term>& terms) {
  std::vector<TermParts> parts;
  for (const Term& term : terms) parts.push_back(parts_of(term));
  Indices indices;
  return parts.empty() ? "" : product_of(parts, indices);
}

}  // namespace qkv
