// How much of each word's embedding is left in what the decoder reads: through the last hidden state alone, and
// through attention. Neither network is trained.

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "layers/rnn_attention.h"
#include "layers/rnn_encoder.h"

using namespace qkv;

constexpr int features = 16, sentence_length = 12;

/// The norm of the gradient of ⟨v, result⟩ by each word, where v is a random direction.
template <class Result>
std::vector<double> reach(Result result) {
  Parameters<double> parameters;
  const RnnEncoder<double> encoder(parameters.root() / "encoder", CellKind::gru, features, features);
  parameters.initialise(1);
  Random random(2);
  std::vector<double> numbers, v;
  for (int i = 0; i < sentence_length * features; ++i) numbers.push_back(random.normal());
  for (int i = 0; i < features; ++i) v.push_back(random.normal());

  Tape<double> tape;
  const Recording recording(tape);
  const Var<double> x = tape.variable({1, sentence_length, features}, numbers, "x");
  tape.backward(result(encoder(x, std::span(&sentence_length, 1))), v);
  std::vector<double> norms;
  for (int word = 0; word < sentence_length; ++word) {
    double squares = 0;
    for (int j = 0; j < features; ++j) squares += x.grad()(word, j) * x.grad()(word, j);
    norms.push_back(std::sqrt(squares));
  }
  return norms;
}

int main() {
  // The bottleneck: the decoder sees the state after the last word and nothing else.
  const auto context = reach([](const RnnEncoded<double>& encoded) { return encoded.last; });
  // Attention: the decoder sees a weighted sum of all states; it asks with the last one here.
  const auto attended = reach([](const RnnEncoded<double>& encoded) {
    return attention(encoded.last, encoded.states, encoded.states, Mask::none(), 1, 1.0).output;
  });
  fmt::print("word  last state                 attention value\n");
  const auto bar = [](double norm) {
    std::string text;
    for (int i = 0; i < static_cast<int>(std::lround(10 * norm)); ++i) text += "#";
    return text;
  };
  for (int word = 0; word < sentence_length; ++word)
    fmt::print("{:>4}  {:.4f}  {:<18} {:.4f}  {}\n", word + 1, context[word], bar(context[word]), attended[word],
               bar(attended[word]));
}
