#pragma once

#include <cmath>
#include <memory>
#include <mutex>

#include "qkv/autograd/block.h"
#include "qkv/autograd/named.h"
#include "qkv/autograd/ops/add_positions.h"
#include "qkv/layers/parameters.h"

namespace qkv {

enum class Positions { sinusoidal, learned };
constexpr std::array<Named<Positions>, 2> names_of(Positions) {
  return {{{Positions::sinusoidal, "sinusoidal"}, {Positions::learned, "learned"}}};
}

/// Tells inputs at different positions apart: adds a vector that depends on the position only. Sinusoidal:
/// PE(pos, 2i) = sin(pos / 10000^(2i/C)), PE(pos, 2i+1) = cos(pos / 10000^(2i/C)) (Vaswani et al. 2017, section 3.5);
/// or learned, one vector for each position.   x: [B, L, C]   returns the same shape
template <class T>
class PositionalEncoding {
 public:
  PositionalEncoding(const Path<T>& path, Positions kind, int max_length, int width)
      : path_(path.name()), shape_{max_length, width} {
    if (kind == Positions::learned)
      learned_ = path.add("weight", shape_, Initialise::scaled_normal);
    else
      table_ = std::make_unique<Table>();
  }

  /// How many positions there are.
  int count() const { return shape_.dim(0); }

  /// The first row of each sequence in x is at position `first`. Throws std::invalid_argument beyond the last position
  /// there is.
  Var<T> operator()(Var<T> x, int first = 0) const {
    const InModule here(path_);
    const Var<T> table =
        table_ == nullptr ? learned_() : Tape<T>::current().leaf("positions", shape_, sinusoids(), nullptr);
    return add_positions(x, table, first);
  }

 private:
  /// Made at the first use, by whichever thread comes first: a model that is only described takes no memory.
  struct Table {
    std::once_flag made;
    Block<T> numbers;
  };

  const T* sinusoids() const {
    std::call_once(table_->made, [this] { table_->numbers = sinusoids(shape_.dim(0), shape_.dim(1)); });
    return table_->numbers.data();
  }

  static Block<T> sinusoids(int max_length, int width) {
    Block<T> table(std::int64_t{max_length} * width);
    for (int position = 0; position < max_length; ++position)
      for (int j = 0; j < width; ++j) {
        const double angle = position / std::pow(10000.0, (j - j % 2) / static_cast<double>(width));
        table[std::int64_t{position} * width + j] = static_cast<T>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
      }
    return table;
  }

  std::string path_;
  Shape shape_;
  std::unique_ptr<Table> table_;  // of sinusoids, or none
  Parameter<T> learned_;          // used when there is no table
};

}  // namespace qkv
