// Finding a number by what was typed.

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>

#include "qkv/autograd/check.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/study/explain/named_values.h"
#include "qkv/study/explain/nearest_name.h"

namespace qkv {
namespace {

/// "0", or "0 … 6": the indices of a dimension.
std::string range_of(int size) { return size == 1 ? "0" : fmt::format("0 … {}", size - 1); }

std::string indices_of(const std::vector<int>& sizes) {
  return sizes.size() == 1 ? "one index" : fmt::format("{} indices", sizes.size());
}

std::string ranges_of(const std::vector<int>& sizes) {
  std::string text;
  for (const int size : sizes) text += (text.empty() ? "" : ", ") + range_of(size);
  return fmt::format("[{}]", text);
}

}  // namespace

bool NamedValues::has_gradient(const std::string& name) const {
  const Named& named = named_.at(name);
  return all_.has_gradient(named.whole >= 0 ? named.whole : named.places.front().quantity);
}

Address NamedValues::read(std::string_view text) const {
  try {
    return parse_address(text);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("{}; the nearest is {}", error.what(), to_text(nearest(text))));
  }
}

NamedValues::Place NamedValues::find(const Address& address) const {
  const auto found = named_.find(address.name);
  const auto such_as = [&] { return to_text(nearest(to_text(address))); };
  if (found == named_.end())
    check(false, "there is no value {} in this pass; the nearest is {}", in_quotes(address.name), such_as());
  const Named& named = found->second;
  if (address.index.size() != named.sizes.size())
    check(false, "{} takes {}; such as {}", address.name,
          named.sizes.empty()
              ? "no index: it is one number"
              : fmt::format("{}, {}, not {}", indices_of(named.sizes), ranges_of(named.sizes), address.index.size()),
          such_as());
  for (std::size_t i = 0; i < named.sizes.size(); ++i)
    if (address.index[i] >= named.sizes[i])
      check(false, "{} does not exist: the indices of {} are {}; the nearest is {}", to_text(address), address.name,
            ranges_of(named.sizes), such_as());
  const std::int64_t element = element_at(named.sizes, address.index);
  return named.whole >= 0 ? Place{named.whole, element} : named.places[element];
}

Address NamedValues::nearest(std::string_view wrong) const {
  const Address typed = likely_address(wrong);
  Address result{typed.gradient, typed.name, {}};
  if (!named_.contains(typed.name)) {
    std::size_t least = std::numeric_limits<std::size_t>::max();
    const auto take_if_nearer = [&](std::string_view letters, const Address& candidate) {
      const std::size_t distance = distance_to_name(letters, candidate.name);
      if (distance >= least) return;
      least = distance;
      result = candidate;
    };
    const std::string_view letters = typed.name;
    const bool may_miss_a_space = !typed.gradient && (letters.starts_with('d') || letters.starts_with('D'));
    for (const std::string& name : names()) {
      take_if_nearer(letters, {typed.gradient, name, {}});
      if (may_miss_a_space && has_gradient(name)) take_if_nearer(letters.substr(1), {true, name, {}});
    }
  }
  const std::vector<int>& sizes = sizes_of(result.name);
  for (std::size_t i = 0; i < sizes.size(); ++i)
    result.index.push_back(i < typed.index.size() ? std::min(typed.index[i], sizes[i] - 1) : 0);
  return result;
}

}  // namespace qkv
