// Self-attention in five steps, on three words of four features, with every intermediate number.

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "autograd/ops.h"
#include "examples/print_matrix.h"

using namespace qkv;

int main() {
  Tape<double> tape;
  const Recording recording(tape);

  // 1. The words as vectors: three embeddings.
  const std::vector<double> embeddings{1, 0, 1, 0,   //
                                       0, 2, 0, 2,   //
                                       1, 1, 1, 1};  //
  const Var<double> x = tape.variable({3, 4}, embeddings, "x");
  print_matrix("x", x.rows(), 0);

  // 2. Queries, keys and values: three linear maps of the same embeddings.
  const std::vector<double> query_weight{1, 0, 0, 0, 0, 0, 1, 1};  // [out, in] = [2, 4]
  const std::vector<double> key_weight{0, 1, 0, 0, 1, 0, 0, 1};
  const std::vector<double> value_weight{0, 1, 0, 0, 0, 0, 1, -1};
  const Var<double> w_q = tape.variable({2, 4}, query_weight, "w_q");
  const Var<double> w_k = tape.variable({2, 4}, key_weight, "w_k");
  const Var<double> w_v = tape.variable({2, 4}, value_weight, "w_v");
  const Var<double> q = linear(x, w_q);
  const Var<double> k = linear(x, w_k);
  const Var<double> v = linear(x, w_v);
  print_matrix("q", q.rows(), 0);
  print_matrix("k", k.rows(), 0);
  print_matrix("v", v.rows(), 0);

  // 3. Scores: every query with every key, divided by √2, the square root of the number of features of a key.
  const Var<double> scores = scale(matmul(q, transpose(k)), 1 / std::sqrt(2.0));
  print_matrix("scores", scores.rows());

  // 4. Softmax over the keys: each row of weights sums to 1.
  const Var<double> weights = softmax(scores);
  print_matrix("weights", weights.rows());

  // 5. The output of each word: the values of all words, weighted.
  const Var<double> y = matmul(weights, v);
  print_matrix("y", y.rows());

  // Backwards through the five steps: what the loss Σ y · g says to the embeddings.
  const std::vector<double> g{1, 0, 0, 0, 0, 0};  // only the first feature of the first word counts
  tape.backward(y, g);
  print_matrix("dx", x.grad());
  print_matrix("dw_q", w_q.grad());
}
