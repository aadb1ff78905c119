#include <fmt/format.h>
#include <regex>
#include <utility>

#include "qkv/datasets/text.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

/// A trained model on a terminal.
struct OnATerminal : testing::Test {
  OnATerminal() { write_initial_run(qkv); }

  Program qkv;
};

bool has_colours(const std::string& shown) { return shown.find("\033[48;5;") != std::string::npos; }
bool has_control_sequences(const std::string& shown) { return shown.find('\033') != std::string::npos; }

/// The lines as they stand on the terminal: a bar that is drawn over is a line of its own, colours take no room.
std::vector<std::string> lines_of(const std::string& shown) {
  const std::string text = std::regex_replace(shown, std::regex("\033\\[[0-9;]*[A-Za-z]"), "");
  std::vector<std::string> lines;
  std::string line;
  for (const char c : text) {
    if (c != '\r' && c != '\n') {
      line += c;
    } else if (!line.empty()) {
      lines.push_back(std::exchange(line, ""));
    }
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

TEST_F(OnATerminal, WeightsAreColouredAndHaveTheirNumbers) {
  const Outcome outcome = qkv.on({}, {"translate", "run", "하나 둘 셋", "--max-words", "4", "--attention", "cross"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  ASSERT_TRUE(has_colours(outcome.output)) << outcome.output;
  // A background, the colour of the text on it, and two digits of the weight, or blanks below .005.
  const std::regex cell("\033\\[48;5;[0-9]+(;[0-9;]+)?m([^\033]*)");
  int digits = 0;
  for (std::sregex_iterator found(outcome.output.begin(), outcome.output.end(), cell), end; found != end; ++found)
    digits += std::regex_search((*found)[2].str(), std::regex("[0-9]")) ? 1 : 0;
  EXPECT_GE(digits, 12) << outcome.output;
}

TEST_F(OnATerminal, NoColorMeansNone) {
  const Terminal terminal{.columns = 80, .environment = {{"TERM", "xterm-256color"}, {"NO_COLOR", "1"}}};
  const Arguments translate{"translate", "run", "하나 둘 셋", "--max-words", "4", "--attention", "cross"};
  const Outcome outcome = qkv.on(terminal, translate);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_FALSE(has_control_sequences(outcome.output)) << outcome.output;
  EXPECT_TRUE(has_colours(
      qkv.on({.columns = 80, .environment = {{"TERM", "xterm-256color"}, {"NO_COLOR", ""}}}, translate).output))
      << "set to nothing it is not set, says no-color.org";
}

TEST_F(OnATerminal, ADumbOneGetsPlainLines) {
  const Terminal dumb{.columns = 80, .environment = {{"TERM", "dumb"}}};
  for (const Arguments& arguments :
       {Arguments{"translate", "run", "하나 둘 셋", "--max-words", "4", "--attention", "cross"},
        Arguments{"explain", "run", "하나 둘 셋"}, Arguments{"eval", "run", "--data", "data"},
        train_tiny("another", {"--epochs", "2"})}) {
    const Outcome outcome = qkv.on(dumb, arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
    EXPECT_FALSE(has_control_sequences(outcome.output)) << outcome.output;
    EXPECT_FALSE(std::regex_search(outcome.output, std::regex("\r[^\r\n]"))) << "a line is drawn over:\n"
                                                                             << outcome.output;
  }
}

/// Sentences may wrap; what is drawn and what stands in columns may not.
TEST_F(OnATerminal, NothingDrawnIsWiderThanIt) {
  for (const int columns : {80, 120})
    for (const Arguments& arguments :
         {Arguments{"translate", "run",
                    "하나 둘 셋 넷 다섯 여섯 일곱 여덟 하나 둘 셋 넷 다섯 여섯 일곱 여덟 하나 둘 셋 넷", "--attention",
                    "encoder", "--max-words", "9"},
          Arguments{"translate", "run", "하나 둘 셋", "--attention", "cross", "--head", "sharpest"},
          Arguments{"explain", "run", "하나 둘 셋 넷 다섯", "--backward"},
          Arguments{"explain", "run", "하나 둘 셋 넷 다섯", "--of", "d scores[1,2]"},
          Arguments{"eval", "run", "--data", "data"}, train_tiny(fmt::format("wide{}", columns), {"--epochs", "120"}),
          Arguments{"data", "check", "data"}}) {
      const Outcome outcome = qkv.on({.columns = columns}, arguments);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
      for (const std::string& line : lines_of(outcome.output)) {
        if (line.starts_with("qkv: warning: ") || line.starts_with("loss of ")) continue;
        EXPECT_LE(qkv::columns(line), columns) << line;
      }
    }
}

TEST_F(OnATerminal, TheBarOfATrainingIsDrawnOverAndGoesAway) {
  const Outcome outcome = qkv.on({}, train_tiny("another", {"--epochs", "40"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_TRUE(contains(outcome.output, "░"));
  EXPECT_TRUE(contains(outcome.output, "\r\033[K"));
}

}  // namespace
}  // namespace qkv
