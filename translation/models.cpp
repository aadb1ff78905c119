#include "qkv/translation/models.h"

namespace qkv {

template std::unique_ptr<Seq2Seq<float>> make_model<float>(const ModelConfig&, const ParameterCheck&);

}  // namespace qkv
