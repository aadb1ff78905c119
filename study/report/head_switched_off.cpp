#include "qkv/study/report/head_switched_off.h"

#include <algorithm>

#include "qkv/autograd/check.h"

namespace qkv {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

/// The number of a parameter in its model's list.
std::size_t index_of(const Parameters<float>& parameters, const std::string& name) {
  const auto& entries = parameters.entries();
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return found == entries.end() ? none : static_cast<std::size_t>(found - entries.begin());
}

}  // namespace

HeadSwitchedOff::HeadSwitchedOff(Seq2Seq<float>& model, const std::string& attention, int head, int heads) {
  Parameters<float>& parameters = model.parameters();
  const std::size_t output = index_of(parameters, attention + ".output.weight");
  const std::size_t combine = index_of(parameters, attention + ".combine.weight");
  check(output != none || combine != none, "this model has no attention {}", attention);
  check(heads > 0 && head >= 0 && head < heads, "head {} of {} does not exist in {}", head, heads, attention);
  const std::size_t index = output != none ? output : combine;
  const Shape& shape = parameters.entries()[index].shape;
  const int found = output != none ? shape.last() : shape.last() / 2;  // how many features the heads found together
  check(found % heads == 0, "{}: {} features cannot be divided among {} heads", attention, found, heads);
  const int width = found / heads;
  weight_ = parameters.values(index);
  before_.assign(weight_.begin(), weight_.end());
  for (int row = 0; row < shape.rows(); ++row)
    std::fill_n(weight_.begin() + std::ptrdiff_t{row} * shape.last() + head * width, width, 0.0F);
}

HeadSwitchedOff::~HeadSwitchedOff() { std::copy(before_.begin(), before_.end(), weight_.begin()); }

}  // namespace qkv
