#include "qkv/translation/sentence_attention.h"

namespace qkv {

std::vector<SentenceAttention> attention_of_sentence(const Seq2Seq<float>& model, std::span<const int> source,
                                                     std::span<const int> read) {
  Tape<float> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  model.logits(OneSequence(source), OneSequence(read));
  std::vector<SentenceAttention> attentions;
  for (const AttentionKind kind : {AttentionKind::self, AttentionKind::causal, AttentionKind::cross}) {
    int layer = 0;
    for (AttentionMap<float>& map : attention_maps(tape, kind)) attentions.push_back({kind, layer++, std::move(map)});
  }
  return attentions;
}

}  // namespace qkv
