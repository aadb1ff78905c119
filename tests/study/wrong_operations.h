#pragma once

#include "qkv/autograd/ops.h"

namespace qkv {

// Operations as a person in a hurry would write them, each with its own mistake.

template <class T>
Var<T> softmax_without_sum(Var<T> x) {
  Var<T> y = Tape<T>::make("softmax", x.shape(), {x});
  std::copy(x.data(), x.data() + x.size(), open_value(y).data);
  for (int i = 0; i < x.shape().rows(); ++i) softmax_in_place(open_value(y).row_block(i, 1).data, x.last(), x.last());
  on_backward(y, [=] {
    const T *dy = y.grad().data, *p = y.data();
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return p[i] * dy[i]; });  // − p Σ p dy is missing
  });
  return y;
}

/// softmax(factor · q kᵀ) v, with q's and k's gradients computed as if the factor were 1.
template <class T>
Var<T> attention_without_scale(Var<T> q, Var<T> k, Var<T> v) {
  const Var<T> scores = matmul(q, transpose(k));
  Var<T> scaled = Tape<T>::make("scale", scores.shape(), {scores});
  const T factor(1 / std::sqrt(static_cast<double>(q.last())));
  write_each(open_value(scaled), [=, a = scores.data()](auto i) { return factor * a[i]; });
  on_backward(scaled, [=] {
    const T* dy = scaled.grad().data;
    if (auto dx = scores.sink()) write_each(dx.open(), [=](auto i) { return dy[i]; });
  });
  return matmul(softmax(scaled), v);
}

template <class T>
Var<T> layer_norm_without_mean(Var<T> x, Var<T> weight, Var<T> bias) {
  Var<T> y = Tape<T>::make("layer_norm", x.shape(), {x, weight, bias});
  const int rows = x.shape().rows(), width = x.last();
  T* normal = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(x.size()));
  T* inverse_deviation = Tape<T>::current().template scratch<T>(static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) {
    inverse_deviation[i] = normalise_row(x.data() + i * width, width, 1e-5, normal + i * width);
    scale_and_shift(normal + i * width, weight.data(), bias.data(), width, open_value(y).data + i * width);
  }
  on_backward(y, [=] {
    const View<T> dy = y.grad(), n{normal, rows, width, width, false};
    if (auto dx = x.sink()) {
      const Target<T> to = dx.open();
      for (int i = 0; i < rows; ++i) {
        const T *g = dy.data + i * width, *row = normal + i * width, *w = weight.data();
        const T along = sum_of<T>(width, [=](int j) { return w[j] * g[j] * row[j]; }) / T(width);
        const T scale_back = inverse_deviation[i];
        write_each(to.row_block(i, 1), [=](auto j) { return (w[j] * g[j] - row[j] * along) * scale_back; });
      }
    }
    if (auto dweight = weight.sink()) sum_products_of_rows(dy, n, dweight.open());
    if (auto dbias = bias.sink()) sum_rows(dy, dbias.open());
  });
  return y;
}

template <class T>
Var<T> linear_with_transposed_gradient(Var<T> x, Var<T> w, Var<T> b) {
  Var<T> y = Tape<T>::make("linear", x.shape().with_last(w.dim(0)), {x, w, b});
  gemm(x.rows(), w.rows().transposed(), open_value(y));
  add_to_rows(open_value(y), b.data());
  on_backward(y, [=] {
    const View<T> dy = y.grad();
    if (auto dx = x.sink()) gemm(dy, w.rows(), dx.open());
    if (auto dw = w.sink()) gemm(x.rows().transposed(), dy, dw.open());  // Xᵀ dY: fits, since w is square
    if (auto db = b.sink()) sum_rows(dy, db.open());
  });
  return y;
}

template <class T>
Var<T> embedding_without_accumulation(Var<T> table, std::span<const int> ids) {
  const auto count = static_cast<int>(ids.size()), width = table.last();
  Var<T> y = Tape<T>::make("embedding", Shape{count, width}, {table});
  const int* kept = Tape<T>::current().keep(ids.data(), ids.size());
  for (int i = 0; i < count; ++i)
    std::copy_n(table.data() + kept[i] * width, width, open_value(y).row_block(i, 1).data);
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dtable = table.sink()) {
      T* out = dtable.open_zeroed().data;
      for (int i = 0; i < count; ++i) std::copy_n(dy + i * width, width, out + kept[i] * width);
    }
  });
  return y;
}

/// The mean over the rows, whose gradient forgets that it is a mean.
template <class T>
Var<T> cross_entropy_without_divisor(Var<T> logits, std::span<const int> targets) {
  const Var<T> total = cross_entropy(logits, targets, {.divide_by = 1});
  Var<T> loss = Tape<T>::make("cross_entropy", Shape{}, {total});
  open_value(loss).data[0] = total.item() / T(static_cast<double>(targets.size()));
  on_backward(loss, [=] {
    const T dloss = loss.grad().data[0];
    if (auto dtotal = total.sink()) write_each(dtotal.open(), [=](auto) { return dloss; });
  });
  return loss;
}

/// The words that are no padding, 0 for the others, whose gradient is let through all the same.
template <class T>
Var<T> words_with_leaking_gradient(Var<T> x, std::span<const int> lengths) {
  Var<T> y = Tape<T>::make("words", x.shape(), {x});
  for (int b = 0; b < x.dim(0); ++b)
    for (int i = 0; i < x.dim(1); ++i) {
      const int row = b * x.dim(1) + i;
      const T* from = x.rows().row_block(row, 1).data;
      const bool is_word = i < lengths[static_cast<std::size_t>(b)];
      write_each(open_value(y).row_block(row, 1), [=](auto j) { return is_word ? from[j] : T(0); });
    }
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return dy[i]; });  // for padding too
  });
  return y;
}

/// y = x, with a gradient that is `factor` times the right one.
template <class T>
Var<T> with_wrong_factor(Var<T> x, double factor) {
  Var<T> y = Tape<T>::make("with_wrong_factor", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) write_each(dx.open(), [=](auto i) { return T(factor) * dy[i]; });
  });
  return y;
}

/// y = x, with a gradient that is assigned, not accumulated.
template <class T>
Var<T> overwriting(Var<T> x) {
  Var<T> y = Tape<T>::make("overwriting", x.shape(), {x});
  write_each(open_value(y), [a = x.data()](auto i) { return a[i]; });
  on_backward(y, [=] {
    const T* dy = y.grad().data;
    if (auto dx = x.sink()) {
      Target<T> to = dx.open();
      to.accumulate = false;
      write_each(to, [=](auto i) { return dy[i]; });
    }
  });
  return y;
}

}  // namespace qkv
