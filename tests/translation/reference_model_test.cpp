#include "tests/translation/reference_model.h"

#include <gtest/gtest.h>
#include <limits>

#include "qkv/train/adam.h"
#include "tests/translation/steps.h"

namespace qkv {
namespace {

constexpr const char* files[] = {"transformer_post",         "transformer_pre",       "transformer_gelu",
                                 "transformer_learned",      "transformer_tied",      "transformer_dropout",
                                 "recurrent_gru_rnn",        "recurrent_lstm_rnn",    "recurrent_elman_rnn",
                                 "recurrent_gru_dot",        "recurrent_lstm_dot",    "recurrent_elman_dot",
                                 "recurrent_gru_scaled_dot", "recurrent_gru_additive"};

/// What PyTorch's float64 results are met to.
template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-11;

/// The largest |a − b| / max(max|b|, 1e-3 · largest of all tensors): tensors that vanish are measured by the others.
class Agreement {
 public:
  explicit Agreement(double largest_of_all) : floor_(1e-3 * largest_of_all) {}

  template <class T>
  double operator()(std::span<const T> a, const std::vector<double>& b) const {
    if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
    double difference = 0, scale = floor_;
    for (std::size_t i = 0; i < b.size(); ++i) {
      difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
      if (!std::isfinite(static_cast<double>(a[i]))) return std::numeric_limits<double>::infinity();
      scale = std::max(scale, std::abs(b[i]));
    }
    return difference / scale;
  }

 private:
  double floor_;
};

double largest(const std::vector<double>& numbers) {
  double result = 0;
  for (const double x : numbers) result = std::max(result, std::abs(x));
  return result;
}

template <class T>
Agreement agreement_of(const ReferenceModel<T>& reference) {
  double all = 0;
  for (const StoredTensor& tensor : reference.file().tensors())
    if (tensor.name.starts_with("gradient.") || tensor.name == "logits")
      all = std::max(all, largest(tensor.as<double>()));
  return Agreement(all);
}

template <class T>
class ReferenceModelTest : public testing::Test {
 protected:
  /// Notes the worst agreement, for the report of the test.
  void expect_agreement(double error, const std::string& what) {
    EXPECT_LE(error, tolerance<T>) << what;
    if (error > worst_) {
      worst_ = error;
      worst_name_ = what;
    }
  }

  void TearDown() override {
    if (!worst_name_.empty()) {
      RecordProperty("worst", fmt::format("{:.2g}", worst_));
      RecordProperty("worst_of", worst_name_);
    }
  }

