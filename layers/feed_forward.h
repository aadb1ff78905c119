#pragma once

#include "qkv/autograd/named.h"
#include "qkv/autograd/ops/dropout.h"
#include "qkv/autograd/ops/gelu.h"
#include "qkv/autograd/ops/linear_relu.h"
#include "qkv/layers/linear.h"

namespace qkv {

enum class Activation { relu, gelu };
constexpr std::array<Named<Activation>, 2> names_of(Activation) {
  return {{{Activation::relu, "relu"}, {Activation::gelu, "gelu"}}};
}

/// outer(activation(inner(x))): the same two-layer network for every position (Vaswani et al. 2017, eq. 2).
/// While the tape is training, what comes out of the activation is dropped with a probability.
/// x: [..., C]   returns [..., C]
template <class T>
class FeedForward {
 public:
  FeedForward(const Path<T>& path, int width, int inner_width, Activation activation, double dropout_p = 0)
      : inner_(path / "inner", width, inner_width),
        outer_(path / "outer", inner_width, width),
        activation_(activation),
        dropout_p_(dropout_p) {}

  Var<T> operator()(Var<T> x) const {
    const Var<T> inner = activate(x);
    return outer_(dropout_p_ > 0 ? dropout(inner, dropout_p_) : inner);
  }

 private:
  Var<T> activate(Var<T> x) const {
    const InModule here(inner_.path());
    if (activation_ == Activation::relu) return linear_relu(x, inner_.weight()(), inner_.bias()());
    return gelu(inner_(x));
  }

  Linear<T> inner_, outer_;
  Activation activation_;
  double dropout_p_;
};

}  // namespace qkv
