#pragma once

#include "qkv/autograd/view.h"

namespace qkv {

/// Whether `small_product` takes these operands, and as a rule is faster than a product that packs them. It does not
/// take vectors, two or three columns of a deep b, a transposed b with more than 512 rows, and products of more than
/// 2²⁴ multiplications.
template <class T>
bool is_small_product(View<T> a, View<T> b);

/// c = a b, or c += a b if the target accumulates, straight from where the matrices lie: one head's scores, a layer of
/// a toy model. Large products first copy their operands into panels, in the order in which they read them; small ones
/// are done before that pays. Only the columns of a transposed b, of at most 512 rows, are copied, a register or two at
/// a time. a: m × k, b: k × n, c: m × n   Compiled for float and double.
template <class T>
void small_product(View<T> a, View<T> b, Target<T> c);

extern template bool is_small_product<float>(View<float>, View<float>);
extern template bool is_small_product<double>(View<double>, View<double>);
extern template void small_product<float>(View<float>, View<float>, Target<float>);
extern template void small_product<double>(View<double>, View<double>, Target<double>);

}  // namespace qkv
