// How long the kernels take at the sizes people learn with: matrix products of one layer and of one head, whole
// operations forward and backward, Adam.   Google Benchmark's options apply: kernels --benchmark_filter=gemm

#include <array>
#include <benchmark/benchmark.h>

#include "qkv/autograd/block.h"
#include "qkv/autograd/ops.h"
#include "qkv/autograd/random.h"
#include "qkv/train/adam.h"

namespace qkv {
namespace {

Block<float> random_numbers(std::int64_t count) {
  Block<float> numbers(static_cast<std::size_t>(count));
  Random random(1);
  for (float& number : numbers.span()) number = static_cast<float>(random.normal());
  return numbers;
}

/// One product of a linear layer with `rows` rows x: [rows, in], w: [out, in], y: [rows, out].
template <class Product>
void layer_product(benchmark::State& state, Product product) {
  use_one_thread_per_product();
  const int rows = static_cast<int>(state.range(0)), in = static_cast<int>(state.range(1)),
            out = static_cast<int>(state.range(2));
  const Block<float> x = random_numbers(std::int64_t{rows} * in), w = random_numbers(std::int64_t{out} * in),
                     y = random_numbers(std::int64_t{rows} * out);
  for (auto _ : state) {
    product(Target<float>{x.data(), rows, in, in, false}, Target<float>{w.data(), out, in, in, true},
            Target<float>{y.data(), rows, out, out, false});
    benchmark::ClobberMemory();
  }
  state.counters["GFlop/s"] = benchmark::Counter(2e-9 * rows * in * out, benchmark::Counter::kIsIterationInvariantRate);
}

View<float> view(const Target<float>& matrix) {
  return {matrix.data, matrix.rows, matrix.columns, matrix.stride, false};
}

/// y = x wᵀ
void gemm_forward(benchmark::State& state) {
  layer_product(state, [](auto x, auto w, auto y) { gemm(view(x), view(w).transposed(), y); });
}

/// dx = dy w
void gemm_input_gradient(benchmark::State& state) {
  layer_product(state, [](auto x, auto w, auto y) { gemm(view(y), view(w), x); });
}

/// dw += dyᵀ x
void gemm_weight_gradient(benchmark::State& state) {
  layer_product(state, [](auto x, auto w, auto y) { gemm(view(y).transposed(), view(x), w); });
}

/// One head's scores, layers of the toy model and of larger ones, one step of a recurrent network.
void layer_sizes(benchmark::internal::Benchmark* of) {
  for (const auto& [rows, in, out] :
       {std::array{10, 16, 10}, std::array{160, 64, 64}, std::array{160, 64, 256}, std::array{512, 128, 512},
        std::array{512, 256, 1024}, std::array{256, 512, 2048}, std::array{16, 128, 384}})
    of->Args({rows, in, out});
}
BENCHMARK(gemm_forward)->Apply(layer_sizes);
BENCHMARK(gemm_input_gradient)->Apply(layer_sizes);
BENCHMARK(gemm_weight_gradient)->Apply(layer_sizes);

/// An operation forward and backward on a tape that is rewound after each.
template <class Operation>
void forward_and_backward(benchmark::State& state, const Shape& shape, Operation operation) {
  use_one_thread_per_product();
  const Block<float> numbers = random_numbers(shape.size()), gradient = random_numbers(shape.size());
  Tape<float> tape;
  const Recording recording(tape);
  for (auto _ : state) {
    const Var<float> x = tape.leaf("x", shape, numbers.data(), gradient.data());
    const Var<float> y = operation(x);
    tape.backward(y, y.values());
    benchmark::DoNotOptimize(gradient.data());
    tape.rewind();
  }
}

void attention_heads(benchmark::State& state) {
  const int length = static_cast<int>(state.range(0)), width = static_cast<int>(state.range(1));
  forward_and_backward(state, {16, length, width},
                       [](Var<float> x) { return attention(x, x, x, Mask::causal(), 4).output; });
}
BENCHMARK(attention_heads)->Args({10, 64})->Args({16, 128})->Args({32, 512})->Args({128, 64});

void softmax_rows(benchmark::State& state) {
  forward_and_backward(state, {16, 32, static_cast<int>(state.range(0))}, [](Var<float> x) { return softmax(x); });
}
BENCHMARK(softmax_rows)->Arg(10)->Arg(200)->Arg(6000);

void layer_norm_rows(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0));
  const Block<float> weight = random_numbers(width), bias = random_numbers(width);
  forward_and_backward(state, {16, 10, width}, [&](Var<float> x) {
    Tape<float>& tape = Tape<float>::current();
    return layer_norm(x, tape.leaf("weight", {width}, weight.data(), nullptr),
                      tape.leaf("bias", {width}, bias.data(), nullptr));
  });
}
BENCHMARK(layer_norm_rows)->Arg(64)->Arg(512);

void gelu_rows(benchmark::State& state) {
  forward_and_backward(state, {16, 10, 256}, [](Var<float> x) { return gelu(x); });
}
BENCHMARK(gelu_rows);

void adam(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Block<float> gradient = random_numbers(n), p = random_numbers(n), m(static_cast<std::size_t>(n)),
                     v(static_cast<std::size_t>(n));
  std::int64_t step = 0;
  for (auto _ : state)
    adam_step<float>({}, 1e-4, ++step, 1.0, static_cast<std::size_t>(n), gradient.data(), p.data(), m.data(), v.data());
  state.SetBytesProcessed(state.iterations() * n * 28);  // reads four blocks, writes three
}
BENCHMARK(adam)->Arg(1 << 14)->Arg(1 << 18)->Arg(1 << 23);

}  // namespace
}  // namespace qkv
