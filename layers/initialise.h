#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "qkv/autograd/random.h"
#include "qkv/autograd/shape.h"

namespace qkv {

/// How a parameter gets its first values.
enum class Initialise {
  zeros,       ///< biases
  ones,        ///< the weight of a layer norm
  xavier,      ///< uniform in ±√(6 / (in + out)) for a weight [out, in] (Glorot & Bengio 2010, eq. 16), or
               ///< a table [vocabulary, C] whose vectors are multiplied by √C
  projection,  ///< `xavier` of queries, keys and values as one matrix [3C, C]: in ±√(6 / 4C), as in PyTorch's attention
  scaled_normal,  ///< normal with deviation 1/√C for vectors of C numbers
  unit_normal,  ///< normal with deviation 1 for a table [vocabulary, C] that is used as it is, as in torch.nn.Embedding
  recurrent,    ///< uniform in ±1/√H for a weight [gates · H, H], as in torch.nn.RNN, GRU and LSTM
};

template <class T>
void initialise(std::span<T> values, const Shape& shape, Initialise how, Random& random) {
  switch (how) {
    case Initialise::zeros:
      std::fill(values.begin(), values.end(), T(0));
      break;
    case Initialise::ones:
      std::fill(values.begin(), values.end(), T(1));
      break;
    case Initialise::xavier:
    case Initialise::projection: {
      const int matrices = how == Initialise::projection ? 3 : 1;
      const double bound = std::sqrt(6.0 / (matrices * shape.dim(0) + shape.dim(1)));
      for (T& value : values) value = static_cast<T>(random.uniform(-bound, bound));
      break;
    }
    case Initialise::scaled_normal: {
      const double deviation = 1 / std::sqrt(static_cast<double>(shape.last()));
      for (T& value : values) value = static_cast<T>(deviation * random.normal());
      break;
    }
    case Initialise::unit_normal:
      for (T& value : values) value = static_cast<T>(random.normal());
      break;
    case Initialise::recurrent: {
      const double bound = 1 / std::sqrt(static_cast<double>(shape.last()));
      for (T& value : values) value = static_cast<T>(random.uniform(-bound, bound));
      break;
    }
  }
}

}  // namespace qkv