 private:
  double worst_ = 0;
  std::string worst_name_;
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ReferenceModelTest, Scalars);

TYPED_TEST(ReferenceModelTest, LogitsAreThoseOfPyTorch) {
  using T = TypeParam;
  for (const char* name : files) {
    ReferenceModel<T> reference(name);
    const Batch& batch = reference.batch();
    Tape<T> tape;
    const Recording recording(tape);
    tape.draws = {.seed = 1, .step = 1, .first_row = 0, .training = true};
    const Var<T> logits = reference.model().logits(reference.source(), reference.target());
    const std::vector<double> expected = reference.numbers("logits");
    ASSERT_EQ(expected.size(), logits.values().size());
    std::vector<T> real;  // only where the target is a word: elsewhere PyTorch's are zeros
    std::vector<double> real_expected;
    const auto words = static_cast<std::size_t>(logits.last());
    for (int b = 0; b < batch.size; ++b)
      for (int i = 0; i < batch.target_lengths[static_cast<std::size_t>(b)]; ++i) {
        const std::size_t at = static_cast<std::size_t>(b * batch.target_width + i) * words;
        for (std::size_t j = at; j < at + words; ++j) {
          real.push_back(logits.values()[j]);
          real_expected.push_back(expected[j]);
        }
      }
    ASSERT_EQ(real.size(), static_cast<std::size_t>(batch.target_tokens) * words);
    this->expect_agreement(agreement_of(reference)(std::span<const T>(real), real_expected), fmt::format("{}", name));
  }
}

TYPED_TEST(ReferenceModelTest, LossAndEveryGradientAreThoseOfPyTorch) {
  using T = TypeParam;
  for (const char* name : files)
    for (const int workers : {1, 2, 5}) {  // 5: more than there are sentences
      ReferenceModel<T> reference(name);
      Steps<T> training(reference.model(), {.workers = workers});
      const double loss = training.differentiate(reference.batch());
      const double expected_loss = reference.numbers("loss")[0];
      this->expect_agreement(std::abs(loss - expected_loss) / expected_loss, fmt::format("{} loss", name));
      const Parameters<T>& parameters = reference.model().parameters();
      const Agreement agreement = agreement_of(reference);
      double squares = 0;
      for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
        const std::string& parameter = parameters.entries()[i].name;
        const std::vector<double> expected = reference.numbers("gradient." + parameter);
        const std::span<const T> got = parameters.part(training.gradient(), i);
        this->expect_agreement(agreement(got, expected), fmt::format("{}, {} workers: {}", name, workers, parameter));
        for (const double g : expected) squares += g * g;
      }
      this->expect_agreement(std::abs(training.learner.norm() / std::sqrt(squares) - 1), fmt::format("{} norm", name));
    }
}

TYPED_TEST(ReferenceModelTest, SmoothedLossAndItsGradientAreThoseOfPyTorch) {
  using T = TypeParam;
  for (const char* name : files) {
    ReferenceModel<T> reference(name);
    Steps<T> training(reference.model(), {.workers = 2});
    const double smoothing = reference.settings().at("label_smoothing");
    const double loss = training.differentiate(reference.batch(), smoothing);
    const double expected_loss = reference.numbers("loss_smoothed")[0];
    this->expect_agreement(std::abs(loss - expected_loss) / expected_loss, fmt::format("{} loss", name));
    const Parameters<T>& parameters = reference.model().parameters();
    int compared = 0;
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const std::string tensor = "gradient_smoothed." + parameters.entries()[i].name;
      if (!reference.file().contains(tensor)) continue;
      ++compared;
      this->expect_agreement(
          agreement_of(reference)(parameters.part(training.gradient(), i), reference.numbers(tensor)),
          fmt::format("{} {}", name, tensor));
    }
    EXPECT_EQ(compared, 1) << name;
  }
}

TYPED_TEST(ReferenceModelTest, TwentyStepsOfAdamLoseAsPyTorchDoes) {
  using T = TypeParam;
  double worst = 0;
  for (const char* name : files)
    for (const int workers : {1, 2, 5}) {
      ReferenceModel<T> reference(name);
      const auto& settings = reference.settings().at("adam");
      Steps<T> training(reference.model(), {.workers = workers},
                        {.lr = settings.at("lr"),
                         .beta1 = settings.at("betas")[0],
                         .beta2 = settings.at("betas")[1],
                         .eps = settings.at("eps"),
                         .weight_decay = settings.at("weight_decay")});
      const std::vector<double> expected = reference.numbers("adam_losses");
      ASSERT_EQ(expected.size(), 20u);
      for (std::size_t step = 0; step < expected.size(); ++step) {
        const double loss = training.differentiate(reference.batch());
        const double error = std::abs(loss / expected[step] - 1);
        EXPECT_LE(error, (std::is_same_v<T, float> ? 1e-3 : 1e-10))
            << name << ", " << workers << " workers, step " << step + 1;
        worst = std::max(worst, error);
        training.update(settings.at("lr"), settings.at("clip_norm"));
      }
      EXPECT_LT(expected.back(), expected.front()) << name;
    }
  this->RecordProperty("worst", fmt::format("{:.2g}", worst));
}

}  // namespace
}  // namespace qkv
