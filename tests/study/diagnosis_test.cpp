// What the gradient check says about wrong backwards: the right input, and the likely mistake.

#include "qkv/autograd/gradcheck/diagnosis.h"

#include <gtest/gtest.h>

#include "qkv/study/check_operations.h"
#include "tests/study/wrong_operations.h"

namespace qkv {
namespace {

void expect_caught(const GradcheckResult& result, const std::vector<std::string>& wrong_inputs,
                   const std::string& diagnosis) {
  EXPECT_FALSE(result.passed);
  std::vector<std::string> named;
  for (const Mismatch& mismatch : result.mismatches) {
    named.push_back(mismatch.input);
    EXPECT_EQ(mismatch.diagnosis, diagnosis);
  }
  std::sort(named.begin(), named.end());
  EXPECT_EQ(named, wrong_inputs) << result.message();
  EXPECT_EQ(result.message().substr(0, 12), "gradient of ");
}

TEST(Diagnosis, NamesTheMistakeOfAnOperation) {
  const std::vector<int> ids{2, 0, 2, 1}, targets{1, 0, 3};
  const std::string sum_term = "its rows should sum to 0 and do not: the softmax's (or a mean's) Σ term is missing";
  expect_caught(gradcheck([](auto x) { return softmax_without_sum(x[0]); }, {{"x", {3, 5}}}), {"x"}, sum_term);
  expect_caught(gradcheck([](auto x) { return attention_without_scale(x[0], x[1], x[2]); },
                          {{"q", {2, 3, 4}}, {"k", {2, 3, 4}}, {"v", {2, 3, 4}}}, {.sizes = {{"width", 4}}}),
                {"k", "q"}, "off by the constant factor 2 = √width");
  expect_caught(gradcheck([](auto x) { return layer_norm_without_mean(x[0], x[1], x[2]); },
                          {{"x", {3, 6}}, {"weight", {6}}, {"bias", {6}}}),
                {"x"}, sum_term);
  expect_caught(gradcheck([](auto x) { return linear_with_transposed_gradient(x[0], x[1], x[2]); },
                          {{"x", {3, 4}}, {"w", {4, 4}}, {"b", {4}}}),
                {"w"}, "looks transposed");
  expect_caught(gradcheck([&](auto x) { return embedding_without_accumulation(x[0], ids); }, {{"table", {3, 2}}}),
                {"table"}, "only row 2 is wrong: if used more than once, the second use is not accumulated?");
  const std::vector<int> lengths{3, 1};
  const GradcheckResult leak =
      gradcheck([&](auto x) { return words_with_leaking_gradient(x[0], lengths); }, {{"x", {2, 3, 2}}});
  expect_caught(leak, {"x"}, "every wrong entry should be 0: does a mask leak?");
  EXPECT_EQ(leak.message(),
            "gradient of x[1, 1, 0]: got 1, expected 0 (every wrong entry should be 0: does a mask leak?)");
  expect_caught(gradcheck([&](auto x) { return cross_entropy_without_divisor(x[0], targets); }, {{"logits", {3, 4}}},
                          {.sizes = {{"rows", 3}}}),
                {"logits"}, "off by the constant factor 3 = rows");
}

TEST(Diagnosis, OfAWrongFactorNamesTheSizeItMayComeFrom) {
  int with_heads = 0;
  for (const OperationCase& operation : operation_cases())
    for (const auto& [name, size] : operation.sizes) {
      with_heads += name == "heads" ? 1 : 0;
      const auto faulty_first = [&operation, factor = size](auto x) {
        using V = std::remove_cvref_t<decltype(x[0])>;
        std::vector<V> vars(x.begin(), x.end());
        vars[0] = with_wrong_factor(x[0], factor);
        return operation.function(std::span<const V>(vars));
      };
      const GradcheckResult result = gradcheck(faulty_first, operation.inputs, {.sizes = operation.sizes});
      ASSERT_EQ(result.mismatches.size(), 1U) << operation.name;
      const std::string& diagnosis = result.mismatches[0].diagnosis;
      EXPECT_EQ(diagnosis.find(fmt::format("off by the constant factor {} = ", size)), 0U)
          << operation.name << ": " << diagnosis;
      EXPECT_NE(diagnosis.find(name), std::string::npos) << operation.name << ": " << diagnosis;
    }
  EXPECT_GE(with_heads, 8);
  const OperationCase& attention_heads = *std::find_if(operation_cases().begin(), operation_cases().end(),
                                                       [](const auto& c) { return c.name == "attention heads"; });
  const auto times_heads = [&](auto x) {
    using V = std::remove_cvref_t<decltype(x[0])>;
    return attention_heads.function(std::span<const V>(std::vector<V>{with_wrong_factor(x[0], 2), x[1], x[2]}));
  };
  expect_caught(gradcheck(times_heads, attention_heads.inputs, {.sizes = attention_heads.sizes}), {"q"},
                "off by the constant factor 2 = heads");
  expect_caught(gradcheck([](auto x) { return with_wrong_factor(x[0], 4); }, {{"x", {2, 3}}},
                          {.sizes = {{"heads", 4}, {"width", 16}, {"keys", 5}}}),
                {"x"}, "off by the constant factor 4 = heads or √width");
}

/// What is used several times may be wrong in other ways than a use that is not accumulated, and then is not called so.
TEST(Diagnosis, OfAnInputUsedTwiceIsNotAlwaysAMissingUse) {
  const std::vector<int> ids{2, 0, 2, 1}, lengths{2, 3};
  const GradcheckResult self_attention =
      gradcheck([](auto x) { return attention(with_wrong_factor(x[0], 2), x[0], x[0]).output; }, {{"x", {2, 3, 4}}});
  expect_caught(self_attention, {"x"}, "");
  const GradcheckResult unscaled =
      gradcheck([](auto x) { return attention_without_scale(x[0], x[0], x[0]); }, {{"x", {2, 3, 4}}});
  expect_caught(unscaled, {"x"}, "");
  const GradcheckResult tied =
      gradcheck([&](auto x) { return linear_with_transposed_gradient(embedding(x[0], ids, {4}), x[0], x[1]); },
                {{"table", {4, 4}}, {"b", {4}}});
  expect_caught(tied, {"table"}, "");
  const GradcheckResult padded = gradcheck(
      [&](auto x) {
        return words_with_leaking_gradient(multiply(x[0], with_wrong_factor(slice(x[0], 0, 0, 2), 3)), lengths);
      },
      {{"x", {2, 3, 2}}});
  EXPECT_FALSE(padded.passed);
  EXPECT_EQ(padded.message().find("accumulated"), std::string::npos) << padded.message();
  const GradcheckResult one_sentence = gradcheck(
      [](auto x) {
        return concat({slice(x[0], 0, 0, 1), relu(with_wrong_factor(slice(x[0], 0, 1, 1), 3))}, 0);
      },
      {{"x", {2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}});
  expect_caught(one_sentence, {"x"}, "only rows 3, 4, 5 are wrong");
}

TEST(Diagnosis, OfAUseThatIsNotAccumulatedSaysSo) {
  const GradcheckResult product = gradcheck(
      [](auto x) {
        const auto first = overwriting(x[0]);  // its backward comes after that of the other use
        return matmul(first, transpose(x[0]));
      },
      {{"x", {3, 4}}});
  expect_caught(product, {"x"},
                "the input is used 2 times: the second use is not accumulated, it overwrites the first");
  const GradcheckResult self_attention =
      gradcheck([](auto x) { return attention(overwriting(x[0]), x[0], x[0]).output; }, {{"x", {2, 3, 4}}});
  EXPECT_NE(self_attention.message().find("the second use is not accumulated"), std::string::npos)
      << self_attention.message();
}

}  // namespace
}  // namespace qkv
