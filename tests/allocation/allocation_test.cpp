// A steady-state step takes nothing from the heap: neither every operation forward and backward, nor a training step.
// Malloc and its kin are replaced in this program alone, which is left out under the sanitizers, who replace them too.

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "qkv/autograd/ops.h"
#include "qkv/train/adam.h"
#include "qkv/translation/transformer.h"
#include "tests/allocation/heap.h"
#include "tests/autograd/numbers.h"
#include "tests/translation/steps.h"

namespace qkv {
namespace {

/// Sizes of the net below. The product for the logits takes sentences · length · width · words multiplications.
struct Sizes {
  int sentences, length, width, words;
};

/// A net in which every operation occurs, its inputs ready outside the tape.
template <class T>
class EveryOperation {
 public:
  explicit EveryOperation(const Sizes& sizes) : s_(sizes) {
    for (int i = 0; i < s_.sentences * s_.length; ++i) ids_.push_back(i * 7 % s_.words);
    for (int b = 0; b < s_.sentences; ++b) lengths_.push_back(1 + b % s_.length);
    const std::int64_t largest = std::int64_t{s_.words} * s_.width + std::int64_t{4} * s_.width * s_.width;
    numbers_ = normal_numbers<T>(largest, 1);
    for (T& x : numbers_) x *= T(0.1);
    gradients_.resize(numbers_.size() * 16);
  }

  void step(Tape<T>& tape) {
    tape.rewind();
    const Recording<T> recording(tape);
    tape.draws = {.seed = 1, .step = 2, .first_row = 0, .training = true};
    next_gradient_ = 0;
    const auto table = leaf(tape, {s_.words, s_.width}), square = leaf(tape, {s_.width, s_.width});
    const auto wide = leaf(tape, {4 * s_.width, s_.width}), narrow = leaf(tape, {s_.width, 4 * s_.width});
    const auto bias = leaf(tape, {s_.width}), wide_bias = leaf(tape, {4 * s_.width});
    const auto word_bias = leaf(tape, {s_.words});
    const Shape tokens{s_.sentences, s_.length};

    Var<T> x = dropout(add_positions(embedding(table, ids_, tokens, 2.0), table), 0.1);
    x = add_layer_norm(x, attention(x, x, linear(x, square, bias), Mask::causal_padding(lengths_), 2).output, bias,
                       bias);
    const auto q = split_heads(x, 2), k = split_heads(add_bias(x, bias), 2);
    const auto weights = softmax(scale(matmul(q, transpose(k)), 0.3), Mask::padding(lengths_));
    x = layer_norm(x + merge_heads(matmul(weights, q)), bias, bias);
    x = x - linear(gelu(linear_relu(x, wide, wide_bias)), narrow, bias);
    const auto h = tanh(x), r = sigmoid(relu(x));
    const auto gates = concat({h, r, x}, -1);
    x = gru_gates(gates, gates, slice(gates, -1, 0, s_.width));
    const auto four = concat({x, h, r, x}, -1);
    const auto [state, cell] = lstm_gates(four, four, x);
    x = hold_ended(state * cell, x, lengths_, 1);
    const auto scores = additive_scores(slice(x, 1, 0, 2), x, bias);
    const auto loss = cross_entropy(linear(x, table, word_bias), ids_, {.ignore = 3, .smoothing = 0.1});
    x = linear_transposed(x, square, bias, transposed_copy(square));
    const auto soft = exp(-x) / (1.0 + exp(x)), largest = log(max(soft, 1) + 1.0);
    const auto error = mean_squared_error(mean(x, 1), reshape(sum(2.0 * x - x / 3.0, 1), {s_.sentences, s_.width}));
    tape.backward(loss + mean(scores) + (1.0 - mean(dropout(largest, 0.2))) + error);
  }

 private:
  Var<T> leaf(Tape<T>& tape, const Shape& shape) {
    T* gradient = gradients_.data() + next_gradient_;
    next_gradient_ += static_cast<std::size_t>(shape.size());
    return tape.leaf("weight", shape, numbers_.data(), gradient);
  }

