// What every operation says about inputs that do not fit, word for word. Nothing is recorded when it does.

#include <functional>
#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

class Messages : public testing::Test {
 protected:
  Var<float> of(const Shape& shape) { return normal_variable<float>(tape_, shape, 1); }

  /// What the operation says. It must leave the tape as it was.
  template <class Operation>
  std::string of_call(Operation operation) {
    const Node<float>* last = tape_.last_node();
    const std::size_t used = tape_.arena().used();
    const std::string message = complaint(operation);
    EXPECT_EQ(tape_.last_node(), last) << message;
    EXPECT_EQ(tape_.arena().used(), used) << message;
    return message;
  }

  Tape<float> tape_;
  Recording<float> recording_{tape_};
};

TEST_F(Messages, OfOperationsElementByElement) {
  const auto x = of({2, 3}), y = of({3, 2});
  EXPECT_EQ(of_call([&] { add(x, y); }), "add: [2, 3] and [3, 2] differ");
  EXPECT_EQ(of_call([&] { subtract(x, y); }), "subtract: [2, 3] and [3, 2] differ");
  EXPECT_EQ(of_call([&] { multiply(x, y); }), "multiply: [2, 3] and [3, 2] differ; for a matrix product use matmul");
  EXPECT_EQ(of_call([&] { divide(x, y); }), "divide: [2, 3] and [3, 2] differ");
  EXPECT_EQ(of_call([&] { mean_squared_error(x, y); }),
            "mean_squared_error: [2, 3] and the target [3, 2] differ; reshape one of them?");
  EXPECT_EQ(of_call([&] { reshape(x, {4, 2}); }), "reshape: [2, 3] has 6 elements, [4, 2] has 8; [3, 2]?");
  EXPECT_EQ(of_call([&] { max(x, 2); }), "shape: [2, 3] has no dimension 2");
  EXPECT_EQ(of_call([&] { sum(x, -3); }), "shape: [2, 3] has no dimension -3");
  const auto nothing = of({3, 0});
  EXPECT_EQ(of_call([&] { mean(nothing); }), "mean: [3, 0] has no elements");
  EXPECT_EQ(of_call([&] { add_bias(x, y); }), "add_bias: bias [3, 2] does not fit the last dimension of [2, 3]");
}

TEST_F(Messages, OfProducts) {
  const auto x = of({2, 3}), y = of({2, 4}), batch = of({2, 2, 3}), other = of({3, 3, 2}), deep = of({1, 2, 2, 3});
  EXPECT_EQ(of_call([&] { matmul(x, y); }), "matmul: [2, 3] times [2, 4]: inner dimensions 3 and 2 differ");
  EXPECT_EQ(of_call([&] { matmul(x, x); }),
            "matmul: [2, 3] times [2, 3]: inner dimensions 3 and 2 differ; transpose the second?");
  EXPECT_EQ(of_call([&] { matmul(x, batch); }), "matmul: [2, 3] and [2, 2, 3] need the same rank, at least 2");
  EXPECT_EQ(of_call([&] { matmul(batch, other); }), "matmul: leading dimensions of [2, 2, 3] and [3, 3, 2] differ");
  const auto w = of({4, 3}), b = of({4}), wrong = of({3, 4});
  EXPECT_EQ(of_call([&] { linear(y, w, b); }),
            "linear: input [2, 4] does not fit weight [4, 3], whose rows are the "
            "outputs; is it transposed?");
  EXPECT_EQ(of_call([&] { linear(deep, b, b); }), "linear: input [1, 2, 2, 3] does not fit weight [4]");
  EXPECT_EQ(of_call([&] { linear(x, w, w); }), "linear: bias [4, 3] does not fit weight [4, 3]");
  EXPECT_EQ(of_call([&] { linear_transposed(x, w, b, w.rows()); }),
            "linear_transposed: a transposed copy of [4, 3] does not fit weight [4, 3]");
  EXPECT_EQ(of_call([&] { linear_relu(x, wrong, b); }), "linear_relu: input [2, 3] does not fit weight [3, 4]");
  EXPECT_EQ(of_call([&] { linear_relu(x, w, x); }), "linear_relu: bias [2, 3] does not fit weight [4, 3]");
}

TEST_F(Messages, OfNorms) {
  const auto x = of({2, 3}), y = of({3, 3}), w = of({3}), wrong = of({2});
  EXPECT_EQ(of_call([&] { layer_norm(x, wrong, w); }),
            "layer_norm: weight [2] does not fit the last dimension of [2, 3]");
  EXPECT_EQ(of_call([&] { layer_norm(x, w, wrong); }), "layer_norm: bias [2] and weight [3] differ");
  EXPECT_EQ(of_call([&] { add_layer_norm(x, y, w, w); }), "add_layer_norm: [2, 3] and [3, 3] differ");
  EXPECT_EQ(of_call([&] { add_layer_norm(x, x, wrong, w); }),
            "add_layer_norm: weight [2] does not fit the last dimension of [2, 3]");
  EXPECT_EQ(of_call([&] { add_layer_norm(x, x, w, wrong); }), "add_layer_norm: bias [2] and weight [3] differ");
}

