#include "qkv/study/loss_gap.h"

#include <gtest/gtest.h>

namespace qkv {
namespace {

TEST(LossGap, SaysWhatMayHelpOnlyWhereTheLossesAreFarApart) {
  EXPECT_EQ(loss_gap({1, 1.25}),
            "loss of the best model: 1.0000 on training sentences, 1.2500 on the validation set\n");
  const auto is_advised = [](double training, double validation) {
    return loss_gap({training, validation}).find("More data helps most") != std::string::npos;
  };
  EXPECT_TRUE(is_advised(0.5, 2));
  EXPECT_FALSE(is_advised(2, 2.5));
  EXPECT_FALSE(is_advised(0.001, 0.02)) << "near 0 a factor means little";
  EXPECT_FALSE(is_advised(2, 0.5));
}

}  // namespace
}  // namespace qkv
