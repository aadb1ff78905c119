#include "qkv/study/bars.h"

#include <gtest/gtest.h>
#include <limits>
#include <sstream>
#include <vector>

#include "qkv/datasets/text.h"

namespace qkv {
namespace {

TEST(Bars, AreAsLongAsTheirShare) {
  EXPECT_EQ(bar(0, 8), "");
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(0.5, 5), "██▌");
  EXPECT_EQ(bar(1.0 / 64, 8), "▏");
  EXPECT_EQ(bar(0.5, 8, true), "####");
  EXPECT_EQ(bar(2, 3, true), "###");
  EXPECT_EQ(bar(-1, 3, true), "");
  EXPECT_EQ(bar(std::numeric_limits<double>::quiet_NaN(), 3, true), "");
}

TEST(LossCurves, AreTheMeansOfTheStepsInOrder) {
  EXPECT_EQ(loss_curve(std::vector<double>{4, 2, 1, 1}, 2, true),
            "              1-2    3.0000  ########################################\n"
            "              3-4    1.0000  #############\n");
  EXPECT_EQ(loss_curve(std::vector<double>{2}, 10, true),
            "                1    2.0000  ########################################\n");
  EXPECT_EQ(loss_curve({}), "");
}

TEST(LossCurves, FitIntoEightyColumns) {
  std::istringstream lines(loss_curve(std::vector<double>(1'000'003, 123456.0)));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(columns(line), 80) << line;
  EXPECT_EQ(count, 10);
}

}  // namespace
}  // namespace qkv
