#pragma once

#include <string>
#include <vector>

#include "qkv/study/explain/address.h"
#include "qkv/study/explain/explained_step.h"
#include "qkv/study/explain/head_gradients.h"

namespace qkv {

/// The steps of one head, in the order of reading.
class HeadSteps {
 public:
  /// `word`: the row that is spelt out. Pass and head must outlive it.
  HeadSteps(const SentencePass& pass, const AttentionHeadMatrices& head, int word);

  /// From what asks and is asked to the output of the head.
  std::vector<ExplainedStep> forward();

  /// From ∂loss/∂output to the queries, keys and values, and to their projections if those are wanted; see
  /// HeadGradients.
  std::vector<ExplainedStep> backward(ExactDerivatives& exact, const HeadGradientOptions& options);

  const TakeApart& take_apart() const { return take_apart_; }

 private:
  ExplainedStep& add(const std::string& name, const std::string& title, const std::string& formula,
                     std::vector<std::string> rows, std::vector<std::string> columns, NumberMatrix values);
  ExplainedStep& add_gradient(const std::string& name, const std::string& title, const std::string& formula,
                              std::vector<std::string> rows, std::vector<std::string> columns,
                              const CheckedGradient& gradient, int i, int j);
  void spell_out(ExplainedStep& step, const std::string& address) { step.cell = take_apart_.formula(address); }
  void spell_out(ExplainedStep& step, int i, int j) {
    step.row = i;
    step.column = j;
    spell_out(step, address_in(step.name, i, j));
  }

  void words_and_positions();
  void recurrent_inputs();
  void add_projections(const HeadGradients& g);
  void add_output_projection(const CheckedGradient& projected, const HeadGradients::Projection& projection);
  void add_states(const HeadGradients& g, ExactDerivatives& exact);

  const SentencePass& pass_;
  const AttentionHeadMatrices& h_;
  int word_, key_ = 0;
  TakeApart take_apart_;
  std::vector<ExplainedStep> steps_;
};

}  // namespace qkv
