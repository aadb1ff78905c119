#include <gtest/gtest.h>
#include <set>
#include <stdexcept>

#include "tests/translation/small_transformer.h"

namespace qkv {
namespace {

std::vector<std::string> names_of(const TransformerConfig& config) {
  const Transformer<float> model(config);
  std::vector<std::string> names;
  for (const auto& entry : model.parameters().entries()) names.push_back(entry.name);
  return names;
}

TEST(TransformerParameters, AreNamedAsItsFilesAre) {
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

TEST(TransformerParameters, HaveTheShapesOfPyTorch) {
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

TEST(TransformerParameters, ATiedWeightIsOneAndItsGradientTheSumOfBothUses) {
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
