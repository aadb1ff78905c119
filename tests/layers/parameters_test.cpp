#include "qkv/layers/parameters.h"

#include <ctime>
#include <gtest/gtest.h>
#include <limits>
#include <set>

#include "tests/layers/small_transformer.h"

namespace qkv {
namespace {

std::vector<std::string> names_of(const TransformerConfig& config) {
  const Transformer<float> model(config);
  std::vector<std::string> names;
  for (const auto& entry : model.parameters().entries()) names.push_back(entry.name);
  return names;
}

TEST(Parameters, OfATransformerAreNamedAsItsFilesAre) {
  std::set<std::string> expected{"source_embedding.weight", "target_embedding.weight", "encoder.norm.weight",
                                 "encoder.norm.bias",       "decoder.norm.weight",     "decoder.norm.bias",
                                 "generator.weight",        "generator.bias"};
  const auto add = [&](const std::string& place, const std::vector<std::string>& parts) {
    for (const std::string& part : parts)
      for (const char* kind : {"weight", "bias"}) expected.insert(place + "." + part + "." + kind);
  };
  for (const char* layer : {"0", "1"}) {
    const std::string encoder = std::string("encoder.layers.") + layer,
                      decoder = std::string("decoder.layers.") + layer;
    add(encoder + ".self_attention", {"query", "key", "value", "output"});
    add(decoder + ".self_attention", {"query", "key", "value", "output"});
    add(decoder + ".cross_attention", {"query", "key", "value", "output"});
    add(encoder, {"feed_forward.inner", "feed_forward.outer", "norm1", "norm2"});
    add(decoder, {"feed_forward.inner", "feed_forward.outer", "norm1", "norm2", "norm3"});
  }
  TransformerConfig config = small_config(NormOrder::post);
  const std::vector<std::string> names = names_of(config);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), expected);
  EXPECT_EQ(names.size(), expected.size());

  config.tie_embeddings = true;
  config.positions = Positions::learned;
  const std::vector<std::string> tied = names_of(config);
  expected.erase("generator.weight");
  expected.insert({"source_positions.weight", "target_positions.weight"});
  EXPECT_EQ(std::set<std::string>(tied.begin(), tied.end()), expected);
}

TEST(Parameters, OfATransformerHaveTheShapesOfPyTorch) {
  TransformerConfig config = small_config(NormOrder::pre);
  config.positions = Positions::learned;
  config.max_positions = 9;
  const Transformer<float> model(config);
  const auto shape = [&](const std::string& name) {
    for (const auto& entry : model.parameters().entries())
      if (entry.name == name) return entry.shape;
    return Shape{};
  };
  EXPECT_EQ(shape("source_embedding.weight"), Shape({11, 16}));
  EXPECT_EQ(shape("target_positions.weight"), Shape({9, 16}));
  EXPECT_EQ(shape("encoder.layers.1.self_attention.key.weight"), Shape({16, 16}));
  EXPECT_EQ(shape("decoder.layers.0.feed_forward.inner.weight"), Shape({24, 16}));
  EXPECT_EQ(shape("decoder.layers.0.feed_forward.outer.weight"), Shape({16, 24}));
  EXPECT_EQ(shape("decoder.layers.0.norm3.bias"), Shape({16}));
  EXPECT_EQ(shape("generator.weight"), Shape({13, 16}));
}

template <class T>
void expect_one_aligned_block() {
  Transformer<T> model(small_config(NormOrder::post));
  Parameters<T>& parameters = model.parameters();
  const std::span<T> block = parameters.values();
  std::size_t end = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const std::span<T> values = parameters.values(i);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(values.data()) % 64, 0u) << parameters.entries()[i].name;
    const auto offset = static_cast<std::size_t>(values.data() - block.data());
    EXPECT_GE(offset, end);
    EXPECT_LT((offset - end) * sizeof(T), 64u);  // nothing between two tensors but what alignment needs
    end = offset + values.size();
    count += static_cast<std::int64_t>(values.size());
    EXPECT_EQ(parameters.gradients(i).data() - parameters.gradients().data(), values.data() - block.data());
  }
  EXPECT_LE(end, block.size());
  EXPECT_EQ(parameters.count(), count);
  EXPECT_EQ(parameters.size(), block.size());
  for (const T x : block) EXPECT_EQ(x, T(0));  // padding too
}

TEST(Parameters, LieInOneBlockEachOn64Bytes) {
  expect_one_aligned_block<float>();
  expect_one_aligned_block<double>();
}

