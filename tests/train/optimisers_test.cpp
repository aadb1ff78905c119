#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "qkv/files/safetensors.h"
#include "qkv/train/optimiser_kind.h"
#include "qkv/train/schedule.h"
#include "qkv/train/sgd.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

const SafetensorsFile& reference() {
  static const auto file = SafetensorsFile::read(QKV_SOURCE_DIR "/tests/reference/optimisers.safetensors");
  return file;
}

std::vector<double> numbers(const std::string& name) { return reference().tensor(name).as<double>(); }

/// Parameters that hold these numbers.
template <class T>
struct Numbers : Parameters<T> {
  explicit Numbers(const std::vector<double>& numbers) {
    this->root().add("p", {static_cast<int>(numbers.size())}, Initialise::zeros);
    std::transform(numbers.begin(), numbers.end(), this->values().begin(), [](double p) { return static_cast<T>(p); });
  }
};

/// A gradient in the layout of the parameters, which ends on 64 bytes.
template <class T>
std::vector<T> gradient_for(const Parameters<T>& parameters, std::span<const double> numbers) {
  std::vector<T> gradient(parameters.size());
  std::transform(numbers.begin(), numbers.end(), gradient.begin(), [](double g) { return static_cast<T>(g); });
  return gradient;
}

/// The largest difference from PyTorch's parameters after each of 50 steps with PyTorch's gradients.
template <class T, template <class> class Kind, class Options>
double largest_error(const std::string& name, const Options& options) {
  const std::vector<double> rates = numbers(name + ".learning_rates"), gradients = numbers(name + ".gradients"),
                            expected = numbers(name + ".parameters"), start = numbers("quadratic.start");
  Numbers<T> p(start);
  Kind<T> optimiser(p, options);
  double worst = 0;
  for (std::size_t step = 0; step < rates.size(); ++step) {
    const std::vector<T> gradient = gradient_for(p, std::span(gradients).subspan(step * start.size(), start.size()));
    optimiser.step(std::span<const T>(gradient), rates[step]);
    for (std::size_t i = 0; i < start.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(p.values()[i]) - expected[step * start.size() + i]));
  }
  EXPECT_EQ(optimiser.steps(), 50);
  return worst;
}

template <template <class> class Kind, class Options>
void expect_pytorch(const std::string& name, const Options& options) {
  const double in_double = largest_error<double, Kind>(name, options),
               in_float = largest_error<float, Kind>(name, options);
  EXPECT_LE(in_double, 1e-13) << name;
  EXPECT_LE(in_float, 5e-6) << name;
  testing::Test::RecordProperty(name, fmt::format("{:.2g} in double, {:.2g} in float", in_double, in_float));
}

TEST(Adam, TakesTheStepsOfPyTorch) {
  const AdamOptions plain{.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9};
  AdamOptions decay = plain;
  decay.weight_decay = 0.01;
  for (const char* name : {"adam", "constant", "noam", "cosine"}) expect_pytorch<Adam>(name, plain);
  expect_pytorch<Adam>("adam_weight_decay", decay);
  EXPECT_GT((largest_error<double, Adam>("adam_weight_decay", plain)), 1e-4);
}

TEST(AdamW, TakesTheStepsOfPyTorch) {
  const AdamWOptions options{.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.1};
  expect_pytorch<AdamW>("adam_w", options);
  const AdamOptions coupled{.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.1};
  EXPECT_GT((largest_error<double, Adam>("adam_w", coupled)), 1e-4);
}

TEST(Sgd, TakesTheStepsOfPyTorch) {
  expect_pytorch<Sgd>("sgd", SgdOptions{});
  expect_pytorch<Sgd>("sgd_momentum", SgdOptions{.momentum = 0.9});
  expect_pytorch<Sgd>("sgd_momentum_weight_decay", SgdOptions{.momentum = 0.9, .weight_decay = 0.1});
}

/// Two steps along a gradient that is scaled by a half, and along half of it, are the same.
template <template <class> class Kind, class Options>
void expect_scale(const Options& options) {
  Numbers<double> p({1, 2, 3}), q({1, 2, 3});
  Kind<double> scaled(p, options), halved(q, options);
  Team team(2);
  for (int step = 0; step < 2; ++step) {
    const std::vector<double> g = gradient_for<double>(p, std::vector<double>{4, -5, 6}),
                              half = gradient_for<double>(q, std::vector<double>{2, -2.5, 3});
    scaled.step({g, 0.5, &team});
    halved.step(std::span<const double>(half));
  }
  EXPECT_TRUE(std::ranges::equal(p.values(), q.values()));
  EXPECT_NE(p.values()[0], 1);
}

