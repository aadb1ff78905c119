#include "qkv/autograd/gemm.h"

#include <array>
#include <gtest/gtest.h>

#include "qkv/autograd/kernels/small_product.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

template <class T>
std::vector<T> numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<T> result;
  for (double x : normal_numbers<double>(count, seed)) result.push_back(T(x));
  if constexpr (!std::is_floating_point_v<T>)
    for (std::size_t i = 0; i < result.size(); ++i)
      for (std::size_t k = 0; k < result[i].d.size(); ++k) result[i].d[k] = std::sin(static_cast<double>(i + 7 * k));
  return result;
}

template <class T>
double distance(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::abs(static_cast<double>(a) - static_cast<double>(b));
  } else {
    double largest = std::abs(a.value - b.value);
    for (std::size_t k = 0; k < a.d.size(); ++k) largest = std::max(largest, std::abs(a.d[k] - b.d[k]));
    return largest;
  }
}

/// rows × columns numbers, `gap` more than needed from row to row, seen as they are or transposed.
template <class T>
struct Stored {
  Stored(int rows, int columns, bool is_transposed, int gap, std::uint64_t seed) {
    const int in_memory = is_transposed ? columns : rows, wide = is_transposed ? rows : columns;
    memory = numbers<T>(std::int64_t{in_memory} * (wide + gap) + 1, seed);
    view = {memory.data(), rows, columns, wide + gap, is_transposed};
  }
  std::vector<T> memory;
  View<T> view;
};

template <class T>
void compare(int m, int n, int k, bool transposed_a, bool transposed_b, bool accumulate, int gap) {
  const Stored<T> a(m, k, transposed_a, gap, 1), b(k, n, transposed_b, gap, 2);
  std::vector<T> got = numbers<T>(std::int64_t{m} * (n + gap) + 1, 3), expected = got;
  if (!accumulate)
    for (int i = 0; i < m; ++i) std::fill_n(got.data() + i * (n + gap), n, T(NAN));  // must not be read
  gemm(a.view, b.view, {got.data(), m, n, n + gap, accumulate});
  gemm_by_definition(a.view, b.view, {expected.data(), m, n, n + gap, accumulate});
  const double tolerance = 5 * (std::is_same_v<T, float> ? 0x1p-23 : 0x1p-52) * (k + 4);
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {  // the gaps too: they must stay as they were
    const double here = distance(got[i], expected[i]);
    largest = here <= largest ? largest : here;
  }
  EXPECT_LE(largest, tolerance) << m << " × " << n << " × " << k << (transposed_a ? " aᵀ" : " a")
                                << (transposed_b ? " bᵀ" : " b") << (accumulate ? " accumulates" : "") << ", gap "
                                << gap;
}

template <class T>
class Gemm : public testing::Test {};
using Scalars = testing::Types<float, double, DualDouble>;
TYPED_TEST_SUITE(Gemm, Scalars);

TYPED_TEST(Gemm, IsTheDefinitionForEveryTransposeStrideAndSize) {
  for (int m : {0, 1, 2, 7, 13, 33})
    for (int n : {0, 1, 2, 3, 4, 7, 8, 9, 13, 16, 17, 40})  // registers hold 4, 8 or 16 numbers; the last may overlap
      for (int k : {0, 1, 5, 31})
        for (int flags = 0; flags < 8; ++flags)
          for (int gap : {0, 3}) compare<TypeParam>(m, n, k, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, gap);
}

/// Duals are left out: they are multiplied by the definition itself, whatever the size.
template <class T>
class LargeGemm : public testing::Test {};
using PlainScalars = testing::Types<float, double>;
TYPED_TEST_SUITE(LargeGemm, PlainScalars);

TYPED_TEST(LargeGemm, IsTheDefinition) {
  use_one_thread_per_product();
  for (const auto& [m, n, k] :
       {std::array{80, 81, 82}, std::array{3, 1030, 200}, std::array{700, 513, 2}, std::array{128, 1537, 65},
        std::array{1200, 5, 300}, std::array{40, 600, 1500}, std::array{17, 29, 512}, std::array{17, 29, 513},
        std::array{17, 3, 512}, std::array{17, 5, 512}, std::array{17, 3, 32}, std::array{200, 300, 290}})
    for (int flags = 0; flags < 8; ++flags)
      compare<TypeParam>(m, n, k, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, flags % 3);
}

template <class T>
class SmallProduct : public testing::Test {};
TYPED_TEST_SUITE(SmallProduct, PlainScalars);

/// Also for what gemm gives to another form: vectors, two or three columns of a deep b, nothing at all.
TYPED_TEST(SmallProduct, IsTheDefinition) {
  using T = TypeParam;
  const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-14;
  for (const int m : {1, 2, 6, 15})
    for (const int n : {1, 2, 3, 5, 19})
      for (const int k : {0, 1, 40})
        for (int flags = 0; flags < 8; ++flags) {
          const Stored<T> a(m, k, (flags & 1) != 0, 1, 1), b(k, n, (flags & 2) != 0, 2, 2);
          std::vector<T> got = numbers<T>(m * n, 3), expected = got;
          small_product(a.view, b.view, Target<T>{got.data(), m, n, n, (flags & 4) != 0});
          gemm_by_definition(a.view, b.view, Target<T>{expected.data(), m, n, n, (flags & 4) != 0});
          EXPECT_LE(largest_difference(got, expected), tolerance)
              << m << " × " << n << " × " << k << ", flags " << flags;
        }
}

TEST(GemmErrors, NameTheSizes) {
  const std::vector<float> memory(100);
  std::vector<float> result(100);
  const View<float> a{memory.data(), 2, 3, 3, false}, b{memory.data(), 4, 5, 5, false};
  EXPECT_EQ(complaint([&] {
              gemm(a, b, {result.data(), 2, 5, 5, false});
            }),
            "gemm: [2, 3] times [4, 5] does not fit a target of [2, 5]");
  EXPECT_EQ(complaint([&] {
              gemm(a, a.transposed(), {result.data(), 2, 3, 3, false});
            }),
            "gemm: [2, 3] times [3, 2] does not fit a target of [2, 3]");
  EXPECT_TRUE(std::string(gemm_library()) == "oneDNN" || std::string(gemm_library()) == "Eigen");
}

}  // namespace
}  // namespace qkv
