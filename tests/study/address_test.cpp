#include "qkv/study/explain/address.h"

#include <gtest/gtest.h>
#include <limits>

#include "qkv/autograd/random.h"

namespace qkv {
namespace {

TEST(AnAddress, IsReadAndWrittenTheSame) {
  EXPECT_EQ(parse_address("weights[2,5]"), (Address{false, "weights", {2, 5}}));
  EXPECT_EQ(parse_address("d scores[0,11]"), (Address{true, "scores", {0, 11}}));
  EXPECT_EQ(parse_address("loss"), (Address{false, "loss", {}}));
  EXPECT_EQ(parse_address("d loss"), (Address{true, "loss", {}}));
  EXPECT_EQ(parse_address("d"), (Address{false, "d", {}}));
  EXPECT_EQ(parse_address("d states as keys[0,3]"), (Address{true, "states as keys", {0, 3}}));
  for (const std::string text : {"encoder.layers.0.norm1.weight[3]", "decoder.cell.gru_gates#2.update[0,5]", "d loss",
                                 "d decoder.layers.1.cross_attention.attention.scores[1,2,3,4]"})
    EXPECT_EQ(to_text(parse_address(text)), text);
}

TEST(AnAddress, MayHaveSpacesBetweenItsParts) {
  EXPECT_EQ(parse_address("  d   weights [ 2 , 5 ]  "), (Address{true, "weights", {2, 5}}));
  EXPECT_EQ(parse_address("d  h   as queries [1,0]"), (Address{true, "h as queries", {1, 0}}));
}

TEST(AnAddress, SaysWhatIsWrongWhere) {
  const auto error = [](std::string_view text) {
    try {
      parse_address(text);
    } catch (const std::invalid_argument& found) {
      return std::string(found.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error(""), "address \"\", character 1: a name is missing; an address is a name and indices");
  EXPECT_EQ(error(" [2]"), "address \" [2]\", character 2: a name is missing; an address is a name and indices");
  EXPECT_EQ(error("weights[2,5"), "address \"weights[2,5\", character 12: the indices are not closed by `]`");
  EXPECT_EQ(error("weights[2 5]"), "address \"weights[2 5]\", character 11: the indices are not closed by `]`");
  EXPECT_EQ(error("weights[]"), "address \"weights[]\", character 9: an index is a number from 0 on");
  EXPECT_EQ(error("weights[-1]"), "address \"weights[-1]\", character 9: an index is a number from 0 on");
  EXPECT_EQ(error("weights[99999999999]"),
            "address \"weights[99999999999]\", character 9: an index is a number from 0 on");
  EXPECT_EQ(error("w[1,2,3,4,5]"), "address \"w[1,2,3,4,5]\", character 12: no value has more than four indices");
  EXPECT_EQ(error("weights[2]x"), "address \"weights[2]x\", character 11: nothing may follow the `]`");
  EXPECT_EQ(error("weights(2)"),
            "address \"weights(2)\", character 8: only letters, digits and `. _ #` make a name, and indices stand in "
            "[ ]");
}

TEST(AnAddress, ThatIsNoneWasLikelyMeantAsOne) {
  for (const std::string text :
       {"weights[2;5]", "weights[2,5", "weights 2 5", "weights(2,5)", "weights[2][5]", "weights[2 5]x"})
    EXPECT_EQ(likely_address(text).index, (std::vector{2, 5})) << text;
  EXPECT_EQ(likely_address("weights 2 5"), (Address{false, "weights", {2, 5}}));
  EXPECT_EQ(likely_address("D scores[1,2"), (Address{true, "scores", {1, 2}}));
  EXPECT_EQ(likely_address("d states as keys(1)"), (Address{true, "states as keys", {1}}));
  EXPECT_EQ(likely_address("decoder.norm.layer_norm#2[0;3]"), (Address{false, "decoder.norm.layer_norm#2", {0, 3}}));
  EXPECT_EQ(likely_address("weights[-1,99999999999]"),
            (Address{false, "weights", {0, std::numeric_limits<int>::max()}}));
  EXPECT_EQ(likely_address("w[1,2,3,4,5]"), (Address{false, "w", {1, 2, 3, 4}}));
  EXPECT_EQ(likely_address(""), (Address{false, "", {}}));
}

/// Whatever the bytes are, it is an address or an error.
TEST(AnAddress, OfAnyBytesIsRefused) {
  const std::string hostile[] = {
      std::string("a\0b[1]", 6), "\x1b[2J", "가중치[1,2]", "\xff\xfe[0]", "[[[[[[", "]", std::string(100000, 'd'),
      std::string(100000, '['),  "d d d d", "%s%n{}[1]"};
  for (const std::string& text : hostile) {
    try {
      EXPECT_EQ(to_text(parse_address(text)), text);  // names there may not be, but they are names
    } catch (const std::invalid_argument&) {
    }
    EXPECT_LE(likely_address(text).index.size(), 4U);
  }
  Random random(1);
  constexpr std::string_view alphabet = "d w[]0129,.#_ \x01\x80\xff-";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int length = static_cast<int>(random.uniform() * 12); length > 0; --length)
      text += alphabet[static_cast<std::size_t>(random.uniform() * static_cast<double>(alphabet.size()))];
    try {
      const Address address = parse_address(text);
      EXPECT_EQ(parse_address(to_text(address)), address) << text;
    } catch (const std::invalid_argument&) {
    }
  }
}

TEST(AnAddress, CountsElementsRowByRow) {
  const int sizes[] = {2, 3, 4};
  for (std::int64_t element = 0; element < 24; ++element)
    EXPECT_EQ(element_at(sizes, index_of(sizes, element)), element);
  EXPECT_EQ(index_of(sizes, 23), (std::vector{1, 2, 3}));
}

}  // namespace
}  // namespace qkv