TEST(Optimiser, MultipliesTheGradientByItsScale) {
  expect_scale<Adam>(AdamOptions{.weight_decay = 0.1});
  expect_scale<AdamW>(AdamWOptions{});
  expect_scale<Sgd>(SgdOptions{.weight_decay = 0.1});
  expect_scale<Sgd>(SgdOptions{.momentum = 0.5});
}

TEST(Optimiser, LeavesAParameterThatNeverHadAGradient) {
  for (const double start : {0.0, 2.5}) {
    Numbers<float> p({start});
    const std::vector<float> g = gradient_for<float>(p, std::vector<double>{0});
    Adam adam(p);
    Sgd sgd(p, {.momentum = 0.9});
    adam.step(std::span<const float>(g));
    sgd.step(std::span<const float>(g));
    EXPECT_EQ(p.values()[0], static_cast<float>(start));
  }
}

TEST(Optimiser, NamesWhatIsWrong) {
  Numbers<double> p({1});
  EXPECT_EQ(message_of<std::invalid_argument>([&] { Adam(p, {.lr = 0}); }),
            "optimiser: the learning rate is 0, but it must be above 0");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { Adam(p, {.beta2 = 1}); }),
            "adam: beta1 0.9 and beta2 1 must be at least 0 and below 1");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { Sgd(p, {.momentum = -1}); }),
            "sgd: momentum -1 must be at least 0 and below 1");
  Sgd sgd(p);
  const std::vector<double> short_gradient(3);
  EXPECT_EQ(message_of<std::invalid_argument>([&] { sgd.step(std::span<const double>(short_gradient)); }),
            "optimiser: a gradient of 3 numbers does not fit 8 parameters");
}

TEST(Optimiser, OfAKindIsTheOneOfThatName) {
  const AdamOptions options{.lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .eps = 0.5, .weight_decay = 0.25};
  const auto expect_same = [](OptimiserKind kind, const AdamOptions& chosen, Optimiser<double>& other,
                              Parameters<double>& q) {
    Numbers<double> p({1, -2, 3});
    const auto optimiser = make_optimiser(kind, p, chosen);
    const std::vector<double> g = gradient_for<double>(p, std::vector<double>{4, 5, -6});
    for (int step = 0; step < 3; ++step) {
      optimiser->step(std::span<const double>(g));
      other.step(std::span<const double>(g));
    }
    EXPECT_TRUE(std::ranges::equal(p.values(), q.values())) << name_of(kind);
  };
  Numbers<double> of_adam({1, -2, 3}), of_adamw({1, -2, 3}), of_sgd({1, -2, 3}), of_plain_sgd({1, -2, 3});
  Adam adam(of_adam, options);
  expect_same(OptimiserKind::adam, options, adam, of_adam);
  AdamW adamw(of_adamw, {.lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .eps = 0.5, .weight_decay = 0.25});
  expect_same(OptimiserKind::adamw, options, adamw, of_adamw);
  Sgd sgd(of_sgd, {.lr = 0.1, .momentum = 0.8, .weight_decay = 0.25});
  expect_same(OptimiserKind::sgd, options, sgd, of_sgd);
  Sgd plain(of_plain_sgd, {.lr = 0.1});
  expect_same(OptimiserKind::sgd, {.lr = 0.1, .beta1 = 0}, plain, of_plain_sgd);
}

TEST(Schedule, IsThatOfTheReference) {
  const auto expect = [](const std::string& name, const Schedule& schedule) {
    const std::vector<double> rates = numbers(name + ".learning_rates");
    ASSERT_EQ(rates.size(), 50u);
    for (std::size_t i = 0; i < rates.size(); ++i)
      EXPECT_NEAR(schedule(static_cast<std::int64_t>(i) + 1), rates[i], 1e-15) << name << " " << i + 1;
  };
  expect("adam", {.rate = 0.05});
  expect("constant", {.rate = 0.05, .warmup = 10, .total = 50});
  expect("noam", {.kind = ScheduleKind::noam, .rate = 1 / std::sqrt(16.0 * 10), .warmup = 10});
  expect("cosine", {.kind = ScheduleKind::cosine, .rate = 0.05, .warmup = 10, .total = 50});
}

TEST(Schedule, StaysPositiveAndBelowItsRate) {
  for (const ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::noam, ScheduleKind::cosine})
    for (const std::int64_t warmup : {0, 1, 7, 100})
      for (const std::int64_t total : {1, 20, 100}) {
        const Schedule schedule{kind, 0.5, warmup, total};
        for (std::int64_t t = 1; t <= total; ++t) {
          EXPECT_GT(schedule(t), 0) << static_cast<int>(kind) << " " << warmup << " " << total << " " << t;
          EXPECT_LE(schedule(t), 0.5);
        }
      }
}

}  // namespace
}  // namespace qkv
