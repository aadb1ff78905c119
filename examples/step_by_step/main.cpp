// A Transformer is trained on all words at once and produces them one by one: both are the same computation.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <vector>

#include "qkv/translation/transformer.h"

using namespace qkv;

int main() {
  Transformer<double> model(
      {.source_vocabulary = 12, .target_vocabulary = 10, .d_model = 8, .heads = 2, .layers = 1, .ff = 16});
  model.parameters().initialise(1);
  for (const auto& entry : model.parameters().entries())
    fmt::print("{:<46} {:<9} {:>4}\n", entry.name, entry.shape, entry.shape.size());
  fmt::print("{:<46} {:<9} {:>4}\n\n", "all", "", model.parameters().count());

  Tape<double> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  const std::vector<int> source_ids{5, 9, 4, 2}, target_ids{1, 7, 4, 6, 8};  // 1 is <bos>, 2 is <eos>
  const OneSequence source(source_ids), target(target_ids);

  const Var<double> at_once = model.logits(source, target);     // [1, 5, 10], under the causal mask
  const auto decoding = model.decode(source, target.length());  // keys and values are kept from word to word
  for (int i = 0; i < target.length(); ++i) {
    const Var<double> next = decoding->next(std::span(&target_ids[i], 1));  // [1, 1, 10], from one query
    double largest = 0;
    for (int j = 0; j < 10; ++j) largest = std::max(largest, std::abs(next.rows()(0, j) - at_once.rows()(i, j)));
    fmt::print("word {}: logits {:>6.3f} {:>6.3f} {:>6.3f} …  differ by {}\n", i + 1, next.rows()(0, 0),
               next.rows()(0, 1), next.rows()(0, 2), largest < 1e-12 ? "less than 1e-12" : "more than 1e-12");
  }
}
