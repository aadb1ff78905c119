#include <gtest/gtest.h>

#include "tests/autograd/numbers.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/steps.h"
#include "tests/translation/toy_training.h"

namespace qkv {
namespace {

template <class T>
std::unique_ptr<Transformer<T>> toy_model(double dropout) {
  auto model = std::make_unique<Transformer<T>>(toy_transformer(dropout));
  model->parameters().initialise(1);
  return model;
}

template <class T>
std::vector<std::remove_const_t<T>> copy_of(std::span<T> numbers) {
  return {numbers.begin(), numbers.end()};
}

/// The parameters after five steps, the last gradient, and the losses.
template <class T>
struct Trained {
  std::vector<T> parameters, gradient, moments;
  std::vector<double> losses;

  Trained(int workers, double dropout, std::uint64_t seed = 1) {
    const auto model = toy_model<T>(dropout);
    Steps<T> training(*model, {.workers = workers, .seed = seed});
    for (int step = 1; step <= 5; ++step) {
      const Batch batch = batch_of(toy_pairs(7, static_cast<std::uint64_t>(step)));
      losses.push_back(training.differentiate(batch, 0.1));
      training.update(1e-2, 1.0);
    }
    parameters = copy_of(model->parameters().values());
    gradient = copy_of(training.gradient());
    moments = copy_of(training.moment(1));
  }
};

TEST(Learner, GivesTheSameBitsForTheSameSeedAndWorkers) {
  for (const int workers : {1, 2, 3}) {
    const Trained<float> first(workers, 0.2), second(workers, 0.2), other(workers, 0.2, 2);
    EXPECT_EQ(first.parameters, second.parameters);
    EXPECT_EQ(first.moments, second.moments);
    EXPECT_EQ(first.losses, second.losses);
    EXPECT_NE(first.parameters, other.parameters);
  }
}

TEST(Learner, DoesNotDependOnTheNumberOfWorkers) {
  for (const double dropout : {0.0, 0.3}) {
    const Trained<double> one(1, dropout);
    const Trained<float> one_in_float(1, dropout);
    for (const int workers : {2, 3, 9}) {
      const Trained<double> several(workers, dropout);
      EXPECT_LE(largest_difference(several.losses, one.losses), 1e-12) << workers;
      EXPECT_LE(largest_difference(several.gradient, one.gradient), 1e-10) << workers;
      EXPECT_LE(largest_difference(several.parameters, one.parameters), 1e-8) << workers;
      EXPECT_LE(largest_difference(Trained<float>(workers, dropout).losses, one_in_float.losses), 1e-3) << workers;
    }
  }
}

TEST(Learner, DropsFeaturesOnlyIfItTrains) {
  const auto plain = toy_model<double>(0), model = toy_model<double>(0.3);
  const Batch batch = batch_of(toy_pairs(5, 1));
  const double expected = Steps<double>(*plain, {}).differentiate(batch);
  EXPECT_NEAR(Steps<double>(*model, {.workers = 2, .training = false}).differentiate(batch), expected, 1e-13);
  EXPECT_GT(std::abs(Steps<double>(*model, {.workers = 2}).differentiate(batch) - expected), 1e-3);
}

TEST(Learner, DividesTheLossByAllTargetWords) {
  const auto model = toy_model<double>(0);
  std::vector<Pair> pairs = toy_pairs(6, 3);
  double sum = 0;
  std::int64_t words = 0;
  std::vector<double> gradient(model->parameters().size());
  for (const Pair& pair : pairs) {
    Steps<double> training(*model, {.workers = 1});
    const Batch batch = batch_of({pair});
    ASSERT_EQ(batch.target_tokens, static_cast<std::int64_t>(pair.target.size()) + 1);
    const auto tokens = static_cast<double>(batch.target_tokens);
    sum += training.differentiate(batch, 0.1) * tokens;
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += training.gradient()[i] * tokens;
    words += batch.target_tokens;
  }
  for (double& g : gradient) g /= static_cast<double>(words);
  Steps<double> training(*model, {.workers = 2});
  EXPECT_NEAR(training.differentiate(batch_of(pairs), 0.1), sum / static_cast<double>(words), 1e-13);
  EXPECT_LE(largest_difference(training.gradient(), gradient), 1e-13);
}

TEST(Learner, AddsTheGradientsOfSeveralBatches) {
  const auto model = toy_model<double>(0);
  const std::vector<Pair> pairs = toy_pairs(9, 3);
  const Batch whole_batch = batch_of(pairs);
  const std::vector<Batch> parts{batch_of({pairs.begin(), pairs.begin() + 2}),
                                 batch_of({pairs.begin() + 2, pairs.begin() + 3}),
                                 batch_of({pairs.begin() + 3, pairs.end()})};
  for (const int workers : {1, 2}) {
    Steps<double> at_once(*model, {.workers = workers}), in_parts(*model, {.workers = workers});
    const double expected = at_once.differentiate(whole_batch, 0.1);
    for (int repeat = 0; repeat < 2; ++repeat) {  // the second time nothing of the first is left
      double loss = 0;
      for (const Batch& part : parts)
        loss += in_parts.learner.differentiate_sum(
            part.size,
            [&](const Shard& shard) { return loss_of<double>(*model, part, shard, 0.1, whole_batch.target_tokens); },
            &part == &parts.front() ? Gradients::anew : Gradients::added);
      EXPECT_NEAR(loss, expected, 1e-13);
      EXPECT_LE(largest_difference(in_parts.gradient(), copy_of(at_once.gradient())), 1e-13);
      EXPECT_NEAR(in_parts.learner.norm(), at_once.learner.norm(), 1e-12);
    }
  }
}

TEST(Learner, ClipsTheGradientToItsNorm) {
  const auto model = toy_model<double>(0);
  const Batch batch = batch_of(toy_pairs(5, 2));
  for (const double clip : {0.01, 1000.0}) {
    Steps<double> training(*model, {.workers = 2});
    training.differentiate(batch);
    const double norm = training.learner.norm();
    double squares = 0;
    for (const double g : training.gradient()) squares += g * g;
    EXPECT_NEAR(norm, std::sqrt(squares), 1e-12);
    ASSERT_GT(norm, 0.1);
    const std::vector<double> gradient = copy_of(training.gradient());
    training.update(1e-12, clip);
    const double scale = clip == 0.01 ? 0.01 / (norm + 1e-6) : 1;
    for (std::size_t i = 0; i < gradient.size(); ++i)
      EXPECT_NEAR(training.moment(0)[i], 0.1 * scale * gradient[i], 1e-15);
  }
}

TEST(Learner, NamesWhereALossBeganNotToBeFinite) {
  for (const int workers : {1, 2, 6}) {
    const auto model = toy_model<float>(0);
    const auto weights = parameter(*model, "decoder.layers.1.feed_forward.inner.weight");
    std::fill(weights.begin(), weights.end(), 0.0F);
    // Every input above 1.14 overflows, in whatever order sums are made.
    const auto width = static_cast<std::size_t>(toy_transformer().d_model);
    for (std::size_t i = 0; i < width; ++i) weights[i * width + i] = 3e38F;
    const std::vector<float> before = copy_of(model->parameters().values());
    Steps<float> training(*model, {.workers = workers});
    const std::string message =
        message_of<std::runtime_error>([&] { training.differentiate(batch_of(toy_pairs(5, 1)), 0); });
    EXPECT_NE(message.find("the output of linear_relu in decoder.layers.1.feed_forward.inner"), std::string::npos)
        << message;
    EXPECT_EQ(copy_of(model->parameters().values()), before);
    for (const float m : training.moment(0)) ASSERT_EQ(m, 0);
    weights[0] = NAN;
    const std::string parameter_message =
        message_of<std::runtime_error>([&] { training.differentiate(batch_of(toy_pairs(5, 1)), 0); });
    EXPECT_NE(parameter_message.find("decoder.layers.1.feed_forward.inner.weight"), std::string::npos)
        << parameter_message;
  }
}

TEST(Learner, PassesAWorkersExceptionOnAndRecovers) {
  const auto model = toy_model<double>(0);
  Steps<double> training(*model, {.workers = 2});
  const Batch good = batch_of(toy_pairs(4, 1));
  const double expected = training.differentiate(good, 0);
  Batch bad = good;
  bad.source[static_cast<std::size_t>(bad.source_width) * 3] = 12;  // of the second worker
  const std::string message = message_of<std::invalid_argument>([&] { training.differentiate(bad, 0); });
  EXPECT_NE(message.find("id 12"), std::string::npos) << message;
  EXPECT_EQ(training.differentiate(good, 0), expected);
}

TEST(Learner, LearnsABatchByHeart) {
  const auto model = toy_model<float>(0);
  Steps<float> training(*model, {.workers = 2});
  const Batch batch = batch_of(toy_pairs(8, 1));
  double loss = 0;
  for (int step = 1; step <= 200; ++step) {
    loss = training.differentiate(batch, 0);
    training.update(5e-3, 1.0);
  }
  EXPECT_LT(loss, 0.05);
}

}  // namespace
}  // namespace qkv
