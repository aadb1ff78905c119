// Attention of one query over three keys: forward and backward by hand, line by line, next to the tape.

#include <cmath>
#include <fmt/format.h>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/autograd/ops.h"

using namespace qkv;

constexpr int keys = 3, features = 2;

int main() {
  const std::vector<double> q{1, 2};                // [1, 2]
  const std::vector<double> k{1, 0, 0, 1, 1, 1};    // [3, 2]
  const std::vector<double> v{10, 0, 0, 10, 5, 5};  // [3, 2]
  const std::vector<double> dy{1, -1};              // the gradient that flows into the attention value
  const auto row = [](const std::vector<double>& numbers) {
    return View<double>{numbers.data(), 1, static_cast<int>(numbers.size()), 0};
  };
  const auto rows = [](const std::vector<double>& numbers) {
    return View<double>{numbers.data(), keys, features, features};
  };

  // Forward: scores, weights, value.
  std::vector<double> s(keys), p(keys), y(features);
  double sum = 0;
  for (int j = 0; j < keys; ++j) {
    s[j] = q[0] * k[2 * j] + q[1] * k[2 * j + 1];  // s = K q
    sum += std::exp(s[j]);
  }
  for (int j = 0; j < keys; ++j) p[j] = std::exp(s[j]) / sum;  // p = softmax(s)
  for (int j = 0; j < keys; ++j)
    for (int c = 0; c < features; ++c) y[c] += p[j] * v[2 * j + c];  // y = Σ pⱼ vⱼ

  // Backward, in the opposite order.
  std::vector<double> dp(keys), ds(keys), dq(features), dk(keys * features), dv(keys * features);
  double dot = 0;
  for (int j = 0; j < keys; ++j) {
    dp[j] = dy[0] * v[2 * j] + dy[1] * v[2 * j + 1];  // dp = V dy
    dot += p[j] * dp[j];
  }
  for (int j = 0; j < keys; ++j) ds[j] = p[j] * (dp[j] - dot);  // ds = p ⊙ (dp − Σ p dp)
  for (int j = 0; j < keys; ++j)
    for (int c = 0; c < features; ++c) {
      dq[c] += ds[j] * k[2 * j + c];  // dq = Kᵀ ds
      dk[2 * j + c] = ds[j] * q[c];   // dK = ds qᵀ
      dv[2 * j + c] = p[j] * dy[c];   // dV = p dyᵀ
    }
  print_matrix("s", row(s));
  print_matrix("p", row(p));
  print_matrix("y", row(y));
  print_matrix("dp", row(dp));
  print_matrix("ds", row(ds));

  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> query = tape.variable({1, 1, features}, q, "query");
  const Var<double> key = tape.variable({1, keys, features}, k, "key");
  const Var<double> value = tape.variable({1, keys, features}, v, "value");
  const auto [output, weights] = attention(query, key, value, Mask::none(), 1, 1.0);
  tape.backward(output, dy);
  fmt::print("           by hand\n");
  print_matrix("dq", row(dq));
  print_matrix("dk", rows(dk));
  print_matrix("dv", rows(dv));
  fmt::print("           from the tape\n");
  print_matrix("dq", query.grad());
  print_matrix("dk", key.grad());
  print_matrix("dv", value.grad());
}
