#include "qkv/translation/training_step.h"

#include <gtest/gtest.h>

#include "tests/autograd/numbers.h"
#include "tests/files/temporary_folder.h"
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
std::vector<T> copy_of(std::span<T> numbers) {
  return {numbers.begin(), numbers.end()};
}

/// The parameters after five steps, the last gradient, and the losses.
template <class T>
struct Trained {
  std::vector<T> parameters, gradient, moments;
  std::vector<double> losses;

  Trained(int workers, double dropout, std::uint64_t seed = 1) {
    const auto model = toy_model<T>(dropout);
    TrainingStep<T> training(*model, workers);
    for (int step = 1; step <= 5; ++step) {
      const Batch batch = batch_of(toy_pairs(7, static_cast<std::uint64_t>(step)));
      const DrawKey draws{.seed = seed, .step = static_cast<std::uint64_t>(step), .training = true};
      losses.push_back(training.differentiate(batch, 0.1, draws).value);
      training.update({}, 1e-2, 1.0, step);
    }
    parameters = copy_of(model->parameters().values());
    gradient = copy_of(training.gradient());
    moments = copy_of(training.second_moment());
  }
};

TEST(TrainingStep, GivesTheSameBitsForTheSameSeedAndWorkers) {
  for (const int workers : {1, 2, 3}) {
    const Trained<float> first(workers, 0.2), second(workers, 0.2), other(workers, 0.2, 2);
    EXPECT_EQ(first.parameters, second.parameters);
    EXPECT_EQ(first.moments, second.moments);
    EXPECT_EQ(first.losses, second.losses);
    EXPECT_NE(first.parameters, other.parameters);
  }
}

TEST(TrainingStep, DoesNotDependOnTheNumberOfWorkers) {
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

TEST(TrainingStep, DropsFeaturesOnlyIfTheDrawsSayThatItTrains) {
  const auto plain = toy_model<double>(0), model = toy_model<double>(0.3);
  const Batch batch = batch_of(toy_pairs(5, 1));
  const double expected = TrainingStep<double>(*plain, 1).differentiate(batch, 0, {}).value;
  TrainingStep<double> training(*model, 2);
  EXPECT_NEAR(training.differentiate(batch, 0, {.seed = 1, .step = 1}).value, expected, 1e-13);
  EXPECT_GT(std::abs(training.differentiate(batch, 0, {.seed = 1, .step = 1, .training = true}).value - expected),
            1e-3);
}

TEST(TrainingStep, DividesTheLossByAllTargetWords) {
  const auto model = toy_model<double>(0);
  std::vector<Pair> pairs = toy_pairs(6, 3);
  double sum = 0;
  std::int64_t words = 0;
  std::vector<double> gradient(model->parameters().size());
  for (const Pair& pair : pairs) {
    TrainingStep<double> training(*model, 1);
    const Batch batch = batch_of({pair});
    ASSERT_EQ(batch.target_tokens, static_cast<std::int64_t>(pair.target.size()) + 1);
    const auto tokens = static_cast<double>(batch.target_tokens);
    sum += training.differentiate(batch, 0.1, {}).value * tokens;
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += training.gradient()[i] * tokens;
    words += batch.target_tokens;
  }
  for (double& g : gradient) g /= static_cast<double>(words);
  TrainingStep<double> training(*model, 2);
  EXPECT_NEAR(training.differentiate(batch_of(pairs), 0.1, {}).value, sum / static_cast<double>(words), 1e-13);
  EXPECT_LE(largest_difference(training.gradient(), gradient), 1e-13);
}

TEST(TrainingStep, ClipsTheGradientToItsNorm) {
  const auto model = toy_model<double>(0);
  const Batch batch = batch_of(toy_pairs(5, 2));
  for (const double clip : {0.0, 0.01, 1000.0}) {
    TrainingStep<double> training(*model, 2);
    const double norm = training.differentiate(batch, 0, {}).gradient_norm;
    double squares = 0;
    for (const double g : training.gradient()) squares += g * g;
    EXPECT_NEAR(norm, std::sqrt(squares), 1e-12);
    ASSERT_GT(norm, 0.1);
    const std::vector<double> gradient = copy_of(training.gradient());
    training.update({}, 1e-12, clip, 1);
    const double scale = clip == 0.01 ? 0.01 / (norm + 1e-6) : 1;
    for (std::size_t i = 0; i < gradient.size(); ++i)
      EXPECT_NEAR(training.first_moment()[i], 0.1 * scale * gradient[i], 1e-15);
  }
}

TEST(TrainingStep, NamesWhereALossBeganNotToBeFinite) {
  for (const int workers : {1, 2, 6}) {
    const auto model = toy_model<float>(0);
    const auto weights = parameter(*model, "decoder.layers.1.feed_forward.inner.weight");
    std::fill(weights.begin(), weights.end(), 0.0F);
    // Every input above 1.14 overflows, in whatever order sums are made.
    const auto width = static_cast<std::size_t>(toy_transformer().d_model);
    for (std::size_t i = 0; i < width; ++i) weights[i * width + i] = 3e38F;
    const std::vector<float> before = copy_of(model->parameters().values());
    TrainingStep<float> training(*model, workers);
    const std::string message =
        message_of<std::runtime_error>([&] { training.differentiate(batch_of(toy_pairs(5, 1)), 0, {}); });
    EXPECT_NE(message.find("the output of linear_relu in decoder.layers.1.feed_forward.inner"), std::string::npos)
        << message;
    EXPECT_EQ(copy_of(model->parameters().values()), before);
    for (const float m : training.first_moment()) ASSERT_EQ(m, 0);
    weights[0] = NAN;
    const std::string parameter_message =
        message_of<std::runtime_error>([&] { training.differentiate(batch_of(toy_pairs(5, 1)), 0, {}); });
    EXPECT_NE(parameter_message.find("decoder.layers.1.feed_forward.inner.weight"), std::string::npos)
        << parameter_message;
  }
}

TEST(TrainingStep, PassesAWorkersExceptionOnAndRecovers) {
  const auto model = toy_model<double>(0);
  TrainingStep<double> training(*model, 2);
  const Batch good = batch_of(toy_pairs(4, 1));
  const double expected = training.differentiate(good, 0, {}).value;
  Batch bad = good;
  bad.source[static_cast<std::size_t>(bad.source_width) * 3] = 12;  // of the second worker
  const std::string message = message_of<std::invalid_argument>([&] { training.differentiate(bad, 0, {}); });
  EXPECT_NE(message.find("id 12"), std::string::npos) << message;
  EXPECT_EQ(training.differentiate(good, 0, {}).value, expected);
}

TEST(TrainingStep, LearnsABatchByHeart) {
  const auto model = toy_model<float>(0);
  TrainingStep<float> training(*model, 2);
  const Batch batch = batch_of(toy_pairs(8, 1));
  double loss = 0;
  for (int step = 1; step <= 200; ++step) {
    loss = training.differentiate(batch, 0, {}).value;
    training.update({}, 5e-3, 1.0, step);
  }
  EXPECT_LT(loss, 0.05);
}

}  // namespace
}  // namespace qkv