TEST_F(Messages, OfAttentionAndSoftmax) {
  const auto q = of({2, 5, 32}), k = of({2, 7, 16}), k32 = of({2, 7, 32}), v6 = of({2, 6, 32}), k3 = of({3, 7, 32}),
             flat = of({7, 32}), none = of({2, 5, 0});
  EXPECT_EQ(of_call([&] { attention(q, k, k); }),
            "attention: keys [2, 7, 16] do not fit queries [2, 5, 32]: last dimensions 16 and 32 differ");
  EXPECT_EQ(of_call([&] { attention(q, k32, v6); }),
            "attention: values [2, 6, 32] do not fit keys [2, 7, 32]: each key needs one value");
  EXPECT_EQ(of_call([&] { attention(q, k3, k3); }),
            "attention: queries [2, 5, 32], keys [3, 7, 32] and values "
            "[3, 7, 32] are of different batch sizes");
  EXPECT_EQ(of_call([&] { attention(q, flat, flat); }),
            "attention: queries [2, 5, 32], keys [7, 32] and values [7, 32] must be [batch, length, features]");
  EXPECT_EQ(of_call([&] { attention(q, k32, k32, Mask::none(), 5); }),
            "attention: 32 and 32 features cannot be divided among 5 heads");
  EXPECT_EQ(of_call([&] { attention(q, k32, k32, Mask::none(), 0); }),
            "attention: 32 and 32 features cannot be divided among 0 heads");
  EXPECT_EQ(of_call([&] { attention(none, none, none); }),
            "attention: 0 and 0 features cannot be divided among 1 heads");
  const std::vector<int> lengths{3, 8};
  EXPECT_EQ(of_call([&] { attention(q, k32, k32, Mask::padding(lengths)); }),
            "attention: the mask's length 8 of row 1 is not within 0 and 7");
  EXPECT_EQ(of_call([&] { softmax(flat, Mask::causal()); }),
            "softmax: a mask needs [batch, ..., queries, keys], not [7, 32]");
  EXPECT_EQ(of_call([&] { softmax(none); }), "softmax: [2, 5, 0] has no keys");
  EXPECT_EQ(of_call([&] { softmax(k3, Mask::padding(lengths)); }), "softmax: the mask has 2 lengths for a batch of 3");
}

TEST_F(Messages, OfLookups) {
  const auto table = of({5, 4}), x = of({2, 3, 4}), wide = of({2, 3, 6}), of_nothing = of({});
  const std::vector<int> ids{0, 7, 1, 2, 3, 4}, targets{1, 2, 3, 4, 0, 1}, negative{0, 0, 0, 0, 0, -2};
  EXPECT_EQ(of_call([&] {
              embedding(table, ids, {2, 3});
            }),
            "embedding: id 7 at element 1 of [2, 3] is not within 0 and 4, the rows of the table [5, 4]; is it another "
            "table's?");
  EXPECT_EQ(of_call([&] { embedding(table, ids, {2, 2}); }), "embedding: 6 ids do not fit positions [2, 2]");
  EXPECT_EQ(of_call([&] { embedding(x, ids, {2, 3}); }), "embedding: the table [2, 3, 4] is not [rows, features]");
  EXPECT_EQ(of_call([&] { cross_entropy(x, targets); }),
            "cross_entropy: target class 4 at row 3 is not within 0 and 3");
  EXPECT_EQ(of_call([&] { cross_entropy(x, negative); }),
            "cross_entropy: target class -2 at row 5 is not within 0 and 3");
  EXPECT_EQ(of_call([&] { cross_entropy(table, targets); }), "cross_entropy: 6 targets do not fit logits [5, 4]");
  EXPECT_EQ(of_call([&] { cross_entropy(x, targets, {.smoothing = 1}); }),
            "cross_entropy: label smoothing 1 is not in [0, 1)");
  EXPECT_EQ(of_call([&] { cross_entropy(x, targets, {.divide_by = -1}); }), "cross_entropy: cannot divide by -1");
  EXPECT_EQ(of_call([&] { add_positions(wide, table); }),
            "add_positions: positions [5, 4] do not fit [2, 3, 6]: last dimensions 4 and 6 differ");
  EXPECT_EQ(of_call([&] { add_positions(x, table, 3); }),
            "add_positions: 3 positions from 3 on are needed, but there are only 5");
  EXPECT_EQ(of_call([&] { dropout(x, 1.0); }), "dropout: probability 1 is not in [0, 1)");
  EXPECT_EQ(of_call([&] { dropout(of_nothing, 0.5); }), "dropout: a scalar has no features to drop");
}

TEST_F(Messages, OfCutsAndJoins) {
  const auto x = of({2, 3, 4}), y = of({2, 2, 3}), flat = of({3}), deep = of({2, 3, 4, 5});
  EXPECT_EQ(of_call([&] { slice(x, 1, 2, 2); }), "slice: 2 entries from 2 on reach outside dimension 1 of [2, 3, 4]");
  EXPECT_EQ(of_call([&] { slice(x, 0, std::numeric_limits<int>::max(), 2); }),
            "slice: 2 entries from 2147483647 on reach outside dimension 0 of [2, 3, 4]");
  EXPECT_EQ(of_call([&] { slice(x, 3, 0, 1); }), "shape: [2, 3, 4] has no dimension 3");
  EXPECT_EQ(of_call([&] { concat({x, y}, 1); }), "concat: [2, 3, 4] and [2, 2, 3] differ outside dimension 1");
  EXPECT_EQ(of_call([&] { concat({x, flat}, 0); }), "concat: [2, 3, 4] and [3] have different ranks");
  EXPECT_EQ(of_call([&] { concat(std::span<const Var<float>>(), 0); }), "concat: there is nothing to join");
  EXPECT_EQ(of_call([&] { split_heads(x, 3); }), "split_heads: 4 features cannot be divided among 3 heads");
  EXPECT_EQ(of_call([&] { split_heads(deep, 5); }), "split_heads: [2, 3, 4, 5] is not [batch, length, features]");
  EXPECT_EQ(of_call([&] { merge_heads(x); }), "merge_heads: [2, 3, 4] is not [batch, heads, length, features]");
  EXPECT_EQ(of_call([&] { transpose(flat); }), "transpose: [3] has fewer than two dimensions");
}

}  // namespace
}  // namespace qkv
