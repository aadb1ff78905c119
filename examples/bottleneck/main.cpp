// How much of a gradient arrives at each word: through the last hidden state of Elman's cell, of a GRU, and through
// attention. None of the networks is trained.

#include <cmath>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/layers/rnn_attention.h"
#include "qkv/layers/rnn_encoder.h"

using namespace qkv;

constexpr int features = 16, sentence_length = 12;

/// The norm of the gradient of ⟨v, result⟩ by each word, where v is a random direction.
template <class Result>
std::vector<double> reach(CellKind cell, Result result) {
  Parameters<double> parameters;
  const RnnEncoder<double> encoder(parameters.root() / "encoder", cell, features, features);
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
  // A fixed context: the decoder sees the state after the last word and nothing else.
  const auto last = [](const RnnEncoded<double>& encoded) { return encoded.last; };
  const auto elman = reach(CellKind::elman, last), gru = reach(CellKind::gru, last);
  // Attention: the decoder sees a weighted sum of all states; it asks with the last one here.
  const auto attended = reach(CellKind::gru, [](const RnnEncoded<double>& encoded) {
    return attention(encoded.last, encoded.states, encoded.states, Mask::none(), 1, 1.0).output;
  });
  fmt::print("word  {:<30}{:<21}{}\n", "last state, Elman", "last state, GRU", "attention value, GRU");
  const auto bar = [](double norm) { return std::string(static_cast<std::size_t>(std::lround(10 * norm)), '#'); };
  for (int word = 0; word < sentence_length; ++word)
    fmt::print("{:>4}  {:.5f}  {:<20} {:.5f}  {:<11} {:.5f}  {}\n", word + 1, elman[word], bar(elman[word]), gru[word],
               bar(gru[word]), attended[word], bar(attended[word]));
}
