// What comes from files and arguments may hold characters that steer a terminal. Whatever a command prints, no such
// character reaches it as itself.

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "qkv/datasets/visible_text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/safetensors.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

/// Sets a terminal's title, clears its screen by one character of C1, hides what follows, turns the direction of
/// writing.
const std::string hostile = "\033]0;x\a\u009b2J\u200b\u202e";
const std::string shown = "\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{200b}\\u{202e}";

testing::AssertionResult is_safe(const std::string& text) {
  if (visible_lines(text) == text) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "what steers terminals is in\n" << visible(text);
}

struct HostileText : testing::Test {
  HostileText() {
    // A vocabulary in which every word is hostile, and gold links between them.
    std::vector<Pair> pairs;
    for (const char* word : {"하나", "둘", "셋"})
      pairs.push_back({{hostile + word, "."}, {word + hostile, "!"}, {{0, 0, true}, {1, 1, true}}});
    fs::create_directory(qkv.folder() / "data");
    for (const char* name : {"train", "valid", "test"})
      write_pairs(qkv.folder() / fmt::format("data/{}.csv", name), pairs);
    const Outcome trained = qkv(train_tiny(run, {"--steps", "2"}));
    EXPECT_EQ(trained.exit_code, 0) << trained.errors;
    EXPECT_TRUE(is_safe(trained.output));
    EXPECT_TRUE(is_safe(trained.errors));
  }

  /// Runs it and looks at all that it says.
  Outcome operator()(const Arguments& arguments, std::string_view input = "") const {
    Outcome outcome = qkv(arguments, input);
    EXPECT_TRUE(is_safe(outcome.output)) << fmt::format("{}", fmt::join(arguments, " "));
    EXPECT_TRUE(is_safe(outcome.errors)) << fmt::format("{}", fmt::join(arguments, " "));
    return outcome;
  }

  Program qkv;
  std::string run = "run" + hostile;
};

TEST_F(HostileText, InWordsIsShown) {
  const std::string known = hostile + "하나";
  for (const Arguments& more :
       std::vector<Arguments>{{}, {"--attention", "cross"}, {"--attention", "encoder"}, {"--attention", "decoder"}}) {
    Arguments line{"translate", run, known, "--max-words", "3"};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = (*this)(line);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_TRUE(contains(outcome.output, shown));
  }
  const Outcome scores = (*this)({"eval", run, "--data", "data/test.csv", "--examples", "1"});
  EXPECT_EQ(scores.exit_code, 0) << scores.errors;
  EXPECT_TRUE(contains(scores.output, shown + "셋") || contains(scores.output, shown + "하나") ||
              contains(scores.output, shown + "둘"));
  EXPECT_TRUE(contains(scores.output, "Links found"));
}

TEST_F(HostileText, AZeroWidthCharacterInAnUnknownWordIsShown) {
  const Outcome outcome = (*this)({"translate", run, "하\u200b나 " + hostile + "하나"});
  EXPECT_TRUE(contains(outcome.errors, "qkv: warning: \"하\\u{200b}나\" is not a word that this model knows\n"))
      << outcome.errors;
}

TEST_F(HostileText, InJsonIsTheSameDataAsEscapes) {
  const Outcome outcome =
      (*this)({"translate", run, hostile + "하나", "--json", "--attention", "cross", "--max-words", "2"});
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(json["source"][0], hostile + "하나");
  EXPECT_TRUE(contains(outcome.output, "\\u001b]0;x\\u0007\\u009b2J\\u200b\\u202e하나"));
}

TEST_F(HostileText, InArgumentsAndNamesOfFilesIsShown) {
  const std::string lines = hostile + "\nqkv: error: faked";
  for (const Arguments& arguments :
       std::vector<Arguments>{{lines},
                              {"gradcheck", lines},
                              {"bench", lines},
                              {"translate", lines},
                              {"translate", run, "--beam", lines},
                              {"translate", run, "--attention", lines},
                              {"translate", run, "--" + lines},
                              {"eval", lines, "--data", "data"},
                              {"eval", run, "--data", lines},
                              {"grads", run, "--data", lines, "--out", "g"},
                              {"grads", run, "--data", "data/test.csv", "--out", lines + "/g"},
                              {"train", "--out", lines},
                              {"train", "--out", run, "--data", "data"},
                              {"train", "--out", "new", "--data", lines},
                              {"train", "--out", "new", "--train", lines},
                              {"train", "--out", "new", "--config", lines},
                              {"train", "--out", "new", "--model", lines},
                              {"train", "--out", "new", "--lr", lines},
                              {"train", "--out", lines, "--resume"},
                              {"data", lines},
                              {"data", "korean-english", "--out", "d", "--seed", lines}}) {
    const Outcome outcome = (*this)(arguments);
    EXPECT_TRUE(outcome.exit_code == 1 || outcome.exit_code == 2);
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << "one line:\n" << outcome.errors;
  }
}

