// Masks and heads in numbers: which words a query may look at, and what happens when a later word changes.

#include <fmt/format.h>
#include <string>
#include <vector>

#include "examples/print_matrix.h"
#include "qkv/autograd/ops.h"
#include "qkv/autograd/random.h"
#include "qkv/study/shaded_matrix.h"

using namespace qkv;

constexpr int sentence_length = 5, features = 4;

/// Self-attention where every word is its own query, key and value.
Attended<double> attend(const std::vector<double>& numbers, Mask mask, int heads) {
  const Var<double> x = Tape<double>::current().constant({1, sentence_length, features}, numbers, "x");
  return attention(x, x, x, mask, heads);
}

void draw(const std::string& title, Var<double> weights) {
  const std::vector<std::string> names{"1", "2", "3", "4", "5"};
  const std::vector<float> plain_weights(weights.data(), weights.data() + sentence_length * sentence_length);
  fmt::print("{}\n{}\n", title, shaded_matrix(names, names, plain_weights, {.digits = true}));
}

int main() {
  Tape<double> tape;
  const Recording recording(tape);
  Random random(3);
  std::vector<double> x;
  for (int i = 0; i < sentence_length * features; ++i) x.push_back(random.normal());

  const int length = 3;  // the last two words are padding
  draw("no mask", attend(x, Mask::none(), 1).weights);
  draw("padding: only the first 3 words are real", attend(x, Mask::padding(std::span(&length, 1)), 1).weights);
  draw("causal: no word looks ahead", attend(x, Mask::causal(), 1).weights);

  // Two heads: the first looks with features 1 and 2 only, the second with 3 and 4.
  const Var<double> heads = attend(x, Mask::none(), 2).weights;  // [1, 2, 5, 5]
  draw("two heads, the first", slice(heads, 1, 0, 1));
  draw("two heads, the second", slice(heads, 1, 1, 1));

  // Change the last word: under the causal mask the outputs of the words before it stay the same, to the last bit.
  std::vector<double> changed = x;
  for (int j = 0; j < features; ++j) changed[(sentence_length - 1) * features + j] += 1;
  for (const auto& [name, mask] : {std::pair("no mask", Mask::none()), std::pair("causal", Mask::causal())}) {
    const Var<double> before = attend(x, mask, 1).output, after = attend(changed, mask, 1).output;
    fmt::print("{:<8} the last word is changed; the outputs", name);
    for (int i = 0; i < sentence_length; ++i) {
      bool same = true;
      for (int j = 0; j < features; ++j) same = same && before.rows()(i, j) == after.rows()(i, j);
      fmt::print("  {} {}", i + 1, same ? "same" : "moved");
    }
    fmt::print("\n");
  }
}
