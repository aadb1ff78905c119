// The models in the numbers that check them: nobody trains with these, so they are not among what CMakeLists.txt lets
// the compiler spend its time on.
#include "qkv/translation/models.h"

namespace qkv {

template std::unique_ptr<Seq2Seq<double>> make_model<double>(const ModelConfig&, const ParameterCheck&);
template std::unique_ptr<Seq2Seq<DualDouble>> make_model<DualDouble>(const ModelConfig&, const ParameterCheck&);

}  // namespace qkv
