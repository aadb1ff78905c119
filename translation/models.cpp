#include "qkv/translation/models.h"

namespace qkv {

template <class T>
std::unique_ptr<Seq2Seq<T>> make_model(const ModelConfig& config, const ParameterCheck& check_new) {
  return std::visit(
      [&]<class Config>(const Config& model) -> std::unique_ptr<Seq2Seq<T>> {
        return std::make_unique<typename Config::template Model<T>>(model, check_new);
      },
      config);
}

template std::unique_ptr<Seq2Seq<float>> make_model<float>(const ModelConfig&, const ParameterCheck&);
template std::unique_ptr<Seq2Seq<double>> make_model<double>(const ModelConfig&, const ParameterCheck&);
template std::unique_ptr<Seq2Seq<DualDouble>> make_model<DualDouble>(const ModelConfig&, const ParameterCheck&);

}  // namespace qkv
