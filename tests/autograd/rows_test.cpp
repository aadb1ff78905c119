#include "qkv/autograd/rows.h"

#include <gtest/gtest.h>

#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

TEST(SumOf, AddsEachNumberOnce) {
  for (int n = 0; n <= 70; ++n) {
    EXPECT_EQ(sum_of<double>(n, [](int i) { return i + 1.0; }), n * (n + 1) / 2) << n;
    EXPECT_EQ(sum_of<float>(n, [](int i) { return static_cast<float>(i % 2 == 0 ? 1 << 20 : 1); }),
              static_cast<float>((n + 1) / 2 * (1 << 20) + n / 2))
        << n;
  }
}

TEST(WriteTransposed, WritesEveryNumberOnceAndNothingElse) {
  for (const int m : {0, 1, 2, 15, 16, 17, 33})
    for (const int n : {1, 3, 16, 31, 48})
      for (const bool accumulate : {false, true}) {
        const std::ptrdiff_t from_stride = n + 2, to_stride = m + 3;
        const std::vector<double> from = normal_numbers<double>(m * from_stride + 1, 1);
        std::vector<double> to = normal_numbers<double>(n * to_stride, 2), expected = to;
        for (int i = 0; i < m; ++i)
          for (int j = 0; j < n; ++j) {
            double& place = expected[std::size_t(j * to_stride + i)];
            place = from[std::size_t(i * from_stride + j)] + (accumulate ? place : 0);
          }
        write_transposed(View<double>{from.data(), m, n, from_stride, false},
                         Target<double>{to.data(), n, m, to_stride, accumulate});
        EXPECT_EQ(to, expected) << m << " × " << n << (accumulate ? ", accumulates" : "");
      }
}

}  // namespace
}  // namespace qkv
