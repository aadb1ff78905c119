#pragma once

#include <span>
#include <string>
#include <vector>

#include "qkv/autograd/attention_record.h"
#include "qkv/study/in_scalar.h"
#include "qkv/study/sentence_pair.h"

namespace qkv {

/// The loss of a pair, in any scalar: the mean cross-entropy per word that is predicted, on the current tape, without
/// dropout or label smoothing: what `qkv eval` calls loss.
template <class S>
struct LossOfPair {
  Var<S> loss, logits;
};
template <class S>
LossOfPair<S> loss_of(const Seq2Seq<S>& model, const SentencePair& pair);

/// One forward and one backward pass of a trained model over one pair, in double, with every value and every gradient
/// kept to look at.
class SentencePass {
 public:
  /// The trained model must outlive it. Throws what the model does of sentences that it cannot read.
  SentencePass(const TrainedModel& trained, SentencePair pair);

  /// The same of the model with other parameters: `values` lie as in `parameters()`.
  SentencePass(const SentencePass& other, std::span<const double> values);

  const SentencePair& pair() const { return pair_; }
  const TrainedModel& trained() const { return trained_; }
  const Seq2Seq<double>& model() const { return model_.layer(); }
  const Parameters<double>& parameters() const { return model_.layer().parameters(); }

  /// By index, in the order of creation; the leaves of parameters have their full names. The gradient of a node is
  /// nullptr where there is none: of what does not depend on parameters, and of what the loss was not computed from.
  /// That holds for the weights of a fused attention too, which nothing reads.
  const std::vector<Node<double>*>& nodes() const { return nodes_; }

  Var<double> loss() const { return result_.loss; }
  Var<double> logits() const { return result_.logits; }

  /// In the order of the forward pass.
  std::vector<const AttentionRecord<double>*> attentions() const;

  /// The leaf of a parameter, by its name in model.safetensors; nullptr if there is none.
  const Node<double>* parameter(const std::string& full_name) const;

  /// The first node whose first input it is; nullptr if there is none.
  const Node<double>* first_reader(const Node<double>* value) const;

  /// The nodes that one operation made, up to this index: an attention's output is written when its weights' node is
  /// there too. The value of node i is complete before the node last_of_operation()[i] + 1 is made.
  const std::vector<std::int32_t>& last_of_operation() const { return last_of_operation_; }

 private:
  void run();

  const TrainedModel& trained_;
  SentencePair pair_;
  InScalar<double> model_;
  Tape<double> tape_;
  LossOfPair<double> result_;
  std::vector<Node<double>*> nodes_;
  std::vector<std::int32_t> last_of_operation_;
};

}  // namespace qkv
