// The matrix products of one training step by themselves: what a step would take if everything else were free, and how
// much a second worker can give.

#include <algorithm>
#include <benchmark/benchmark.h>
#include <vector>

#include "qkv/autograd/block.h"
#include "qkv/autograd/gemm.h"
#include "qkv/study/bench.h"
#include "qkv/train/team.h"

namespace qkv {
namespace {

/// The linear layers of a Transformer, each forward (Y = X Wᵀ) and backward (dX = dY W, dW = dYᵀ X), for the rows of
/// one worker. All weights and their gradients have memory of their own, as in training.
class Products {
 public:
  Products(const TransformerConfig& config, int vocabulary, int rows) : rows_(rows) {
    const auto linear = [this](int in, int out) { layers_.push_back({in, out, numbers(in, out), numbers(in, out)}); };
    for (int layer = 0; layer < config.layers; ++layer) {
      for (int i = 0; i < 4 + 8; ++i) linear(config.d_model, config.d_model);  // encoder: 4; decoder: 8
      for (int side = 0; side < 2; ++side) {
        linear(config.d_model, config.ff);
        linear(config.ff, config.d_model);
      }
    }
    linear(config.d_model, vocabulary);
    const int widest = std::max({config.d_model, config.ff, vocabulary});
    for (Block<float>* block : {&x_, &y_, &dx_, &dy_}) *block = numbers(rows, widest);
  }

  void run() const {
    for (const Layer& layer : layers_) {
      const View<float> x{x_.data(), rows_, layer.in, layer.in, false},
          dy{dy_.data(), rows_, layer.out, layer.out, false};
      const View<float> w{layer.weight.data(), layer.out, layer.in, layer.in, false};
      gemm(x, w.transposed(), Target<float>{y_.data(), rows_, layer.out, layer.out, false});
      gemm(dy, w, Target<float>{dx_.data(), rows_, layer.in, layer.in, false});
      gemm(dy.transposed(), x, Target<float>{layer.gradient.data(), layer.out, layer.in, layer.in, false});
    }
  }

 private:
  struct Layer {
    int in, out;
    Block<float> weight, gradient;
  };

  static Block<float> numbers(int rows, int columns) {
    Block<float> block(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    std::fill_n(block.data(), block.size(), 0.01F);  // also so that every page is there
    return block;
  }

  int rows_;
  std::vector<Layer> layers_;
  Block<float> x_, y_, dx_, dy_;
};

void products(benchmark::State& state, const BenchConfig& config, const TransformerConfig& model) {
  const int workers = static_cast<int>(state.range(0));
  Team team(workers);
  std::vector<Products> shards;
  shards.reserve(static_cast<std::size_t>(workers));
  for (int i = 0; i < workers; ++i)
    shards.emplace_back(model, config.vocabulary, config.batch_size * config.length / workers);
  for (auto _ : state) team.run([&](int worker) { shards[static_cast<std::size_t>(worker)].run(); });
}

const bool registered = [] {
  for (const BenchConfig& config : standard_bench_configs())
    if (const auto* model = std::get_if<TransformerConfig>(&config.model))
      benchmark::RegisterBenchmark(("products/" + config.name).c_str(), products, config, *model)
          ->Arg(1)
          ->Arg(2)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
}  // namespace qkv
