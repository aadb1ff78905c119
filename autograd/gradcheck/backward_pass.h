#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "qkv/autograd/attention_record.h"
#include "qkv/autograd/gradcheck/gradcheck.h"

namespace qkv::gradcheck_detail {

/// Numbers for every output, one list for each.
using Outputs = std::vector<std::vector<double>>;

/// The function recorded in double, ready to be differentiated backwards as often as needed.
class BackwardPass {
 public:
  BackwardPass(const RealFunction& function, const std::vector<CheckInput>& inputs) {
    tape_.on_partial_writes(Tape<double>::PartialWrites::noted);
    Recording<double> recording(tape_);
    for (const CheckInput& input : inputs)
      inputs_.push_back(tape_.variable(input.shape, input.values, input.name.c_str()));
    outputs_ = function(inputs_);
    for (const Var<double>& output : outputs_)
      for (double y : output.values())
        check(std::isfinite(y), "gradcheck: the function returns {}; nothing can be compared", y);
  }

  const std::vector<Var<double>>& outputs() const { return outputs_; }

  /// Jᵀ v, for every input.
  std::vector<std::vector<double>> transposed_jacobian_times(const Outputs& v) { return gradients_for(v, {}); }

  /// Whether what is in this input's gradient already is still in it after the backward pass for v, which gives
  /// `gradient` alone.
  bool accumulates(std::size_t input, const Outputs& v, const std::vector<double>& gradient) {
    double before = 1;
    for (double g : gradient) before = std::max(before, std::abs(g));
    const std::vector<double> already(gradient.size(), before);
    const std::vector<double> sum = gradients_for(v, {{inputs_[input], already}})[input];
    for (std::size_t i = 0; i < sum.size(); ++i)
      if (std::abs(sum[i] - (gradient[i] + before)) > 1e-9 * before) return false;
    return true;
  }

  /// What the tape said about a gradient that an operation did not assign in full; see Tape::partial_write.
  const std::string& partial_write() const { return partial_write_; }

  std::string why_zero(std::size_t input) const { return why_gradient_is_zero(tape_, inputs_[input]); }

  /// How often the function used each input.
  std::vector<int> uses() const {
    std::vector<int> counts(inputs_.size());
    for (const Node<double>* node = tape_.last_node(); node != nullptr; node = node->previous)
      for (int p = 0; p < node->parent_count; ++p)
        for (std::size_t i = 0; i < inputs_.size(); ++i)
          if (node->parents[p] == inputs_[i].node()) ++counts[i];
    return counts;
  }

 private:
  std::vector<std::vector<double>> gradients_for(const Outputs& v, std::vector<Tape<double>::Seed> seeds) {
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      if (outputs_[k].node()->needs_gradient) seeds.push_back({outputs_[k], v[k]});
    tape_.clear_gradients();
    tape_.backward(std::span<const Tape<double>::Seed>(seeds));
    if (partial_write_.empty()) partial_write_ = tape_.partial_write();
    std::vector<std::vector<double>> gradients;
    for (const Var<double>& input : inputs_) {
      const View<double> gradient = input.grad();
      gradients.emplace_back(gradient.data, gradient.data + input.size());
    }
    return gradients;
  }

  Tape<double> tape_;
  std::string partial_write_;
  std::vector<Var<double>> inputs_;
  std::vector<Var<double>> outputs_;
};

}  // namespace qkv::gradcheck_detail
