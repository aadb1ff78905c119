#include "qkv/translation/parse_json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

using nlohmann::json;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// So many lists in each other.
std::string nested(std::size_t depth) { return repeated("[", depth) + repeated("]", depth); }

std::string complaint(const std::string& text) {
  return message_of<JsonError>([&] { parse_json(text); });
}

TEST(ParseJson, ReadsAllThatJsonHas) {
  for (const char* text : {"null", "true", "-3", "18446744073709551615", "1.5e300", "\"\\u00e9 한\"", "[]", "{}",
                           R"({"a":[1,{"b":[[],{}]},null],"c":{"a":false},"":"x"})"})
    EXPECT_EQ(parse_json(text), json::parse(text)) << text;
}

TEST(ParseJson, RefusesWhatIsDeeperThanSixteen) {
  EXPECT_EQ(parse_json(nested(16)), json::parse(nested(16)));
  EXPECT_EQ(complaint(nested(17)), "lists and objects inside each other more than 16 deep");
  for (const std::size_t depth : {200'000, 20'000'000}) {  // each level once took a frame of the stack
    EXPECT_EQ(complaint(nested(depth)), complaint(nested(17)));
    EXPECT_EQ(complaint(repeated("[", depth)), complaint(nested(17)));
  }
  const std::string objects = repeated("{\"a\":", 200'000);
  EXPECT_EQ(complaint(objects), complaint(nested(17)));
  EXPECT_EQ(complaint(objects + "1" + repeated("}", 200'000)), complaint(nested(17)));
  EXPECT_EQ(complaint(repeated("[{\"a\":", 100'000)), complaint(nested(17)));
}

TEST(ParseJson, SaysWhereItStopped) {
  const auto byte_of = [](const std::string& text) {
    try {
      parse_json(text);
    } catch (const JsonError& error) {
      return error.byte;
    }
    return std::size_t{0};
  };
  EXPECT_EQ(byte_of(nested(40)), 17U);
  EXPECT_EQ(byte_of("{\"a\":1,\n\"b\" 2}"), 13U);
}

TEST(ParseJson, RefusesANameThatOccursTwice) {
  EXPECT_EQ(complaint(R"({"a":1,"b":2,"a":1})"), "\"a\" occurs twice");
  EXPECT_EQ(complaint(R"({"outer":{"a":1,"a":[]}})"), "\"a\" occurs twice in \"outer\"");
  EXPECT_EQ(parse_json(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})").size(), 2U);
}

TEST(ParseJson, RefusesNumbersThatAreTooLargeAndTooManyValues) {
  EXPECT_EQ(complaint("[1e999]"), "number overflow parsing '1e999'");
  EXPECT_EQ(parse_json("[" + repeated("0,", 99'998) + "0]").size(), 99'999U);
  EXPECT_EQ(complaint("[" + repeated("0,", 99'999) + "0]"), "more than 100000 values");
  EXPECT_EQ(complaint("[" + repeated("[],", 200'000)), "more than 100000 values");
}

TEST(ParseJson, CutsWhatItQuotes) {
  for (const std::string& text : {repeated("n", 1'000'000), "\"" + repeated("x", 1'000'000) + "\x01\"",
                                  "{\"" + repeated("한", 400'000) + "\":1,\"" + repeated("한", 400'000) + "\":1}"}) {
    const std::string message = complaint(text);
    EXPECT_LT(message.size(), 300U) << message;
    EXPECT_NO_THROW(json(message).dump()) << "cut inside a character";
  }
}

TEST(ParseJson, ContainersAreNamedNotWrittenOut) {
  EXPECT_EQ(described(json::parse("[[1]]")), "a list");
  EXPECT_EQ(described(json::parse("{\"a\":1}")), "an object");
  EXPECT_EQ(described("middle"), "\"middle\"");
  EXPECT_EQ(described(2.5), "2.5");
  EXPECT_EQ(described(true), "true");
  EXPECT_EQ(described(nullptr), "null");
  EXPECT_EQ(described(repeated("한", 100)), "\"" + repeated("한", 19) + "…\"");
}

}  // namespace
}  // namespace qkv
