#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "qkv/study/explain/attention_head.h"
#include "qkv/study/explain/explained_step.h"
#include "qkv/study/explain/head_gradients.h"
#include "qkv/study/explain/learning_step.h"

namespace qkv {

/// Which attention is explained.
struct ExplainedAttention {
  std::string name;
  AttentionKind kind = AttentionKind::cross;
  int layer = 0, layers = 1, head = 0, heads = 1;
  double scale = 1;
  std::string score;         ///< "dot", "scaled-dot" or "additive"
  bool is_sharpest = false;  ///< the head was not asked for, but has the lowest mean entropy
  std::vector<std::string> rows, columns;
};

/// What one learning step would do; the weights of a model without attention are empty.
struct ExplainedLearning {
  double rate = 0, loss_before = 0, loss_after = 0, loss_predicted = 0;
  NumberMatrix before, predicted, actual;
};

/// An attention, or a fixed context, forwards and backwards on one pair. Without ExplainOptions::backward, of the way
/// back only how much of it reaches each word through a fixed context.
struct Explanation {
  SentencePair pair;
  std::string model;
  double loss = 0;
  int word = 0;                                 ///< the row that is spelt out
  std::optional<ExplainedAttention> attention;  ///< none: the one fixed context vector
  std::vector<ExplainedStep> forward, backward;
  std::optional<ExplainedLearning> learning;
  std::optional<Formula> of;  ///< then there are no steps
};

struct ExplainOptions {
  AttentionKind kind = AttentionKind::cross;
  std::optional<int> layer{}, head{};  ///< without: the last layer, its sharpest head
  std::optional<int> word{};           ///< the row that is spelt out; without: the middle one
  std::optional<std::string> of{};     ///< only the number at this address, taken apart
  std::optional<double> rate{};        ///< of the learning step; without: the one that the run was trained with
  bool backward = false;
  bool row_formulas = false;        ///< of every cell of those steps whose numbers do not come from other steps shown
  HeadGradientOptions gradients{};  ///< of the backward pass

  /// Called as the backward pass goes on, with how many passes on dual numbers of how many are done.
  std::function<void(std::int64_t done, std::int64_t all)> on_pass{};
};

/// Explains the attentions of a model on one pair: one pass for all of them. The backward pass takes dual passes by the
/// hundred, eight entries each; see `passes`.
class Explainer {
 public:
  /// The trained model must outlive it.
  Explainer(const TrainedModel& trained, SentencePair pair) : pass_(trained, std::move(pair)) {}

  /// Throws std::invalid_argument if there is no such attention, layer, head, word or address; it says which there are.
  Explanation explain(const ExplainOptions& options);

  const SentencePass& pass() const { return pass_; }

  /// Made at the first use.
  ExactDerivatives& exact();

 private:
  Explanation of_head(const AttentionHeadMatrices& head, const ExplainOptions& options);
  Explanation of_fixed_context(const ExplainOptions& options);
  Formula take_apart_number(const TakeApart& take_apart, const std::string& address);
  double rate(const ExplainOptions& options) const { return options.rate.value_or(pass_.trained().config.lr); }
  void tell_passes(const ExplainOptions& options, std::int64_t passes);
  const LearningStep& learning_step(double rate);

  SentencePass pass_;
  std::unique_ptr<ExactDerivatives> exact_;
  std::unique_ptr<LearningStep> learning_;
};

/// The object that `qkv explain --json` prints.
nlohmann::ordered_json to_json(const Explanation& explanation);

}  // namespace qkv
