#include <gtest/gtest.h>
#include <set>

#include "qkv/autograd/ops/cross_entropy.h"
#include "tests/translation/small_transformer.h"

namespace qkv {
namespace {

const Sentences source{{4, 5, 6, 2}, {7, 8, 9, 10, 3, 2}};
const Sentences target{{1, 4, 5, 6}, {1, 7, 8}};
const std::vector<int> next{4, 5, 6, 2, 7, 8, 2, 0};

template <class T>
Var<T> loss_of(const Transformer<T>& model) {
  return cross_entropy(model.logits(source.tokens(), target.tokens()), next, {.ignore = 0, .smoothing = 0.1});
}

double largest(std::span<const double> numbers) {
  double result = 0;
  for (const double x : numbers) result = std::max(result, std::abs(x));
  return result;
}

TEST(Gradients, ReachEveryParameterThatCanLearn) {
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre})
    for (const bool tied : {false, true}) {
      TransformerConfig config = small_config(norm);
      config.tie_embeddings = tied;
      config.positions = tied ? Positions::learned : Positions::sinusoidal;
      const auto model = random_transformer<double>(config);
      Tape<double> tape;
      const Recording recording(tape);
      tape.backward(loss_of(*model));
      // A constant added to all keys moves all scores of a query alike, and softmax does not see it.
      std::set<std::string> vanishing, expected;
      for (const char* layer : {"0", "1"}) {
        expected.insert(fmt::format("encoder.layers.{}.self_attention.key.bias", layer));
        expected.insert(fmt::format("decoder.layers.{}.self_attention.key.bias", layer));
        expected.insert(fmt::format("decoder.layers.{}.cross_attention.key.bias", layer));
      }
      for (std::size_t i = 0; i < model->parameters().entries().size(); ++i) {
        const std::string& name = model->parameters().entries()[i].name;
        const double size = largest(model->parameters().gradients(i));
        EXPECT_TRUE(size > 1e-4 || size < 1e-14) << name << " " << size;
        if (size < 1e-14) vanishing.insert(name);
      }
      EXPECT_EQ(vanishing, expected);
    }
}

TEST(Gradients, OfWordsThatDoNotOccurAreZero) {
  const auto model = random_transformer<double>(small_config(NormOrder::post));
  Tape<double> tape;
  const Recording recording(tape);
  tape.backward(loss_of(*model));
  ASSERT_EQ(model->parameters().entries()[0].name, "source_embedding.weight");
  const std::set<int> read{2, 3, 4, 5, 6, 7, 8, 9, 10};
  for (int word = 0; word < 11; ++word)
    EXPECT_EQ(largest(model->parameters().gradients(0).subspan(static_cast<std::size_t>(word) * 16, 16)) > 0,
              read.contains(word))
        << word;
}

TEST(Gradients, ReachEveryStateOfTheEncoderAndNoPadding) {
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre}) {
    Parameters<double> parameters;
    const TransformerDecoder<double> decoder(parameters.root() / "decoder", small_config(norm).stack());
    randomise(parameters, 2);
    Tape<double> tape;
    const Recording recording(tape);
    const Var<double> x = normal_variable(tape, {2, 3, 16}, 1), memory = normal_variable(tape, {2, 5, 16}, 2);
    const std::vector<int> lengths{5, 2}, target_lengths{2, 3};
    const Var<double> y = decoder(x, memory, Mask::causal_padding(target_lengths), Mask::padding(lengths));
    std::vector<double> seed(static_cast<std::size_t>(y.size()));
    const auto place = seed.begin();  // only the first word of each sentence is asked for
    std::copy_n(normal_numbers<double>(16, 3).begin(), 16, place);
    std::copy_n(normal_numbers<double>(16, 4).begin(), 16, place + 48);
    tape.backward(y, seed);
    const auto size_at = [](Var<double> v, int row) { return largest(std::span(v.grad().row_block(row, 1).data, 16)); };
    for (int b = 0; b < 2; ++b) {
      for (int j = 0; j < 5; ++j)
        EXPECT_EQ(size_at(memory, b * 5 + j) > 1e-5, j < lengths[static_cast<std::size_t>(b)]) << b << " " << j;
      for (int i = 0; i < 3; ++i) EXPECT_EQ(size_at(x, b * 3 + i) > 1e-5, i == 0) << b << " " << i;  // causal
    }
  }
}

/// The gradient of the loss at the model's parameters.
std::vector<double> gradient_at(Transformer<double>& model) {
  Tape<double> tape;
  const Recording recording(tape);
  tape.backward(loss_of(model));
  const auto gradients = model.parameters().gradients();
  return {gradients.begin(), gradients.end()};
}

TEST(Gradients, OnDualsGiveHessianVectorProducts) {
  for (const NormOrder norm : {NormOrder::post, NormOrder::pre}) {
    TransformerConfig config = small_config(norm);
    config.activation = Activation::gelu;  // smooth, so that differences converge
    config.layers = 1;
    const auto model = random_transformer<double>(config);
    Parameters<double>& parameters = model->parameters();
    Transformer<DualDouble> on_duals(config);

    // Eight directions at once: each parameter's dual part is what it moves by.
    std::vector<std::vector<double>> directions;
    for (std::uint64_t k = 0; k < dual_directions; ++k)
      directions.push_back(normal_numbers<double>(static_cast<std::int64_t>(parameters.size()), 50 + k));
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const std::size_t offset = parameters.entries()[i].offset;
      const auto values = on_duals.parameters().values(i);
      for (std::size_t j = 0; j < values.size(); ++j) {
        values[j] = parameters.values(i)[j];
        for (std::size_t k = 0; k < dual_directions; ++k) values[j].d[k] = directions[k][offset + j];
      }
    }
    Tape<DualDouble> tape;
    const Recording recording(tape);
    tape.backward(loss_of(on_duals));

    const std::vector<double> gradient = gradient_at(*model);
    const std::vector<double> start(parameters.values().begin(), parameters.values().end());
    constexpr double h = 1e-5;
    for (std::size_t k = 0; k < dual_directions; ++k) {
      const auto moved = [&](double by) {
        for (std::size_t i = 0; i < start.size(); ++i) parameters.values()[i] = start[i] + by * directions[k][i];
        return gradient_at(*model);
      };
      const std::vector<double> ahead = moved(h), behind = moved(-h);
      double scale = 0, error = 0;
      for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
        const std::size_t offset = parameters.entries()[i].offset;
        const auto exact = on_duals.parameters().gradients(i);
        for (std::size_t j = 0; j < exact.size(); ++j) {
          EXPECT_NEAR(exact[j].value, gradient[offset + j], 1e-14);
          const double difference = (ahead[offset + j] - behind[offset + j]) / (2 * h);
          scale = std::max(scale, std::abs(difference));
          error = std::max(error, std::abs(exact[j].d[k] - difference));
        }
      }
      EXPECT_GT(scale, 0.1);
      EXPECT_LE(error, 1e-6 * scale) << "direction " << k;
    }
  }
}

}  // namespace
}  // namespace qkv
