#include "qkv/study/report/packed_text.h"

#include <gtest/gtest.h>

#include "tests/study/unpacked.h"

namespace qkv {
namespace {

TEST(PackedText, OtherToolsUnpackIt) {
  std::string text;
  for (const unsigned more : {0U, 1U, 1U, 1U, 1U, 100U, 100000U}) {  // all ends of base64
    for (unsigned i = 0; i < more; ++i) text += static_cast<char>((7 * i * i + i) % 251);
    EXPECT_TRUE(unpacked(packed(text)) == text) << text.size();
  }
}

TEST(PackedText, HasTheSizeOfItsInformation) {
  const std::string sentence = "유나는 작은 책을 안 그립니다 . ";
  std::string text;
  for (int i = 0; i < 10000; ++i) text += sentence;
  EXPECT_LT(packed(text).size(), text.size() / 100);
  EXPECT_EQ(packed(text), packed(text));
  EXPECT_EQ(packed("").substr(0, 4), "H4sI") << "gzip's first bytes";
}

}  // namespace
}  // namespace qkv
