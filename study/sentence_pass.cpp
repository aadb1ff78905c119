#include "qkv/study/sentence_pass.h"

#include <algorithm>

#include "qkv/autograd/ops/cross_entropy.h"

namespace qkv {

template <class S>
LossOfPair<S> loss_of(const Seq2Seq<S>& model, const SentencePair& pair) {
  const Var<S> logits = model.logits(OneSequence(pair.source_ids), OneSequence(pair.read_ids));
  return {cross_entropy(logits, pair.predicted_ids), logits};
}

template LossOfPair<double> loss_of(const Seq2Seq<double>&, const SentencePair&);
template LossOfPair<DualDouble> loss_of(const Seq2Seq<DualDouble>&, const SentencePair&);

SentencePass::SentencePass(const TrainedModel& trained, SentencePair pair)
    : trained_(trained), pair_(std::move(pair)), model_(trained) {
  model_.copy_values(trained);
  run();
}

SentencePass::SentencePass(const SentencePass& other, std::span<const double> values)
    : trained_(other.trained_), pair_(other.pair_), model_(other.trained_) {
  check(values.size() == model_.parameters().size(), "sentence pass: {} values for {} parameters", values.size(),
        model_.parameters().size());
  std::ranges::copy(values, model_.parameters().values().begin());
  run();
}

void SentencePass::run() {
  const Recording recording(tape_);
  tape_.retain_all(true);
  result_ = loss_of(model_.layer(), pair_);
  tape_.backward(result_.loss);
  for (Node<double>* node = tape_.last_node(); node != nullptr; node = node->previous) {
    nodes_.push_back(node);
    if (!node->written) node->gradient = nullptr;
  }
  std::reverse(nodes_.begin(), nodes_.end());
  for (const Node<double>* node : nodes_) last_of_operation_.push_back(node->index);
  for (const Closure<double>* closure = tape_.last_closure(); closure != nullptr; closure = closure->previous)
    for (std::int32_t i = 0; i < closure->output_count; ++i)
      last_of_operation_[closure->outputs[i]->index] = closure->outputs[closure->output_count - 1]->index;
}

std::vector<const AttentionRecord<double>*> SentencePass::attentions() const {
  std::vector<const AttentionRecord<double>*> records;
  for (const AttentionRecord<double>* record = tape_.last_attention(); record != nullptr; record = record->previous)
    records.push_back(record);
  std::reverse(records.begin(), records.end());
  return records;
}

const Node<double>* SentencePass::parameter(const std::string& full_name) const {
  for (std::size_t i = 0; i < parameters().entries().size(); ++i)
    if (parameters().entries()[i].name == full_name)
      return *std::find_if(nodes_.begin(), nodes_.end(),
                           [&](const Node<double>* node) { return node->is_leaf && node->name == full_name; });
  return nullptr;
}

const Node<double>* SentencePass::first_reader(const Node<double>* value) const {
  const auto reads = [&](const Node<double>* node) { return node->parent_count > 0 && node->parents[0] == value; };
  const auto found = std::ranges::find_if(nodes_, reads);
  return found == nodes_.end() ? nullptr : *found;
}

}  // namespace qkv
