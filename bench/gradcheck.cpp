// The exact check of one multi-head attention layer by its whole Jacobian, all inputs and parameters: width 16, 2
// heads, 2 sentences of 6 words, as in peers/torch_gradcheck.py.

#include "qkv/autograd/gradcheck/gradcheck.h"

#include <benchmark/benchmark.h>

#include "qkv/layers/multi_head_attention.h"

namespace qkv {
namespace {

/// The layer in one scalar.
template <class S>
struct Layer {
  Parameters<S> parameters;
  MultiHeadAttention<S> attention{parameters.root() / "layer", 16, 2};
};

void gradcheck_attention(benchmark::State& state) {
  Layer<double> in_double;
  Layer<DualDouble> in_duals;
  std::vector<CheckInput> inputs{{"x", {2, 6, 16}}};
  for (const auto& parameter : in_double.parameters.entries()) inputs.push_back({parameter.name, parameter.shape});
  const auto output_of = [](auto& layer, auto x) {
    layer.parameters.bind(x.subspan(1));
    return layer.attention(x[0], x[0], Mask::none());
  };
  for (auto _ : state) {
    const GradcheckResult result = gradcheck(
        [&]<class S>(std::span<const Var<S>> x) {
          if constexpr (std::is_same_v<S, double>)
            return output_of(in_double, x);
          else
            return output_of(in_duals, x);
        },
        inputs);
    if (!result.passed || result.jacobian_entries == 0) state.SkipWithError(result.message().c_str());
  }
}
BENCHMARK(gradcheck_attention)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qkv
