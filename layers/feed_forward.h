#pragma once

#include "qkv/autograd/ops/gelu.h"
#include "qkv/autograd/ops/linear_relu.h"
#include "qkv/layers/linear.h"
#include "qkv/layers/named.h"

namespace qkv {

enum class Activation { relu, gelu };
constexpr std::array<Named<Activation>, 2> names_of(Activation) {
  return {{{Activation::relu, "relu"}, {Activation::gelu, "gelu"}}};
}

/// outer(activation(inner(x))): the same two-layer network for every position (Vaswani et al. 2017, eq. 2).
/// x: [..., C]   returns [..., C]
template <class T>
class FeedForward {
 public:
  FeedForward(const Path<T>& path, int width, int inner_width, Activation activation)
      : inner_(path / "inner", width, inner_width),
        outer_(path / "outer", inner_width, width),
        activation_(activation) {}

  Var<T> operator()(Var<T> x) const { return outer_(activate(x)); }

 private:
  Var<T> activate(Var<T> x) const {
    const InModule here(inner_.path());
    if (activation_ == Activation::relu) return linear_relu(x, inner_.weight()(), inner_.bias()());
    return gelu(inner_(x));
  }

  Linear<T> inner_, outer_;
  Activation activation_;
};

}  // namespace qkv