TEST_F(HostileText, InFilesIsShown) {
  qkv.folder().file("header.csv", hostile + "source,target\n");
  qkv.folder().file("bytes.csv", "source,target\n\033[31m\xff,b\n");
  qkv.folder().file("links.csv", "source,target,alignment\na,b,\033[31m\n");
  qkv.folder().file("config.json", "{\"" + std::string("\\u001b\\u009b") + "\": 1}");
  qkv.folder().file("broken.json", "{\"a\": \033}");
  for (const char* file : {"header.csv", "bytes.csv", "links.csv"})
    EXPECT_EQ((*this)({"eval", run, "--data", file}).exit_code, 1);
  for (const char* file : {"config.json", "broken.json"})
    EXPECT_EQ((*this)({"train", "--data", "data", "--out", "new", "--config", file}).exit_code, 1);
  EXPECT_EQ((*this)({"translate", run}, "a\n\033[31m\xff\n").exit_code, 1);
}

TEST_F(HostileText, InTensorNamesAndVocabulariesIsShown) {
  const std::string path = qkv.folder() / run + "/model.safetensors";
  const auto model = SafetensorsFile::read(path);
  std::vector<StoredTensor> tensors = model.tensors();
  tensors.push_back(tensors.front());
  tensors.back().name = hostile;
  write_safetensors(path, tensors, model.metadata());
  const Outcome tensor = (*this)({"translate", run, "x"});
  EXPECT_EQ(tensor.exit_code, 1);
  EXPECT_TRUE(contains(tensor.errors, "tensor '" + shown + "'"));
  qkv.folder().file(run + "/source.vocab", "<pad>\n<bos>\n\033[31m\n");
  EXPECT_EQ((*this)({"translate", run, "x"}).exit_code, 1);
}

TEST_F(HostileText, ACommandToTypeStillWorksInAShell) {
  const Outcome trained = (*this)(train_tiny("a\033'b\\\n c", {"--steps", "0"}));
  const std::string typed = "qkv translate ";
  const std::size_t begin = trained.output.rfind(typed);
  ASSERT_NE(begin, std::string::npos) << trained.output;
  const std::string run_as_typed = trained.output.substr(begin + typed.size());
  EXPECT_EQ(run_as_typed, "$'a\\x1b\\'b\\\\\\x0a c'\n");
  EXPECT_EQ(qkv.shell("\"$QKV\" translate " + run_as_typed + " </dev/null").exit_code, 0);
}

TEST_F(HostileText, AnUnknownWordOfAMillionLettersIsShortened) {
  const Outcome outcome = (*this)({"translate", run}, std::string(1'000'000, 'a') + "\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.errors, "qkv: warning: \"" + std::string(60, 'a') +
                                           "…\" (1000000 characters) is not a word that this model knows\n"));
  EXPECT_LT(outcome.errors.size(), 1000U);
}

// The tests above see what they provoke; this one, that there is no way around.
TEST(Output, IsWrittenInOnePlace) {
  int files = 0;
  for (const char* folder : {"cli", "study"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(QKV_SOURCE_DIR) / folder)) {
      const std::string name = entry.path().filename().string();
      if (!name.ends_with(".cpp") && !name.ends_with(".h")) continue;
      ++files;
      if (fs::path(folder) / name == "cli/terminal.cpp") continue;
      if (name == "graphviz.cpp") continue;  // writes to a program's standard input
      const std::string text = read_file(entry.path().string());
      for (const char* way : {"fmt::print", "std::cout", "std::cerr", "printf(", "fputs", "fwrite", " puts("})
        EXPECT_EQ(text.find(way), std::string::npos) << entry.path() << " writes by " << way;
    }
  EXPECT_GT(files, 30);
}

}  // namespace
}  // namespace qkv