  Sizes s_;
  std::vector<int> ids_, lengths_;
  std::vector<T> numbers_, gradients_;
  std::size_t next_gradient_ = 0;
};

template <class T>
class Allocation : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Allocation, Scalars);

TYPED_TEST(Allocation, ThereIsNoneInASteadyStateStepOfEveryOperation) {
  use_one_thread_per_product();
  for (const Sizes& sizes :
       {Sizes{2, 5, 16, 30}, Sizes{7, 11, 62, 131}, Sizes{16, 16, 128, 1030}, Sizes{16, 32, 256, 3001}}) {
    EveryOperation<TypeParam> net(sizes);
    Tape<TypeParam> tape;
    for (int i = 0; i < 3; ++i) net.step(tape);
    start_counting();
    for (int i = 0; i < 2; ++i) net.step(tape);
    const HeapCount count = stop_counting();
    EXPECT_EQ(count.own, 0) << sizes.sentences << " × " << sizes.length << " × " << sizes.width << " × " << sizes.words;
    const double product = 1.0 * sizes.sentences * sizes.length * sizes.width * sizes.words;
    if (std::is_same_v<TypeParam, double> || product * 4 < 0x1p19) {
      EXPECT_EQ(count.onednn, 0) << "oneDNN does large products in float only";
    }
    this->RecordProperty(fmt::format("onednn_{}", sizes.words), static_cast<int>(count.onednn));
  }
}

TYPED_TEST(Allocation, TheNetAboveHasEveryOperation) {
  EveryOperation<TypeParam> net({2, 5, 16, 30});
  Tape<TypeParam> tape;
  net.step(tape);
  std::set<std::string> used{"mean"};  // recorded as sum and scale
  for (const Node<TypeParam>* node = tape.last_node(); node != nullptr; node = node->previous) used.insert(node->name);
  for (const auto& entry : std::filesystem::directory_iterator(QKV_SOURCE_DIR "/autograd/ops"))
    EXPECT_TRUE(used.contains(entry.path().stem())) << entry.path().stem() << " does not occur";
}

TYPED_TEST(Allocation, ThereIsNoneInATrainingStepOfSeveralWorkers) {
  const TransformerConfig config{.source_vocabulary = 90,
                                 .target_vocabulary = 70,
                                 .d_model = 32,
                                 .heads = 4,
                                 .layers = 2,
                                 .ff = 64,
                                 .dropout = 0.1};
  Transformer<TypeParam> model(config);
  model.parameters().initialise(1);
  Steps<TypeParam> step(model, {.workers = 2});
  Batch batch;
  batch.size = 9;
  batch.source_width = 6;
  batch.target_width = 7;
  Random random(1);
  for (int b = 0; b < batch.size; ++b) {
    batch.source_lengths.push_back(6);
    batch.target_lengths.push_back(7);
    batch.target_tokens += 7;
    for (int i = 0; i < 6; ++i) batch.source.push_back(4 + static_cast<int>(random.below(80)));
    for (int i = 0; i < 7; ++i) batch.target_input.push_back(4 + static_cast<int>(random.below(60)));
  }
  batch.target_output = batch.target_input;
  const auto train = [&] {
    step.differentiate(batch, 0.1);
    step.update(1e-3, 1.0);
  };
  for (std::int64_t t = 1; t <= 3; ++t) train();
  start_counting();
  for (std::int64_t t = 4; t <= 6; ++t) train();
  const HeapCount count = stop_counting();
  EXPECT_EQ(count.own, 0);
  EXPECT_EQ(count.onednn, 0) << "no product here is large";
}

TEST(Heap, CountsEveryWayToAskForMemory) {
  start_counting();
  const auto number = std::make_unique<int>(1);
  const auto aligned = std::make_unique<Arena>();  // grows by aligned operator new
  aligned->allocate(1);
  void* volatile pieces[] = {std::malloc(10), std::calloc(2, 5), std::aligned_alloc(64, 64), nullptr};
  pieces[0] = std::realloc(pieces[0], 1000);
  void* more = nullptr;
  EXPECT_EQ(posix_memalign(&more, 64, 100), 0);
  std::thread([] { std::free(std::malloc(3)); }).join();
  const HeapCount count = stop_counting();
  for (void* piece : pieces) std::free(piece);
  std::free(more);
  EXPECT_GE(count.own, 1 + 3 + 3 + 1 + 1 + 1);
  EXPECT_EQ(count.onednn, 0);
}

TEST(Heap, KnowsTheMostBytesHeldAtOnce) {
  const std::string before(50'000, 'x');
  start_counting();
  for (int i = 0; i < 5; ++i) std::vector<char>(100'000 + i).swap(*std::make_unique<std::vector<char>>(1'000));
  void* grown = std::realloc(std::malloc(10'000), 300'000);
  const HeapCount count = stop_counting();
  std::free(grown);
  EXPECT_GE(count.peak, 300'000);
  EXPECT_LT(count.peak, 340'000);
}

TEST(Heap, CountsOnednnApart) {
  const bool is_built_with_onednn = std::string(gemm_library()) == "oneDNN";
  const std::vector<float> a(128 * 128, 1.0F);
  std::vector<float> c(128 * 128);
  const auto multiply = [&] {
    gemm<float>({a.data(), 128, 128, 128, true}, {a.data(), 128, 128, 128, false}, {c.data(), 128, 128, 128, false});
  };
  use_one_thread_per_product();
  multiply();  // the first product of a process sets up more than oneDNN: the C library reads what the processor can
  std::thread([&] {  // a thread of its own, where oneDNN begins anew
    use_one_thread_per_product();
    start_counting();
    multiply();
    const HeapCount count = stop_counting();
    EXPECT_EQ(count.own, 0);
    // Measured: on an Intel Xeon oneDNN takes memory, on an AMD EPYC, which lacks AVX-512, none.
    const bool takes_memory = is_built_with_onednn && __builtin_cpu_supports("avx512f");
    EXPECT_EQ(count.onednn > 0, takes_memory);
  })
      .join();
}

}  // namespace
}  // namespace qkv
