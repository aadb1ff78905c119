// Every number on the command line is read strictly, and its range stands in the help and in the error.

#include <fmt/format.h>
#include <map>
#include <regex>
#include <sstream>

#include "qkv/datasets/text.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

/// A number that a command takes: what its help says of it.
struct NumberOption {
  std::string name;
  bool is_whole;
  std::string range;
};

/// The numbers that the help of a command lists: "--beam N" is a whole one, "--lr X" a real one.
std::vector<NumberOption> numbers_of(const std::string& help) {
  std::vector<NumberOption> options;
  const std::regex option("  (--[a-z0-9-]+) ([NX]) +(.*)"), range("\\((from|at least|above) [^)]*\\)");
  std::istringstream lines(help);
  std::string text;  // of the option that was met last
  const auto finish = [&] {
    std::smatch found;
    if (!options.empty() && options.back().range.empty()) {
      EXPECT_TRUE(std::regex_search(text, found, range)) << options.back().name << " says no range: " << text;
      if (!found.empty()) options.back().range = found.str().substr(1, found.str().size() - 2);
    }
    text.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_match(line, found, option)) {
      finish();
      options.push_back({found[1], found[2] == "N", ""});
      text = found[3];
    } else if (line.starts_with("     ")) {
      text += ' ';
      text += line.substr(line.find_first_not_of(' '));
    } else {
      finish();
    }
  }
  finish();
  return options;
}

struct Numbers : testing::Test {
  Program qkv;
};

TEST_F(Numbers, OfEveryOptionAreReadStrictlyAndTheirRangeIsSaid) {
  const std::map<std::string, Arguments> commands{{"data korean-english", {"--out", "d"}},
                                                  {"train", {"--data", "data", "--out", "run"}},
                                                  {"translate", {"run", "하나"}},
                                                  {"eval", {"run", "--data", "data"}},
                                                  {"gradcheck", {"sum"}},
                                                  {"grads", {"run", "--data", "data/test.csv", "--out", "g"}},
                                                  {"bench", {}},
                                                  {"graph", {"run", "하나", "--out", "g.dot"}},
                                                  {"explain", {"run", "하나"}},
                                                  {"report", {"run", "--out", "r.html"}},
                                                  {"compare", {"--data", "data", "--out", "o"}}};
  const std::vector<std::string> no_whole_number{"", " 1", "1 ", "+1", "1.5", "1e3", "0x10", "nan", "one", "1 2"};
  const std::vector<std::string> no_real_number{"", " 1", "1 ", "+1", "nan", "inf", "-inf", "0x1p3", "1e999", "0,5"};
  std::size_t options = 0;
  for (const auto& [command, more] : commands) {
    const Arguments words = split_words(command);
    Arguments help = words;
    help.push_back("--help");
    for (const NumberOption& option : numbers_of(qkv(help).output)) {
      ++options;
      std::vector<std::string> values = option.is_whole ? no_whole_number : no_real_number;
      // Beyond what the option, or any number, can hold: clamped or wrapped around, they would be in range.
      values.insert(values.end(), {"99999999999999999999999999", "-99999999999999999999999999"});
      if (option.name == "--clip") values.erase(values.end() - 2);  // large, but a number
      for (const std::string& value : values) {
        Arguments line = words;
        line.insert(line.end(), more.begin(), more.end());
        line.insert(line.end(), {option.name, value});
        const Outcome outcome = qkv(line);
        EXPECT_EQ(outcome.exit_code, 2) << command << " " << option.name << " '" << value << "'";
        EXPECT_EQ(outcome.output, "");
        EXPECT_TRUE(starts_with(outcome.errors, "qkv: error: " + option.name + " "));
        EXPECT_TRUE(contains(outcome.errors, "; it must be " + option.range + " (see qkv " + command + " --help)\n"));
      }
    }
  }
  EXPECT_GE(options, 55U) << "were they found in the help?";
}

TEST_F(Numbers, AreDecimal) {
  const auto with_seed = [&](const char* seed) { return qkv({"gradcheck", "linear", "--json", "--seed", seed}); };
  EXPECT_EQ(with_seed("010").exit_code, 0);
  EXPECT_EQ(with_seed("010").output, with_seed("10").output) << "not octal, as scripts count 008, 009, 010";
  EXPECT_NE(with_seed("010").output, with_seed("8").output);
  EXPECT_EQ(with_seed("-0").output, with_seed("0").output);
  EXPECT_EQ(with_seed("18446744073709551615").exit_code, 0);
  EXPECT_TRUE(contains(with_seed("18446744073709551616").errors,
                       "--seed 18446744073709551616 is out of range; it must be from 0 to 18446744073709551615"));
}

TEST_F(Numbers, RealOnesAreReadAsTheyAreWritten) {
  write_small_data(qkv);
  int runs = 0;
  for (const char* rate : {"0.25", ".25", "25e-2", "2.5E-1"}) {
    const std::string run = "run" + std::to_string(++runs);
    ASSERT_EQ(qkv(train_tiny(run, {"--steps", "0", "--lr", rate})).exit_code, 0) << rate;
    EXPECT_TRUE(contains(qkv.text_of(run + "/config.json"), "\"lr\": 0.25,"));
  }
}

}  // namespace
}  // namespace qkv
