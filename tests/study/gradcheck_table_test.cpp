#include "qkv/study/gradcheck_table.h"

#include <gtest/gtest.h>
#include <regex>

#include "qkv/autograd/ops.h"

namespace qkv {
namespace {

TEST(GradcheckTable, ARowFitsUnderTheHead) {
  const NamedGradcheck check{"sum", "operation", [](std::uint64_t seed) {
                               return gradcheck([](auto x) { return sum(x[0]); }, {{"x", {2, 3}}}, {.seed = seed});
                             }};
  const std::string head = gradcheck_head(10), row = gradcheck_row(check, check.run(1), 10);
  EXPECT_TRUE(std::regex_match(row, std::regex("sum         operation +6 +6 +[0-9.e+-]+  ok\n"))) << row;
  for (const char* column : {"inputs", "Jacobian"}) {
    const std::size_t end = head.find(column) + std::string(column).size();
    EXPECT_EQ(row[end - 1], '6') << column;
  }
}

TEST(GradcheckTable, WhatIsWrongStandsBelow) {
  const NamedGradcheck check{
      "wrong", "operation", [](std::uint64_t) {
        GradcheckResult result;
        result.passed = false;
        result.error = 0.5;
        result.mismatches.push_back({"weight", {1, 2}, 3.0, 4.5});
        result.notes.push_back("a kink");
        const std::string reason = "a key's bias adds the same to all scores of a query, and softmax takes that out";
        result.zero_gradients = {
            {"x", ""}, {"encoder.key.bias", reason}, {"decoder.key.bias", reason}, {"unused.weight", ""}};
        return result;
      }};
  const std::string row = gradcheck_row(check, check.run(1), 5);
  EXPECT_NE(row.find(" 5.0e-01  WRONG\n"), std::string::npos) << row;
  EXPECT_NE(row.find("\n    gradient of weight[1, 2]: got 3, expected 4.5\n"), std::string::npos) << row;
  EXPECT_NE(row.find("\n    note: a kink\n"), std::string::npos) << row;
  EXPECT_NE(row.find("\n    note: every derivative by x, unused.weight is zero\n"), std::string::npos) << row;
  EXPECT_EQ(row.find("softmax"), std::string::npos) << row;
  EXPECT_EQ(
      zero_by_mathematics(check.run(1).zero_gradients),
      "2 parameters, such as encoder.key.bias, have no gradient, because a key's bias adds the same to all scores of "
      "a query, and softmax takes that out.\n");
}

}  // namespace
}  // namespace qkv
