#include "qkv/autograd/kernels/small_product.h"

#include <algorithm>
#include <cstdint>

#include "qkv/autograd/kernels/lanes.h"

namespace qkv {
namespace {

/// The operands in the form the tiles read them: a(i, p) = a[i · a_row + p · a_column], b and c row by row.
template <class T>
struct Operands {
  const T* a;
  std::ptrdiff_t a_row, a_column;
  int depth;             // k
  const T* b;            // the columns that a tile reads, chosen by multiply_panel
  std::ptrdiff_t b_row;  // from one of their rows to the next
  Target<T> c;
};

/// `rows` rows of c from `first` on, at `blocks` places of `width` columns each: the sums stay in registers while the
/// rows of b pass by once. The places may overlap; each is read before any is written. Arrays of registers must be
/// indexed by constants, so the loops over them are unrolled.
template <int rows, int width, int blocks, class T>
void multiply_tile(const Operands<T>& of, int first, const int (&at)[blocks]) {
  Lanes<T, width> sums[rows][blocks];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < blocks; ++j) {
      if (of.c.accumulate)
        sums[i][j] = load<width>(of.c.data + (first + i) * of.c.stride + at[j]);
      else
        sums[i][j].setZero();
    }
  const T* a = of.a + first * of.a_row;
  for (int p = 0; p < of.depth; ++p) {
    Lanes<T, width> b[blocks];
#pragma GCC unroll 2
    for (int j = 0; j < blocks; ++j) b[j] = load<width>(of.b + p * of.b_row + at[j] - at[0]);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const T factor = a[i * of.a_row + p * of.a_column];
#pragma GCC unroll 2
      for (int j = 0; j < blocks; ++j) sums[i][j] += factor * b[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < blocks; ++j) store(of.c.data + (first + i) * of.c.stride + at[j], sums[i][j]);
}

/// All rows of c at these places, as many at once as leave registers for b.
template <int width, int blocks, class T>
void multiply_columns(const Operands<T>& of, const int (&at)[blocks]) {
  constexpr int most = blocks == 1 ? 8 : 6;
  int i = 0;
  for (; i + most <= of.c.rows; i += most) multiply_tile<most, width>(of, i, at);
  for (; i + 4 <= of.c.rows; i += 4) multiply_tile<4, width>(of, i, at);
  for (; i + 2 <= of.c.rows; i += 2) multiply_tile<2, width>(of, i, at);
  if (i < of.c.rows) multiply_tile<1, width>(of, i, at);
}

/// to[p][j] = b(p, first + j) for `count` columns of a transposed b: its rows in memory become columns.
template <class T, int stride>
void transpose_columns(View<T> b, int first, int count, T (*to)[stride]) {
  constexpr int side = register_width<T>;
  const int whole = b.rows / side * side;
  for (int j0 = 0; j0 < count; j0 += side) {
    const int columns = std::min(side, count - j0);
    const T* from = b.data + (first + j0) * b.stride;
    for (int p = 0; p < whole; p += side) {
      Eigen::Matrix<T, side, side, Eigen::RowMajor> square;
      for (int j = 0; j < columns; ++j)
        square.row(j) = Eigen::Map<const Eigen::Matrix<T, 1, side>>(from + j * b.stride + p);
      for (int j = columns; j < side; ++j) square.row(j).setZero();
      square.transposeInPlace();
      for (int i = 0; i < side; ++i) Eigen::Map<Eigen::Matrix<T, 1, side>>(to[p + i] + j0) = square.row(i);
    }
    for (int p = whole; p < b.rows; ++p)
      for (int j = 0; j < columns; ++j) to[p][j0 + j] = from[j * b.stride + p];
  }
}

// What still is a small product.
constexpr int most_transposed_rows = 512;  // whose columns for two registers, 64 KiB, lie on the stack
constexpr std::int64_t most_multiplications = std::int64_t{1} << 24;
constexpr int least_columns = 4;  // with fewer, which fill no register, only if the depth is small too
constexpr int most_depth_of_few_columns = 31;

template <int width, int blocks, class T>
void multiply_panel(const Operands<T>& of, View<T> b, const int (&at)[blocks]) {
  Operands<T> panel = of;
  if (!b.is_transposed) {
    panel.b = b.data + at[0];
    panel.b_row = b.stride;
    multiply_columns<width>(panel, at);
  } else {
    constexpr int stride = std::max(blocks * width, register_width<T>);
    alignas(64) T columns[most_transposed_rows][stride];
    transpose_columns(b, at[0], at[blocks - 1] + width - at[0], columns);
    panel.b = columns[0];
    panel.b_row = stride;
    multiply_columns<width>(panel, at);
  }
}

/// The columns of c in blocks of `width`. The last block ends with the last column, so it may overlap the one before,
/// together with which it is then computed.
template <int width, class T>
void multiply_blocks(const Operands<T>& of, View<T> b) {
  const int blocks = (b.columns + width - 1) / width;
  int block = 0;
  if (blocks % 2 == 1) multiply_panel<width>(of, b, {block++ * width});
  for (; block < blocks; block += 2)
    multiply_panel<width>(of, b, {block * width, std::min((block + 1) * width, b.columns - width)});
}

}  // namespace

template <class T>
bool is_small_product(View<T> a, View<T> b) {
  const bool is_vector = a.rows == 1 || b.columns == 1;
  const bool fills_registers = b.columns >= least_columns || b.rows <= most_depth_of_few_columns;
  const std::int64_t multiplications = std::int64_t{a.rows} * a.columns * b.columns;
  return !is_vector && fills_registers && multiplications <= most_multiplications &&
         (!b.is_transposed || b.rows <= most_transposed_rows);
}

template <class T>
void small_product(View<T> a, View<T> b, Target<T> c) {
  const Operands<T> of{.a = a.data,
                       .a_row = a.is_transposed ? 1 : a.stride,
                       .a_column = a.is_transposed ? a.stride : 1,
                       .depth = a.columns,
                       .b = nullptr,
                       .b_row = 0,
                       .c = c};
  constexpr int widest = register_width<T>;
  if (c.columns >= widest)
    multiply_blocks<widest>(of, b);
  else if (c.columns >= widest / 2)
    multiply_blocks<widest / 2>(of, b);
  else if (c.columns >= 4 && widest > 8)
    multiply_blocks<4>(of, b);
  else
    multiply_blocks<1>(of, b);
}

template bool is_small_product<float>(View<float>, View<float>);
template bool is_small_product<double>(View<double>, View<double>);
template void small_product<float>(View<float>, View<float>, Target<float>);
template void small_product<double>(View<double>, View<double>, Target<double>);

}  // namespace qkv
