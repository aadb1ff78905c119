// The operations against PyTorch's numbers in tests/reference/operations.safetensors, in double.

#include <gtest/gtest.h>

#include "qkv/autograd/ops.h"
#include "qkv/files/safetensors.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

class Reference : public testing::Test {
 protected:
  /// An input of the case, as a variable.
  Var<double> input(const std::string& name) {
    const std::string full = case_ + ".input." + name;
    const StoredTensor& stored = file().tensor(full);
    Shape shape;
    for (std::int64_t size : stored.shape) shape.push(static_cast<int>(size));
    inputs_.push_back({name, tape_.variable(shape, stored.as<double>(), stored.name.c_str())});
    return inputs_.back().var;
  }

  /// A list of ids or lengths.
  std::vector<int> integers(const std::string& name) {
    std::vector<int> result;
    for (std::int64_t id : file().tensor(case_ + ".input." + name).as<std::int64_t>())
      result.push_back(static_cast<int>(id));
    return result;
  }

  struct Named {
    std::string name;
    Var<double> var;
  };

  /// Compares these outputs, and the gradients of all inputs that were asked for, and starts over.
  void compare(const std::vector<Named>& outputs) {
    std::vector<std::vector<double>> cotangents;
    for (const auto& [name, y] : outputs) cotangents.push_back(file().tensor(case_ + ".cotangent" + name).as<double>());
    std::vector<Tape<double>::Seed> seeds;
    for (std::size_t k = 0; k < outputs.size(); ++k) seeds.push_back({outputs[k].var, cotangents[k]});
    tape_.backward(seeds);
    for (const auto& [name, y] : outputs)
      EXPECT_LE(largest_difference(values_of(y), file().tensor(case_ + ".output" + name).as<double>()), 1e-12)
          << case_ << name;
    for (const auto& [name, x] : inputs_)
      EXPECT_LE(largest_difference(gradient_of(x), file().tensor(case_ + ".gradient." + name).as<double>()), 1e-12)
          << case_ << ", gradient of " << name;
    inputs_.clear();
    tape_.rewind();
  }

  void compare(Var<double> y) { compare({{"", y}}); }

  static const SafetensorsFile& file() {
    static const SafetensorsFile read = SafetensorsFile::read(QKV_SOURCE_DIR "/tests/reference/operations.safetensors");
    return read;
  }

  Tape<double> tape_;
  Recording<double> recording_{tape_};
  std::vector<Named> inputs_;
  std::string case_;
};

TEST_F(Reference, Linear) {
  case_ = "linear";
  const auto x = input("x"), w = input("weight"), b = input("bias");
  compare(linear(x, w, b));
}

TEST_F(Reference, ElementByElement) {
  case_ = "gelu";
  compare(gelu(input("x")));
  case_ = "relu";
  compare(relu(input("x")));
  case_ = "tanh";
  compare(tanh(input("x")));
  case_ = "sigmoid";
  compare(sigmoid(input("x")));
  case_ = "softmax";
  compare(softmax(input("x")));
}

TEST_F(Reference, WhatModelsOfOnesOwnAreMadeOf) {
  case_ = "exp";
  compare(exp(input("x")));
  case_ = "log";
  compare(log(input("input")));
  case_ = "reshape";
  compare(reshape(input("x"), {4, 6}));
  case_ = "divide";
  Var<double> x = input("x"), y = input("y");
  compare(x / y);
  case_ = "mean_squared_error";
  x = input("x");
  y = input("y");
  compare(mean_squared_error(x, y));
  for (const int axis : {0, 1, 2}) {
    case_ = fmt::format("sum_{}", axis);
    compare(sum(input("x"), axis));
    case_ = fmt::format("mean_{}", axis);
    compare(mean(input("x"), axis));
    case_ = fmt::format("max_{}", axis);
    compare(max(input("x"), axis));
  }
}

TEST_F(Reference, LayerNorm) {
  case_ = "layer_norm";
  const auto x = input("x"), weight = input("weight"), bias = input("bias");
  compare(layer_norm(x, weight, bias));
}

TEST_F(Reference, Embedding) {
  case_ = "embedding";
  const std::vector<int> ids = integers("ids");
  compare(embedding(input("weight"), ids, {2, 4}));
}

TEST_F(Reference, CrossEntropy) {
  for (const auto& [name, smoothing] : {std::pair{"cross_entropy", 0.0}, std::pair{"cross_entropy_smoothed", 0.1}}) {
    case_ = name;
    const std::vector<int> targets = integers("target");
    compare(cross_entropy(input("logits"), targets, {.ignore = 0, .smoothing = smoothing}));
  }
}

TEST_F(Reference, Attention) {
  for (const char* name : {"attention", "attention_padding", "attention_causal", "attention_causal_padding"}) {
    case_ = name;
    const bool padding = case_.ends_with("padding"), causal = case_.starts_with("attention_causal");
    const std::vector<int> lengths = padding ? integers("key_lengths") : std::vector<int>();
    const Mask mask = causal && padding ? Mask::causal_padding(lengths)
                      : causal          ? Mask::causal()
                      : padding         ? Mask::padding(lengths)
                                        : Mask::none();
    const auto q = input("query"), k = input("key"), v = input("value");
    compare(attention(q, k, v, mask, 2).output);
  }
}

TEST_F(Reference, RecurrentCells) {
  case_ = "gru_cell";
  {
    const auto x = input("x"), h = input("h"), w = input("weight_ih"), u = input("weight_hh"), b = input("bias_ih"),
               c = input("bias_hh");
    compare(gru_gates(linear(x, w, b), linear(h, u, c), h));
  }
  case_ = "elman_cell";
  {
    const auto x = input("x"), h = input("h"), w = input("weight_ih"), u = input("weight_hh"), b = input("bias_ih"),
               c = input("bias_hh");
    compare(tanh(linear(x, w, b) + linear(h, u, c)));
  }
}

TEST_F(Reference, LstmCell) {
  case_ = "lstm_cell";
  const auto x = input("x"), h = input("h"), cell = input("c"), w = input("weight_ih"), u = input("weight_hh"),
             b = input("bias_ih"), c = input("bias_hh");
  const auto [h_next, c_next] = lstm_gates(linear(x, w, b), linear(h, u, c), cell);
  compare({{".h", h_next}, {".c", c_next}});
}

}  // namespace
}  // namespace qkv
