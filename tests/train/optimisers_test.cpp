#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "qkv/files/safetensors.h"
#include "qkv/train/adam.h"
#include "qkv/train/schedule.h"

namespace qkv {
namespace {

const SafetensorsFile& reference() {
  static const auto file = SafetensorsFile::read(QKV_SOURCE_DIR "/tests/reference/optimisers.safetensors");
  return file;
}

std::vector<double> numbers(const std::string& name) { return reference().tensor(name).as<double>(); }

template <class T>
double largest_error(const std::string& name, const AdamSettings& settings) {
  const std::vector<double> rates = numbers(name + ".learning_rates"), gradients = numbers(name + ".gradients"),
                            expected = numbers(name + ".parameters");
  std::vector<T> p = reference().tensor("quadratic.start").as<T>(), m(p.size()), v(p.size());
  double worst = 0;
  for (std::size_t step = 0; step < rates.size(); ++step) {
    std::vector<T> gradient;
    for (std::size_t i = 0; i < p.size(); ++i) gradient.push_back(static_cast<T>(gradients[step * p.size() + i]));
    adam_step(settings, rates[step], static_cast<std::int64_t>(step) + 1, 1.0, p.size(), gradient.data(), p.data(),
              m.data(), v.data());
    for (std::size_t i = 0; i < p.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(p[i]) - expected[step * p.size() + i]));
  }
  return worst;
}

TEST(Adam, TakesTheStepsOfPyTorch) {
  const AdamSettings plain{.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9};
  AdamSettings decay = plain;
  decay.weight_decay = 0.01;
  for (const char* name : {"adam", "constant", "noam", "cosine"}) {
    EXPECT_LE(largest_error<double>(name, plain), 1e-13) << name;
    EXPECT_LE(largest_error<float>(name, plain), 5e-6) << name;
  }
  EXPECT_LE(largest_error<double>("adam_weight_decay", decay), 1e-13);
  EXPECT_LE(largest_error<float>("adam_weight_decay", decay), 5e-6);
  EXPECT_GT(largest_error<double>("adam_weight_decay", plain), 1e-4);
  RecordProperty("double", fmt::format("{:.2g}", largest_error<double>("adam_weight_decay", decay)));
  RecordProperty("float", fmt::format("{:.2g}", largest_error<float>("adam_weight_decay", decay)));
}

TEST(Adam, MultipliesTheGradientByTheScale) {
  std::vector<double> p{1, 2, 3}, q = p, m(3), v(3), n(3), w(3);
  const std::vector<double> g{4, -5, 6}, half{2, -2.5, 3};
  adam_step<double>({.weight_decay = 0.1}, 0.1, 1, 0.5, 3, g.data(), p.data(), m.data(), v.data());
  adam_step<double>({.weight_decay = 0.1}, 0.1, 1, 1.0, 3, half.data(), q.data(), n.data(), w.data());
  EXPECT_EQ(p, q);
  EXPECT_EQ(m, n);
  EXPECT_EQ(v, w);
}

TEST(Adam, LeavesAParameterThatNeverHadAGradient) {
  for (const float start : {0.0F, 2.5F}) {
    float p = start, m = 0, v = 0;
    const float g = 0;
    adam_step<float>({}, 0.1, 1, 1.0, 1, &g, &p, &m, &v);
    EXPECT_EQ(p, start);
  }
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
