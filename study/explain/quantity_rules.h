#pragma once

#include <vector>

#include "qkv/autograd/attention_record.h"
#include "qkv/study/explain/operation_derivatives.h"
#include "qkv/study/explain/quantities.h"

namespace qkv {

/// What a tape does not say of the operations on it.
struct PassFacts {
  std::vector<std::vector<int>> ids;  ///< of sentences: what embeddings may have read
  std::vector<int> targets;           ///< the ids that the loss wants to be predicted
  std::vector<const AttentionRecord<double>*> attentions;
};

/// Gives every quantity the rule of its operation, and adds what lies inside fused operations: an attention's scores,
/// the gates of a GRU. An operation that is not known here, or not of one sentence, gets a rule made of its own
/// derivatives. `derivatives` and `all` must outlive the rules.
void give_rules(Quantities& all, const OperationDerivatives& derivatives, const PassFacts& facts);

}  // namespace qkv
