// An embedding is a row of a table; its gradient goes back to that row, and adds up where a word occurs twice.

#include <fmt/format.h>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/autograd/ops.h"

using namespace qkv;

int main() {
  Tape<double> tape;
  const Recording recording(tape);
  const std::vector<double> numbers{1, 2, 3, 4, 5, 6, 7, 8};
  const Var<double> table = tape.variable({4, 2}, numbers, "table");
  const std::vector<int> ids{2, 0, 2};  // the third word is the first one again
  const Var<double> y = embedding(table, ids, {1, 3});
  print_matrix("y", y.rows(), 0);

  const std::vector<double> dy{1, 10, 2, 20, 3, 30};
  tape.backward(y, dy);
  print_matrix("dtable", table.grad(), 0);

  // The same as a product with a matrix of ones and zeros, one row a word.
  const std::vector<double> picks{0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0};
  const Var<double> one_hot = tape.constant({3, 4}, picks, "one_hot");
  print_matrix("one_hot", one_hot.rows(), 0);
  print_matrix("product", matmul(one_hot, table).rows(), 0);
}