TEST(Parameters, AreTheSameForTheSameSeed) {
  const TransformerConfig config = small_config(NormOrder::post);
  const auto values = [&](std::uint64_t seed) {
    Transformer<float> model(config);
    model.parameters().initialise(seed);
    return std::vector<float>(model.parameters().values().begin(), model.parameters().values().end());
  };
  EXPECT_EQ(values(1), values(1));
  EXPECT_NE(values(1), values(2));
  Transformer<float> in_float(config);
  Transformer<double> in_double(config);
  in_float.parameters().initialise(5);
  in_double.parameters().initialise(5);
  for (std::size_t i = 0; i < in_float.parameters().entries().size(); ++i)
    for (std::size_t j = 0; j < in_float.parameters().values(i).size(); ++j)
      ASSERT_EQ(in_float.parameters().values(i)[j], static_cast<float>(in_double.parameters().values(i)[j]));
}

TEST(Parameters, BeginAsTheirKindSays) {
  Parameters<double> parameters;
  const Path<double> root = parameters.root();
  root.add("zeros", {1000}, Initialise::zeros);
  root.add("ones", {1000}, Initialise::ones);
  root.add("xavier", {60, 90}, Initialise::xavier);
  root.add("scaled_normal", {400, 25}, Initialise::scaled_normal);
  root.add("again", {60, 90}, Initialise::xavier);
  parameters.initialise(1);
  for (const double x : parameters.values(0)) EXPECT_EQ(x, 0);
  for (const double x : parameters.values(1)) EXPECT_EQ(x, 1);
  const auto moments = [&](std::size_t i) {
    double mean = 0, square = 0, largest = 0;
    const auto values = parameters.values(i);
    for (const double x : values) {
      mean += x / static_cast<double>(values.size());
      square += x * x / static_cast<double>(values.size());
      largest = std::max(largest, std::abs(x));
    }
    return std::array{mean, std::sqrt(square - mean * mean), largest};
  };
  const double bound = std::sqrt(6.0 / 150);
  EXPECT_NEAR(moments(2)[0], 0, 0.01);
  EXPECT_NEAR(moments(2)[1], bound / std::sqrt(3.0), 0.003);
  EXPECT_LE(moments(2)[2], bound);
  EXPECT_GT(moments(2)[2], 0.99 * bound);
  EXPECT_NEAR(moments(3)[0], 0, 0.01);
  EXPECT_NEAR(moments(3)[1], 0.2, 0.005);  // 1/√25
  EXPECT_GT(moments(3)[2], 0.6);           // 10,000 normal draws reach beyond three deviations
  EXPECT_NE(parameters.values(2)[0], parameters.values(4)[0]);
}

TEST(Parameters, RefuseWhatDoesNotFit) {
  Parameters<float> parameters;
  const Path<float> root = parameters.root();
  const Parameter<float> a = (root / "layer" / 0).add("weight", {3, 2}, Initialise::xavier);
  EXPECT_EQ(parameters.entries()[0].name, "layer.0.weight");
  EXPECT_EQ(complaint([&] { (root / "layer.0").add("weight", {2}, Initialise::zeros); }),
            "parameters: layer.0.weight exists already");
  parameters.values();
  EXPECT_EQ(complaint([&] { root.add("late", {2}, Initialise::zeros); }),
            "parameters: late is added after the values were laid out");

  Tape<float> tape;
  const Recording recording(tape);
  std::vector<float> small(parameters.size() - 1);
  EXPECT_EQ(complaint([&] { parameters.bind(std::span<float>(small)); }),
            "parameters: a gradient block of 15 numbers does not fit 16");
  const std::vector<Var<float>> none, wrong{normal_variable(tape, {2, 3}, 1)};
  EXPECT_EQ(complaint([&] { parameters.bind(std::span<const Var<float>>(none)); }),
            "parameters: 0 values cannot stand for 1 parameters");
  EXPECT_EQ(complaint([&] { parameters.bind(std::span<const Var<float>>(wrong)); }),
            "parameters: a value of shape [2, 3] cannot stand for layer.0.weight of shape [3, 2]");
  EXPECT_EQ(a().shape(), Shape({3, 2}));
}

TEST(Parameters, AreAddedInTimeInProportionToTheirNumber) {
  const auto seconds = [](int count) {
    std::clock_t least = std::numeric_limits<std::clock_t>::max();
    for (int round = 0; round < 3; ++round) {  // the least of three is what the work takes, without what disturbs it
      const std::clock_t start = std::clock();
      Parameters<float> parameters;
      for (int i = 0; i < count; ++i) (parameters.root() / "layer" / i).add("weight", {1}, Initialise::zeros);
      least = std::min(least, std::clock() - start);
    }
    return static_cast<double>(least) / CLOCKS_PER_SEC;
  };
  EXPECT_LT(seconds(16'000) / seconds(2'000), 24);  // 8 for linear time; comparing each with all others: 64
}

