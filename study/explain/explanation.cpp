#include "qkv/study/explain/explanation.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "qkv/autograd/named.h"
#include "qkv/study/explain/head_steps.h"
#include "qkv/study/explain/passes.h"
#include "qkv/study/explain/reach_of_words.h"

namespace qkv {
namespace {

std::string name_of_score(const AttentionHeadMatrices& head, const SentencePass& pass) {
  if (const auto* rnn = std::get_if<RnnConfig>(&pass.trained().config.model); rnn != nullptr && rnn->attention)
    return name_of(*rnn->attention);
  return head.is_additive ? "additive" : "scaled-dot";
}

/// What the steps begin with: forwards what comes from elsewhere in the model, backwards what comes from the loss.
constexpr std::array<std::string_view, 8> beginnings{"embeddings", "positions", "x",       "memory",
                                                     "states",     "h",         "context", "d projected"};

void add_row_formulas(const TakeApart& take_apart, std::vector<ExplainedStep>& steps) {
  for (ExplainedStep& step : steps)
    if (std::ranges::find(beginnings, step.name) != beginnings.end())
      step.row_formulas = row_formulas(take_apart, step.name, step.values.rows, step.values.columns);
}

}  // namespace

ExactDerivatives& Explainer::exact() {
  if (exact_ == nullptr) exact_ = std::make_unique<ExactDerivatives>(pass_);
  return *exact_;
}

const LearningStep& Explainer::learning_step(double rate) {
  if (learning_ == nullptr || learning_->rate() != rate) learning_ = std::make_unique<LearningStep>(exact(), rate);
  return *learning_;
}

void Explainer::tell_passes(const ExplainOptions& options, std::int64_t passes) {
  if (!options.on_pass) return;
  const bool takes_step = learning_ == nullptr || learning_->rate() != rate(options);
  exact().set_on_pass([on_pass = options.on_pass, before = exact().passes(),
                       all = passes + (takes_step ? 1 : 0)](std::int64_t so_far) { on_pass(so_far - before, all); });
}

Explanation Explainer::explain(const ExplainOptions& options) {
  if (exact_ != nullptr) exact_->set_on_pass({});  // of the last explanation
  Explanation explanation;
  if (attention_layers(pass_, AttentionKind::cross).empty() && !options.layer && !options.head &&
      options.kind == AttentionKind::cross)
    explanation = of_fixed_context(options);
  else
    explanation = of_head(attention_head(pass_, options.kind, options.layer, options.head), options);
  explanation.pair = pass_.pair();
  explanation.model = name_of(pass_.trained().config.model);
  explanation.loss = pass_.loss().item();
  if (options.backward) {
    const LearningStep& step = learning_step(rate(options));
    ExplainedLearning& learning = explanation.learning.emplace();
    learning.rate = step.rate();
    learning.loss_before = step.loss_before();
    learning.loss_after = step.loss_after();
    learning.loss_predicted = step.loss_predicted();
    if (explanation.attention) {
      const AttentionHeadMatrices head =
          attention_head(pass_, options.kind, explanation.attention->layer, explanation.attention->head);
      learning.before = head.weights;
      learning.predicted = step.predicted_change(head);
      learning.actual = step.actual_change(head);
    }
  }
  return explanation;
}

Explanation Explainer::of_head(const AttentionHeadMatrices& head, const ExplainOptions& options) {
  Explanation explanation;
  explanation.word = options.word.value_or(head.weights.rows / 2);
  check(explanation.word >= 0 && explanation.word < head.weights.rows,
        "word {} does not exist; the words that ask in this attention are 0 to {}", explanation.word,
        head.weights.rows - 1);
  explanation.attention = ExplainedAttention{head.name,
                                             head.kind,
                                             head.layer,
                                             head.layers,
                                             head.head,
                                             head.heads,
                                             head.scale,
                                             name_of_score(head, pass_),
                                             !options.head && head.heads > 1,
                                             head.rows,
                                             head.columns};
  HeadSteps steps(pass_, head, explanation.word);
  if (options.of) {
    explanation.of = take_apart_number(steps.take_apart(), *options.of);
    return explanation;
  }
  explanation.forward = steps.forward();
  if (options.row_formulas) add_row_formulas(steps.take_apart(), explanation.forward);
  if (!options.backward) return explanation;
  tell_passes(options, passes_through_head(pass_, head, options.gradients));
  explanation.backward = steps.backward(exact(), options.gradients);
  if (options.row_formulas) add_row_formulas(steps.take_apart(), explanation.backward);
  if (!head.values_are_projected) {
    const int source_word = std::min(explanation.word, static_cast<int>(head.columns.size()) - 1);
    for (ExplainedStep& step : checked_reach_of_words(exact(), steps.take_apart(), source_word))
      explanation.backward.push_back(std::move(step));
  }
  return explanation;
}

Formula Explainer::take_apart_number(const TakeApart& take_apart, const std::string& address) {
  return take_apart.formula(address, take_apart.has_exact_derivative(address) ? &exact() : nullptr);
}

Explanation Explainer::of_fixed_context(const ExplainOptions& options) {
  const TakeApart take_apart(pass_, {});
  const SentencePair& pair = pass_.pair();
  Explanation explanation;
  const int words = static_cast<int>(pair.predicted.size()), source_words = static_cast<int>(pair.source.size());
  explanation.word = options.word.value_or(words / 2);
  check(explanation.word >= 0 && explanation.word < words, "word {} does not exist; the words predicted are 0 to {}",
        explanation.word, words - 1);
  if (options.of) {
    explanation.of = take_apart_number(take_apart, *options.of);
    return explanation;
  }
  const int source_word = std::min(explanation.word, source_words - 1);
  const auto place = [&](const std::string& name, int i, int c, bool is_row) {
    const NamedValues::Place found =
        take_apart.names().find({false, name, is_row ? std::vector<int>{i, c} : std::vector<int>{0, c}});
    return TapePlace{found.quantity, found.element};
  };
  struct Described {
    std::string name, title, formula;
    std::vector<std::string> rows;
    int row;
  };
  const std::vector<Described> values{
      {"states", "the encoder's hidden states, each made of a word and the state before", "", pair.source, source_word},
      {"context", "the one context vector, the last hidden state: all that the decoder gets", "", {"context"}, 0},
      {"h", "the decoder's hidden states, each made of the context, the word before and the state before", "",
       pair.predicted, explanation.word}};
  for (const auto& [name, title, formula, rows, row] : values) {
    const int width = take_apart.names().sizes_of(name).back();
    const std::string named = name;
    const NumberMatrix numbers(static_cast<int>(rows.size()), width, [&](int i, int c) {
      const TapePlace at = place(named, i, c, true);
      return take_apart.quantities().value(at.node, at.element);
    });
    explanation.forward.push_back(
        {name, title, formula, rows, {}, 0, 0, numbers, take_apart.formula(address_in(name, row, 0)), row, 0, {}});
  }
  if (options.row_formulas) add_row_formulas(take_apart, explanation.forward);
  if (!options.backward) {  // what the one vector lets through is what this model is looked at for; the tape has it
    explanation.backward.push_back(reach_of_words(pass_, take_apart, source_word));
    return explanation;
  }
  tell_passes(options, passes_through_context(pass_, take_apart.names().sizes_of("context").back()));
  const std::vector<Described> gradients{
      {"context", "what of ∂loss comes back through the one vector", "∂loss / ∂context[c]", {"context"}, 0},
      {"states", "the same, from state to state: nothing reaches a word but through all that come after it",
       "∂loss / ∂states[i,c]", pair.source, source_word}};
  for (const auto& [name, title, formula, rows, row] : gradients) {
    const std::string named = name;
    const int width = take_apart.names().sizes_of(name).back();
    CheckedGradient gradient = gradient_on_tape(exact(), static_cast<int>(rows.size()), width,
                                                [&](int i, int c) { return place(named, i, c, true); });
    const std::string gradient_name = fmt::format("d {}", name);
    Formula cell = take_apart.formula(address_in(gradient_name, row, 0));
    cell.exact = gradient.exact(row, 0);
    cell.agrees = gradient.agrees;
    explanation.backward.push_back(
        {gradient_name, title, formula, rows, {}, 0, 0, gradient.values, cell, row, 0, gradient});
  }
  for (ExplainedStep& step : checked_reach_of_words(exact(), take_apart, source_word))
    explanation.backward.push_back(std::move(step));
  return explanation;
}

}  // namespace qkv
