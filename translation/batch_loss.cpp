#include "qkv/translation/batch_loss.h"

namespace qkv {

template Var<float> loss_of_logits<float>(Var<float>, const Batch&, const Shard&, double, double);

}  // namespace qkv