TEST(Parameters, AreLookedAtBeforeTheyAreAdded) {
  std::vector<std::string> seen;
  Parameters<float> parameters([&](const std::string& name, const Shape& shape) {
    check(shape.size() < 100, "{} is too large: {}", name, shape);
    seen.push_back(name);
  });
  parameters.root().add("a", {3, 2}, Initialise::zeros);
  EXPECT_EQ(complaint([&] { parameters.root().add("b", {30, 20}, Initialise::zeros); }), "b is too large: [30, 20]");
  EXPECT_EQ(seen, std::vector<std::string>{"a"});
  EXPECT_EQ(parameters.entries().size(), 1U);
}

TEST(Parameters, AreOneLeafOnATapeWithTheGradientOfWhoeverRecords) {
  Parameters<double> parameters;
  const Parameter<double> a = parameters.root().add("a", {2}, Initialise::ones);
  parameters.initialise(1);
  std::vector<double> mine(parameters.size()), yours(parameters.size());
  for (std::vector<double>* block : {&mine, &yours}) {
    Tape<double> tape;
    const Recording recording(tape);
    parameters.bind(std::span<double>(*block));
    EXPECT_EQ(a().node(), a().node());
    EXPECT_EQ(a().data(), parameters.values(0).data());
    const std::vector<double> seed{block == &mine ? 3.0 : 5.0, 0};
    tape.backward(a() + a(), seed);
  }
  EXPECT_EQ(mine[0], 6);
  EXPECT_EQ(yours[0], 10);
  EXPECT_EQ(parameters.gradients()[0], 0);
}

TEST(Parameters, LearnOnATapeThatBeganWithoutGradients) {
  Parameters<double> parameters;
  const Parameter<double> a = parameters.root().add("a", {2}, Initialise::ones);
  parameters.initialise(1);
  Tape<double> tape;
  const Recording recording(tape);
  {
    const NoGrad no_grad(tape);
    EXPECT_FALSE(a().node()->needs_gradient);
  }
  const std::vector<double> seed{3, 4};
  tape.backward(a() + a(), seed);
  EXPECT_EQ(std::vector<double>(parameters.gradients(0).begin(), parameters.gradients(0).end()),
            (std::vector<double>{6, 8}));
}

TEST(Parameters, ATiedWeightIsOneAndItsGradientTheSumOfBothUses) {
  // The same model untied, with the embedding's numbers copied to the generator, has the two parts one by one.
  TransformerConfig config = small_config(NormOrder::post);
  const auto untied = random_transformer<double>(config);
  config.tie_embeddings = true;
  const auto tied = random_transformer<double>(config);
  const auto index = [](const Parameters<double>& parameters, const std::string& name) {
    for (std::size_t i = 0; i < parameters.entries().size(); ++i)
      if (parameters.entries()[i].name == name) return i;
    throw std::out_of_range(name);
  };
  Parameters<double>& of_untied = untied->parameters();
  for (std::size_t i = 0; i < tied->parameters().entries().size(); ++i) {
    const auto from = tied->parameters().values(i);
    std::copy(from.begin(), from.end(),
              of_untied.values(index(of_untied, tied->parameters().entries()[i].name)).begin());
  }
  const auto table = of_untied.values(index(of_untied, "target_embedding.weight"));
  const auto weight = of_untied.values(index(of_untied, "generator.weight"));
  std::copy(table.begin(), table.end(), weight.begin());

  const Sentences source{{4, 5, 2}}, target{{1, 4, 4, 6}};
  const auto differentiate = [&](Transformer<double>& model) {
    Tape<double> tape;
    const Recording recording(tape);
    const Var<double> logits = model.logits(source.tokens(), target.tokens());
    tape.backward(logits, normal_numbers<double>(logits.size(), 9));
    return values_of(logits);
  };
  EXPECT_EQ(differentiate(*tied), differentiate(*untied));
  const auto both = tied->parameters().gradients(index(tied->parameters(), "target_embedding.weight"));
  const auto read = of_untied.gradients(index(of_untied, "target_embedding.weight"));
  const auto written = of_untied.gradients(index(of_untied, "generator.weight"));
  std::vector<double> sum;
  for (std::size_t i = 0; i < read.size(); ++i) sum.push_back(read[i] + written[i]);
  EXPECT_LE(largest_difference(both, sum), 1e-14);
  EXPECT_GT(largest_difference(read, written), 0.1);
}

}  // namespace
}  // namespace qkv
