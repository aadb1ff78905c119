// What recurrent networks and their attention use, against plain compositions: values and gradients. The widths are
// those of whole vector registers and a rest.

#include "qkv/autograd/ops.h"
#include "tests/autograd/composition.h"

namespace qkv {
namespace {

constexpr int width = 37;

template <class T>
class GateComposition : public testing::Test {};
TYPED_TEST_SUITE(GateComposition, Scalars);

/// The numbers of one gate among those of all, side by side.
template <class T>
Var<T> gate(Var<T> all, int number) {
  return slice(all, -1, number * width, width);
}

TYPED_TEST(GateComposition, GruGatesAreSigmoidsTanhAndAMixture) {
  using Vars = std::vector<Var<TypeParam>>;
  const auto fused = [](const Vars& x) { return Vars{gru_gates(x[0], x[1], x[2])}; };
  const auto plain = [](const Vars& in) {
    const auto a = in[0], b = in[1], h = in[2];
    const auto r = sigmoid(gate(a, 0) + gate(b, 0));
    const auto z = sigmoid(gate(a, 1) + gate(b, 1));
    const auto n = tanh(gate(a, 2) + multiply(r, gate(b, 2)));
    return Vars{subtract(n, multiply(z, n)) + multiply(z, h)};
  };
  for (const std::vector<Shape>& shapes : {std::vector<Shape>{{3, 3 * width}, {3, 3 * width}, {3, width}},
                                           std::vector<Shape>{{2, 1, 3 * width}, {2, 1, 3 * width}, {2, 1, width}}})
    compare<TypeParam>({fused, shapes}, {plain, shapes});
}

TYPED_TEST(GateComposition, LstmGatesAreSigmoidsTanhAndASum) {
  using Vars = std::vector<Var<TypeParam>>;
  const auto fused = [](const Vars& x) {
    const auto [h, c] = lstm_gates(x[0], x[1], x[2]);
    return Vars{h, c};
  };
  const auto plain = [](const Vars& x) {
    const auto all = x[0] + x[1];
    const auto i = sigmoid(gate(all, 0)), f = sigmoid(gate(all, 1));
    const auto g = tanh(gate(all, 2)), o = sigmoid(gate(all, 3));
    const auto c = multiply(f, x[2]) + multiply(i, g);
    return Vars{multiply(o, tanh(c)), c};
  };
  const std::vector<Shape> shapes{{3, 4 * width}, {3, 4 * width}, {3, width}};
  compare<TypeParam>({fused, shapes}, {plain, shapes});
  compare<TypeParam>({[&fused](const Vars& x) { return Vars{fused(x)[0]}; }, shapes},
                     {[&plain](const Vars& x) { return Vars{plain(x)[0]}; }, shapes});
}

/// The parts joined along one dimension.
template <class T>
Var<T> joined(const std::vector<Var<T>>& parts, int dimension) {
  return concat(std::span<const Var<T>>(parts), dimension);
}

TYPED_TEST(GateComposition, AdditiveScoresAreAProductWithTheTanhOfASum) {
  using Vars = std::vector<Var<TypeParam>>;
  constexpr int sentences = 2, queries = 3, keys = 5;
  const auto fused = [](const Vars& x) { return Vars{additive_scores(x[0], x[1], x[2])}; };
  const auto plain = [](const Vars& x) {  // every query with every key, one pair after the other
    const auto word = [](Var<TypeParam> words, int sentence, int place) {
      return slice(slice(words, 0, sentence, 1), 1, place, 1);
    };
    Vars of_sentences;
    for (int b = 0; b < sentences; ++b) {
      Vars of_queries;
      for (int i = 0; i < queries; ++i) {
        Vars scores;
        for (int j = 0; j < keys; ++j) scores.push_back(matmul(tanh(word(x[0], b, i) + word(x[1], b, j)), x[2]));
        of_queries.push_back(joined(scores, -1));
      }
      of_sentences.push_back(joined(of_queries, 1));
    }
    return Vars{joined(of_sentences, 0)};
  };
  compare<TypeParam>({fused, {{sentences, queries, width}, {sentences, keys, width}, {width}}},
                     {plain, {{sentences, queries, width}, {sentences, keys, width}, {1, width, 1}}});
}

TYPED_TEST(GateComposition, HoldFinishedTakesEachSentenceFromOneOfTwoStates) {
  using Vars = std::vector<Var<TypeParam>>;
  const std::vector<int> lengths{3, 5, 0, 4};
  const std::vector<Shape> shapes{{4, 2, width}, {4, 2, width}};
  for (int step = 0; step < 6; ++step) {
    const auto fused = [&](const Vars& x) { return Vars{hold_ended(x[0], x[1], lengths, step)}; };
    const auto plain = [&](const Vars& x) {
      Vars states;
      for (int b = 0; b < 4; ++b) states.push_back(slice(x[step < lengths[std::size_t(b)] ? 0 : 1], 0, b, 1));
      return Vars{joined(states, 0)};
    };
    compare<TypeParam>({fused, shapes}, {plain, shapes});
  }
}

}  // namespace
}  // namespace qkv
