#include "qkv/study/exact_derivatives.h"

#include <gtest/gtest.h>

#include "qkv/autograd/random.h"
#include "qkv/study/sentence_pair.h"

namespace qkv {
namespace {

class ExactDerivativesOf : public testing::TestWithParam<const char*> {
 protected:
  ExactDerivativesOf() : trained_(load_run(std::string(QKV_SOURCE_DIR) + "/docs/checkpoint/" + GetParam())) {}

  SentencePair pair() const {
    return pair_with_own_translation(trained_, read_source("나는 어제 학교에 갔다 .", trained_.source));
  }

  TrainedModel trained_;
};

using Direction = ExactDerivatives::Direction;

/// One entry of every value that has a gradient, and a random direction through the whole of it.
TEST_P(ExactDerivativesOf, EveryNodeAgreeWithTheTape) {
  const SentencePass pass(trained_, pair());
  ExactDerivatives exact(pass);
  Random random(7);
  std::vector<Direction> directions;
  std::vector<double> by_tape;
  std::vector<const Node<double>*> nodes;
  for (const Node<double>* node : pass.nodes()) {
    if (node->gradient == nullptr) continue;
    const auto element = static_cast<std::int64_t>(random.uniform() * static_cast<double>(node->shape.size()));
    directions.push_back({{node->index, element}});
    by_tape.push_back(node->gradient[element]);
    Direction whole;
    double sum = 0;
    for (std::int64_t e = 0; e < node->shape.size(); ++e) {
      const double by = random.normal();
      whole.push_back({node->index, e, by});
      sum += by * node->gradient[e];
    }
    directions.push_back(whole);
    by_tape.push_back(sum);
    nodes.insert(nodes.end(), 2, node);
  }
  const std::vector<ExactDerivative> found = exact.of_loss(directions);
  EXPECT_GT(found.size(), 100U);
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i].value - by_tape[i]) / std::max(found[i].scale, 1e-300));
    EXPECT_NEAR(found[i].value, by_tape[i], 1e-12 * found[i].scale)
        << nodes[i]->name << " in " << (nodes[i]->module == nullptr ? "" : nodes[i]->module) << " " << i % 2;
  }
  RecordProperty("worst", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(Models, ExactDerivativesOf, testing::Values("transformer", "rnn-attention", "rnn"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace qkv
