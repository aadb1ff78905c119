#pragma once

#include <cmath>

#include "qkv/autograd/exponential.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// What cross_entropy computes besides the plain mean.
struct CrossEntropyOptions {
  int ignore = -1;       ///< targets of this class count for nothing: padding
  double smoothing = 0;  ///< label smoothing ε: the target class gets 1 − ε, and ε is spread over all classes evenly
  double divide_by = 0;  ///< what the sum of losses is divided by; 0 means the number of targets that count
};

/// The mean of −Σⱼ qⱼ log softmax(z)ⱼ over the targets that count, with q = 1 at the target class, or label-smoothed
/// (Szegedy et al. 2016, section 7; as torch.nn.functional.cross_entropy). Softmax, logarithm and mean are one
/// operation, so that nothing overflows. Without any target that counts the loss is 0.
/// logits z: [..., C]   targets: one class for each row   returns a scalar
/// Throws std::invalid_argument for a target outside 0 … C − 1.
template <class T>
Var<T> cross_entropy(Var<T> logits, std::span<const int> targets, CrossEntropyOptions options = {}) {
  const int rows = logits.shape().rows(), classes = logits.last();
  check(std::ssize(targets) == rows, "cross_entropy: {} targets do not fit logits {}", targets.size(), logits.shape());
  check(options.smoothing >= 0 && options.smoothing < 1, "cross_entropy: label smoothing {} is not in [0, 1)",
        options.smoothing);
  check(options.divide_by >= 0, "cross_entropy: cannot divide by {}", options.divide_by);
  double counted = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == options.ignore) continue;
    check(targets[i] >= 0 && targets[i] < classes, "cross_entropy: target class {} at row {} is not within 0 and {}",
          targets[i], i, classes - 1);
    ++counted;
  }
  Tape<T>& tape = Tape<T>::current();
  Var<T> loss = Tape<T>::make("cross_entropy", Shape{}, {logits});
  const double divisor = options.divide_by > 0 ? options.divide_by : std::max(counted, 1.0);
  const T share(1 / divisor), uniform(options.smoothing / classes), sharp(1 - options.smoothing);
  const int ignore = options.ignore;
  const int* kept = tape.keep(targets.data(), targets.size());
  T* log_sums = tape.template scratch<T>(targets.size());  // log Σ exp(z) of each row
  T* exponentials = tape.template scratch<T>(classes);
  T total(0);
  for (int i = 0; i < rows; ++i) {
    if (kept[i] == ignore) continue;
    const T* z = logits.rows().row(i);
    using std::log;
    const T largest = largest_of(z, classes);
    log_sums[i] = largest + log(exp_shifted(z, largest, exponentials, classes));
    total += log_sums[i] - sharp * z[kept[i]];
    if (options.smoothing > 0) total -= uniform * sum_of<T>(classes, [=](int j) { return z[j]; });
  }
  open_value(loss).data[0] = share * total;
  on_backward(loss, [=] {
    const T dloss = share * loss.grad().data[0];
    if (auto dlogits = logits.sink()) {
      const Target<T> to = dlogits.open();
      const Borrowed<T> p(classes);
      for (int i = 0; i < rows; ++i) {  // dz += (softmax(z) − q) / count
        const Target<T> row = to.row_block(i, 1);
        if (kept[i] == ignore) {
          if (!row.accumulate) std::fill_n(row.data, classes, T(0));
          continue;
        }
        const T* softmax = p.data();
        exp_shifted(logits.rows().row(i), log_sums[i], p.data(), classes);
        write_each(row, [=](auto j) { return dloss * (softmax[j] - uniform); });
        row.data[kept[i]] -= dloss * sharp;
      }
    }
  });
  return loss;
}

}  // namespace qkv
