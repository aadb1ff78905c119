// The header's reader takes all of JSON and nothing else; tests/translation/parse_json_test.cpp is its like for
// settings.

#include "qkv/files/header_json.h"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// What is said of a text, with the byte; "" if it is JSON.
std::string complaint(std::string_view text) {
  try {
    HeaderReader reader(text);
    reader.read_over();
    reader.read_end();
  } catch (const HeaderError& error) {
    return std::to_string(error.byte) + ": " + error.what();
  }
  return "";
}

std::string text_read(std::string_view json) { return HeaderReader(json).read_string(); }

TEST(HeaderJson, ReadsAllThatJsonHas) {
  for (const char* text :
       {"null", "true", "false", "0", "-0", "-3.25e+10", "18446744073709551615", "1E5", "\"\"", "\"\\u00e9 한\"", "[]",
        "{}", " [ 1 ,\t2\r\n] ", R"({"a":[1,{"b":[[],{}]},null],"c":{"a":false},"":"x"})"})
    EXPECT_EQ(complaint(text), "") << text;
  EXPECT_EQ(text_read(R"("\"\\\/\b\f\n\r\t\u0000\u00E9\ud55c\uD83D\uDE00 é")"),
            std::string("\"\\/\b\f\n\r\t\0é한😀 é", 21));
}

TEST(HeaderJson, HandsOverNamesAndValuesInTheirOrder) {
  HeaderReader reader(R"({"z":1.50,"a":{"b":[1,"2"],"c":{}},"":[],"m":"text"})");
  std::vector<std::string> found;
  reader.read_object([&](const std::string& name) {
    if (name == "z")
      found.push_back(reader.read_number());
    else if (name == "m")
      found.push_back(reader.read_string());
    else
      found.push_back(name + " is " + reader.read_over());
  });
  reader.read_end();
  EXPECT_EQ(found, (std::vector<std::string>{"1.50", "a is an object", " is a list", "text"}));
}

TEST(HeaderJson, SaysWhatItExpectedAndWhatItFound) {
  EXPECT_EQ(complaint(""), "1: expected a value, found the end");
  EXPECT_EQ(complaint("x"), "1: expected a value, found 'x'");
  EXPECT_EQ(complaint("nul"), "1: expected a value, found 'n'");
  EXPECT_EQ(complaint("[1 2]"), "4: expected ',' or ']', found '2'");
  EXPECT_EQ(complaint("[1,]"), "4: expected a value, found ']'");
  EXPECT_EQ(complaint("{\"a\" 1}"), "6: expected ':', found '1'");
  EXPECT_EQ(complaint("{\"a\":1"), "7: expected ',' or '}', found the end");
  EXPECT_EQ(complaint("{\"a\":1,}"), "8: expected a name in quotes, found '}'");
  EXPECT_EQ(complaint("{a:1}"), "2: expected a name in quotes, found 'a'");
  EXPECT_EQ(complaint("1 1"), "3: expected the end, found '1'");
  EXPECT_EQ(complaint(std::string_view("1\0", 2)), "2: expected the end, found byte 0x00");
  EXPECT_EQ(complaint("\"a"), "3: expected '\"', found the end");
}

TEST(HeaderJson, NumbersAreWrittenAsJsonDemands) {
  EXPECT_EQ(complaint("-"), "2: expected a digit, found the end");
  EXPECT_EQ(complaint("+1"), "1: expected a value, found '+'");
  EXPECT_EQ(complaint("01"), "2: a number that begins with 0");
  EXPECT_EQ(complaint("1."), "3: expected a digit, found the end");
  EXPECT_EQ(complaint(".5"), "1: expected a value, found '.'");
  EXPECT_EQ(complaint("1e"), "3: expected a digit, found the end");
  EXPECT_EQ(complaint("1e+-1"), "4: expected a digit, found '-'");
  EXPECT_EQ(complaint("0x10"), "2: expected the end, found 'x'");
  EXPECT_EQ(complaint("NaN"), "1: expected a value, found 'N'");
}

TEST(HeaderJson, TextIsUtf8WithTheEscapesOfJson) {
  EXPECT_EQ(complaint("\"a\xff\""), "3: expected UTF-8, found byte 0xff");
  EXPECT_EQ(complaint("\"\xed\xa0\x80\""), "2: expected UTF-8, found byte 0xed");
  EXPECT_EQ(complaint("\"\xed\x95"), "2: expected UTF-8, found byte 0xed");
  EXPECT_EQ(complaint("\"a\n\""), "3: expected an escape in the place of a control character, found byte 0x0a");
  EXPECT_EQ(complaint("\"\\x\""), "3: expected one of \"\\/bfnrtu after a backslash, found 'x'");
  EXPECT_EQ(complaint("\"\\u12g4\""), "6: expected four hexadecimal digits, found 'g'");
  EXPECT_EQ(complaint("\"\\u12"), "6: expected four hexadecimal digits, found the end");
  EXPECT_EQ(complaint("\"\\ud800\""), "7: a high surrogate without a low one behind it");
  EXPECT_EQ(complaint("\"\\ud800\\u0041\""), "13: a high surrogate without a low one behind it");
  EXPECT_EQ(complaint("\"\\udc00\""), "7: a low surrogate without a high one before it");
}

TEST(HeaderJson, RefusesWhatIsDeeperThanSixteen) {
  EXPECT_EQ(complaint(repeated("[", 16) + repeated("]", 16)), "");
  const std::string too_deep = "17: lists and objects inside each other more than 16 deep";
  EXPECT_EQ(complaint(repeated("[", 17) + repeated("]", 17)), too_deep);
  EXPECT_EQ(complaint(repeated("[", 2'000'000)), too_deep);
  EXPECT_EQ(complaint(repeated("{\"a\":", 200'000)), "81: lists and objects inside each other more than 16 deep");
  EXPECT_EQ(complaint("[" + repeated("[],", 200'000) + "[]]"), "") << "closed ones do not count";
}

TEST(HeaderJson, RefusesANameThatOccursTwice) {
  EXPECT_EQ(complaint(R"({"a":1,"b":2,"a":1})"), "16: \"a\" occurs twice");
  EXPECT_EQ(complaint(R"({"a":1,"\u0061":1})"), "15: \"a\" occurs twice");
  EXPECT_EQ(complaint(R"({"outer":{"a":1,"a":[]}})"), "19: \"a\" occurs twice in \"outer\"");
  EXPECT_EQ(complaint(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})"), "");
  const std::string name = repeated("한", 400'000);
  const std::string message = complaint("{\"" + name + "\":1,\"" + name + "\":1}");
  EXPECT_LT(message.size(), 100U) << message;
}

TEST(HeaderJson, WritesTextThatItReadsBack) {
  EXPECT_EQ(json_string("a\"b\\c\n\x01 한😀/"), "\"a\\\"b\\\\c\\u000a\\u0001 한😀/\"");
  std::string all;
  for (char c = 0; c >= 0 && c < 0x7f; ++c) all += c;
  EXPECT_EQ(text_read(json_string(all)), all);
  EXPECT_THROW(json_string("\xff"), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
