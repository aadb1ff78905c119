#include "qkv/study/gradchecks.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>

#include "qkv/study/check_operations.h"
#include "tests/autograd/numbers.h"

namespace qkv {
namespace {

TEST(Gradchecks, EverythingIsExact) {
  for (const NamedGradcheck& check : gradchecks())
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const GradcheckResult result = check.run(seed);
      EXPECT_TRUE(result.passed) << check.name << " with seed " << seed << ": " << result.message();
      EXPECT_LE(result.error, 1e-12) << check.name;
    }
}

TEST(Gradchecks, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const NamedGradcheck& check : gradchecks()) {
    EXPECT_TRUE(names.insert(check.name).second) << check.name << " occurs twice";
    EXPECT_TRUE(check.kind == "operation" || check.kind == "layer" || check.kind == "model") << check.kind;
  }
}

TEST(Gradchecks, ExplainEveryZeroGradient) {
  std::map<std::string, std::vector<std::string>> zero;
  for (const NamedGradcheck& check : gradchecks()) {
    const GradcheckResult result = check.run(1);
    for (const auto& [input, reason] : result.zero_gradients) {
      EXPECT_NE(reason, "") << check.name << ": every derivative by " << input << " is zero";
      zero[check.name].push_back(input);
    }
  }
  EXPECT_EQ(zero["SelfAttention"], std::vector<std::string>{"layer.key.bias"});
  EXPECT_EQ(zero["Transformer post"], (std::vector<std::string>{"encoder.layers.0.self_attention.key.bias",
                                                                "decoder.layers.0.self_attention.key.bias",
                                                                "decoder.layers.0.cross_attention.key.bias"}));
  EXPECT_FALSE(zero.contains("RnnSeq2Seq gru, dot attention"));
}

TEST(Gradchecks, LeaveNoLayerOut) {
  const std::set<std::string> no_layers{
      "Parameters",    "Parameter", "Path",  // what layers keep their numbers in
      "KeyValueCache", "KeptValue",          // hold values that were computed under NoGrad
  };
  std::set<std::string> checked;
  for (const NamedGradcheck& check : gradchecks())
    if (check.kind != "operation") checked.insert(check.name.substr(0, check.name.find(' ')));
  const std::regex declaration("template <class T>\\s+class (\\w+) [:{]");
  int layers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(QKV_SOURCE_DIR "/layers")) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match) {
      const std::string name = (*match)[1];
      if (no_layers.contains(name)) continue;
      EXPECT_TRUE(checked.contains(name)) << name << " of " << entry.path() << " is not in study/check_layers.cpp";
      ++layers;
    }
  }
  EXPECT_GE(layers, 16);
}

TEST(Gradchecks, LeaveNoOperationOut) {
  std::set<std::string> checked;
  for (const OperationCase& operation : operation_cases())
    checked.insert(operation.name.substr(0, operation.name.find(' ')));
  int headers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(QKV_SOURCE_DIR "/autograd/ops")) {
    EXPECT_TRUE(checked.contains(entry.path().stem())) << entry.path() << " is not in study/check_operations.cpp";
    ++headers;
  }
  EXPECT_GE(headers, 27);
}

/// The outputs of an operation and the gradients of its inputs, in this scalar.
template <class S>
struct Computed {
  std::vector<std::vector<S>> numbers;

  explicit Computed(const OperationCase& operation) {
    Tape<S> tape;
    const Recording<S> recording(tape);
    std::vector<Var<S>> inputs;
    for (const CheckInput& input : with_values(operation.inputs, 1)) {
      std::vector<S> values;
      for (double x : input.values) values.push_back(S(static_cast<float>(x)));  // the same number for all scalars
      inputs.push_back(tape.variable(input.shape, values, "input"));
    }
    const std::vector<Var<S>> outputs = operation.function(std::span<const Var<S>>(inputs));
    std::vector<std::vector<S>> cotangents;
    for (std::size_t k = 0; k < outputs.size(); ++k)
      for (auto& numbers_of_output = cotangents.emplace_back();
           float x : normal_numbers<float>(outputs[k].size(), 100 + k))
        numbers_of_output.push_back(S(x));
    std::vector<typename Tape<S>::Seed> seeds;
    for (std::size_t k = 0; k < outputs.size(); ++k) seeds.push_back({outputs[k], cotangents[k]});
    tape.backward(seeds);
    for (const Var<S>& output : outputs) numbers.push_back(values_of(output));
    for (const Var<S>& input : inputs) numbers.push_back(gradient_of(input));
  }
};

std::vector<double> plain_numbers(const std::vector<DualDouble>& duals) {
  std::vector<double> result;
  for (const DualDouble& x : duals) result.push_back(x.value);
  return result;
}

TEST(Operations, ComputeInFloatAndInDualsWhatTheyComputeInDouble) {
  for (const OperationCase& operation : operation_cases()) {
    const Computed<double> exact(operation);
    const Computed<float> shipped(operation);
    const Computed<DualDouble> dual(operation);
    for (std::size_t i = 0; i < exact.numbers.size(); ++i) {
      EXPECT_LE(largest_difference(shipped.numbers[i], exact.numbers[i]), 2e-6) << operation.name << ", " << i;
      EXPECT_LE(largest_difference(plain_numbers(dual.numbers[i]), exact.numbers[i]), 1e-14)
          << operation.name << ", " << i;
    }
  }
}

}  // namespace
}  // namespace qkv
