#include "qkv/study/check_run.h"

#include <algorithm>

#include "qkv/autograd/gradcheck/operation_check.h"
#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/files/message.h"
#include "qkv/layers/gradcheck_model.h"
#include "qkv/study/in_scalar.h"
#include "qkv/study/probes.h"
#include "qkv/translation/available_memory.h"
#include "qkv/translation/decoding.h"

namespace qkv {
namespace {

constexpr double rounding = 1e-12, zero = 1e-14;  // of the largest

/// The parameters as inputs of a check, with the values that training gave them.
std::vector<CheckInput> at_trained_values(const Parameters<float>& parameters) {
  std::vector<CheckInput> inputs;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const std::span<const float> values = parameters.values(i);
    inputs.push_back({parameters.entries()[i].name, parameters.entries()[i].shape, {values.begin(), values.end()}});
  }
  return inputs;
}

/// The sentence with its `<eos>`, and the model's translation of it behind `<bos>`.
ProbePair pair_of(const TrainedModel& trained, const Sentence& sentence) {
  ProbePair pair{trained.source.encode_with_eos(sentence), {bos_id}};
  const Translation translation =
      translate(*trained.model, OneSequence(pair.source), most_words(static_cast<int>(sentence.size())));
  pair.target.insert(pair.target.end(), translation.words.begin(), translation.words.end());
  return pair;
}

/// One that is longer on both sides.
ProbePair longer_than(const ProbePair& pair) {
  ProbePair longer = pair;
  for (int i = 0; i < 3; ++i) {
    longer.source.insert(longer.source.begin(), pair.source.front());
    longer.target.push_back(pair.target.back());
  }
  return longer;
}

/// The loss of the pair, of a model in any scalar. It is label-smoothed: where a trained model is sure, the gradient
/// p − 1 of its plain loss is a difference of nearly equal numbers, and its rounding would look like a fault.
struct SmoothedLoss {
  ProbePair pair;
  std::vector<int> predicted;

  template <class Model, class Inputs>
  auto operator()(const Model& model, const Inputs&) const {
    return cross_entropy(model.logits(OneSequence(pair.source), OneSequence(pair.target)), predicted,
                         {.smoothing = 0.1});
  }
};

RunCheck check_of_operations(InScalar<double>& in_double, const TrainedModel& trained, const ProbePair& pair) {
  SmoothedLoss loss{pair, {pair.target.begin() + 1, pair.target.end()}};
  loss.predicted.push_back(eos_id);
  InScalar<DualDouble> on_duals(trained);
  const OperationCheckResult result = gradcheck_operations(function_of_parameters(in_double, on_duals, 0, loss),
                                                           at_trained_values(trained.model->parameters()));
  RunCheck check{"operations",
                 result.passed,
                 fmt::format("{} checked one by one, exact to {:.1e}", result.operations, result.error),
                 {}};
  for (const WrongOperation& wrong : result.wrong) check.notes.push_back(wrong.message());
  return check;
}

RunCheck check_of_findings(const std::string& name, Findings findings, const std::string& right) {
  return {name, findings.empty(), findings.empty() ? right : counted(findings.size(), "violation"),
          std::move(findings)};
}

RunCheck check_of_parameters(const Seq2Seq<double>& model, const ProbePair& pair) {
  const std::vector<ZeroGradient> untouched = probe_parameter_gradients(model, pair, zero);
  const std::size_t all = model.parameters().entries().size();
  RunCheck check{
      "parameters", true, fmt::format("{} of {} have a gradient", all - untouched.size(), counted(all, "tensor")), {}};
  std::string by_mathematics;
  for (const auto& [input, reason] : untouched) {
    if (reason.empty()) {
      check.passed = false;
      check.notes.push_back(fmt::format("the loss does not depend on {}", input));
    } else {
      by_mathematics += (by_mathematics.empty() ? "zero by mathematics, because " + reason + ": " : ", ") + input;
    }
  }
  if (!by_mathematics.empty()) check.notes.push_back(by_mathematics);
  return check;
}

}  // namespace

std::vector<RunCheck> check_run(const TrainedModel& trained, const Sentence& sentence) {
  check(!sentence.empty(), "check: the sentence is empty");
  check(static_cast<int>(sentence.size()) <= trained.model->most_source_words(),
        "check: a sentence of {} words is longer than this model's {} positions", sentence.size(),
        trained.model->most_source_words());
  const auto numbers = static_cast<double>(trained.model->parameters().count());
  const double needed = numbers * 3 * sizeof(DualDouble);
  if (needed > available_bytes())
    throw std::runtime_error(
        fmt::format("a model of {:.0f} parameters on dual numbers takes about {:.1f} GB, which is "
                    "more than there is; check a smaller one of the same kind",
                    numbers, needed / 1e9));
  const ProbePair pair = pair_of(trained, sentence);
  InScalar<double> in_double(trained);
  in_double.copy_values(trained);
  return {check_of_operations(in_double, trained, pair),
          check_of_findings("causality", probe_causality(in_double.layer(), pair, unknown_id),
                            "no target word changes what is predicted before it"),
          check_of_findings("padding", probe_padding(in_double.layer(), pair, longer_than(pair), rounding),
                            "the same logits alone and beside a longer sentence"),
          check_of_parameters(in_double.layer(), pair)};
}

Sentence frequent_words(const TrainedModel& trained) {
  constexpr int most = 6;
  Sentence words;
  for (int id = special_tokens; id < trained.source.size() && id < special_tokens + most; ++id)
    words.push_back(trained.source.word(id));
  return words;
}

}  // namespace qkv
