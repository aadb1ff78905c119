#pragma once

#include "autograd/view.h"

namespace qkv {

/// Whether `small_product` is faster for these operands than a product that packs them: unless one is a vector, or they
/// are too large for the cache.
template <class T>
bool is_small_product(View<T> a, View<T> b);

/// c = a b, or c += a b if the target accumulates, straight from where the matrices lie: one head's scores, a layer of
/// a toy model. Large products first copy their operands into panels, in the order in which they read them; small ones
/// are done before that pays. Only the columns of a transposed b are copied, a register or two at a time.
/// a: m × k, b: k × n, c: m × n   Compiled for float and double.
template <class T>
void small_product(View<T> a, View<T> b, Target<T> c);

extern template bool is_small_product<float>(View<float>, View<float>);
extern template bool is_small_product<double>(View<double>, View<double>);
extern template void small_product<float>(View<float>, View<float>, Target<float>);
extern template void small_product<double>(View<double>, View<double>, Target<double>);

}  // namespace qkv
