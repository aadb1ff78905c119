// Attention alone is blind to order: permuted words give permuted outputs. Positions change that.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/autograd/ops.h"
#include "qkv/autograd/random.h"
#include "qkv/layers/multi_head_attention.h"
#include "qkv/layers/positional_encoding.h"
#include "qkv/study/shaded_matrix.h"

using namespace qkv;

constexpr int sentence_length = 4, features = 8;

int main() {
  Parameters<double> parameters;
  const MultiHeadAttention<double> self_attention(parameters.root() / "attention", features, 2);
  const PositionalEncoding<double> positions(parameters.root() / "positions", Positions::sinusoidal, 100, features);
  parameters.initialise(1);

  Tape<double> tape;
  const Recording recording(tape);
  Random random(2);
  std::vector<double> sentence, permuted;
  for (int i = 0; i < sentence_length * features; ++i) sentence.push_back(random.normal());
  const int order[sentence_length] = {2, 0, 3, 1};  // the first word is now the old third one, and so on
  for (const int word : order)
    permuted.insert(permuted.end(), sentence.begin() + word * features, sentence.begin() + (word + 1) * features);

  const auto compare = [&](const std::string& name, auto with_positions) {
    const Var<double> x = with_positions(tape.constant({1, sentence_length, features}, sentence));
    const Var<double> x_permuted = with_positions(tape.constant({1, sentence_length, features}, permuted));
    const Var<double> y = self_attention(x, x, Mask::none());
    const Var<double> y_permuted = self_attention(x_permuted, x_permuted, Mask::none());
    fmt::print("{}: the first two features of each output\n   sentence             permuted\n", name);
    double largest = 0;
    for (int i = 0; i < sentence_length; ++i) {
      fmt::print("   word {} {:>6.3f} {:>6.3f}  word {} {:>6.3f} {:>6.3f}\n", i + 1, y.rows()(i, 0), y.rows()(i, 1),
                 order[i] + 1, y_permuted.rows()(i, 0), y_permuted.rows()(i, 1));
      for (int j = 0; j < features; ++j)
        largest = std::max(largest, std::abs(y_permuted.rows()(i, j) - y.rows()(order[i], j)));
    }
    fmt::print("   the outputs of the same word differ by {}\n\n",
               largest < 1e-14 ? "nothing but rounding" : fmt::format("up to {:.3f}", largest));
  };
  compare("without positions", [](Var<double> x) { return x; });
  compare("with positions", [&](Var<double> x) { return positions(x); });

  // The encodings themselves, and how alike those of two positions are: their product, divided by its largest value.
  const std::vector<double> zeros(10 * features, 0.0);
  const Var<double> table = positions(tape.constant({1, 10, features}, zeros));
  print_matrix("encoding", table.rows().row_block(0, 4), 2);
  std::vector<std::string> names;
  std::vector<float> alike;
  for (int i = 0; i < 10; ++i) {
    names.push_back(fmt::format("{}", i));
    for (int j = 0; j < 10; ++j) {
      double product = 0;
      for (int c = 0; c < features; ++c) product += table.rows()(i, c) * table.rows()(j, c);
      alike.push_back(static_cast<float>(std::max(0.0, product / (features / 2))));
    }
  }
  fmt::print("\nhow alike the encodings of two positions are\n{}",
             shaded_matrix(names, names, alike, {.digits = true}));
}
