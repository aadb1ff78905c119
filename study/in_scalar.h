#pragma once

#include <algorithm>
#include <memory>

#include "qkv/translation/models.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// A model in another scalar: double, to check, or DualDouble, to differentiate forwards.
template <class S>
class InScalar {
 public:
  /// Without values, which take memory: to be bound to others, or to be given those that training found.
  explicit InScalar(const ModelConfig& config) : model_(make_model<S>(config)) {}
  explicit InScalar(const TrainedModel& trained)
      : InScalar(model_for(trained.config, trained.source.size(), trained.target.size())) {}

  /// Gives the parameters the values that training gave them.
  void copy_values(const TrainedModel& trained) {
    const Parameters<float>& from = trained.model->parameters();
    for (std::size_t i = 0; i < from.entries().size(); ++i)
      std::ranges::copy(from.values(i), parameters().values(i).begin());
  }

  Parameters<S>& parameters() { return model_->parameters(); }
  const Seq2Seq<S>& layer() const { return *model_; }

 private:
  std::unique_ptr<Seq2Seq<S>> model_;
};

}  // namespace qkv
