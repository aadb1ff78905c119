// What docs/ says is so: its commands print what stands below them, those that take too long to run exist with their
// options, its quotations stand in the files they name, every link leads somewhere.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sys/wait.h>

#include "tests/docs/document.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

const fs::path source = QKV_SOURCE_DIR;

/// A folder like the repository's root after a build, to type commands in: the files of the source are there, the build
/// is in build/release, and what is written stays in it. It is removed at the end.
class Workspace {
 public:
  Workspace() {
    std::string name = (fs::temp_directory_path() / "qkv-docs-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder can be made: " + name);
    folder_ = name;
    for (const fs::directory_entry& entry : fs::directory_iterator(source)) {
      const std::string file = entry.path().filename().string();
      if (!file.starts_with(".") && file != "build" && file != "runs" && file != "data")
        fs::create_symlink(entry.path(), folder_ / file);
    }
    fs::create_directory(folder_ / "build");
    fs::create_directory_symlink(QKV_BINARY_DIR, folder_ / "build" / "release");
  }
  ~Workspace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  struct Outcome {
    std::vector<std::string> output;  ///< on both standard output and standard error
    int exit_code = 0;
  };

  Outcome run(const std::string& command) const {
    const fs::path script = folder_ / "build" / "command.sh";
    std::ofstream(script) << "cd '" << folder_.string() << "'\nexport PATH=\"$PWD/build/release:$PATH\"\n"
                          << command << "\n";
    FILE* pipe = popen(("bash '" + script.string() + "' 2>&1 </dev/null").c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("bash cannot be started");
    std::string text;
    char buffer[4096];
    for (std::size_t count; (count = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, count);
    const int status = pclose(pipe);
    return {lines_of(text), WIFEXITED(status) ? WEXITSTATUS(status) : -1};
  }

 private:
  fs::path folder_;
};

class Docs : public testing::TestWithParam<std::string> {};

TEST_P(Docs, CommandsPrintWhatIsSaid) {
  const Workspace workspace;
  for (const Block& block : read_blocks(source / GetParam())) {
    if (block.language != "console") continue;
    for (const Command& command : commands_of(block)) {
      const Workspace::Outcome outcome = workspace.run(command.text);
      EXPECT_TRUE(matches(command.output, outcome.output))
          << GetParam() << ":" << command.line << ": $ " << command.text << "\n--- it says\n"
          << joined(command.output) << "--- but this is printed\n"
          << joined(outcome.output);
      const bool should_fail = joined(command.output).find("qkv: error:") != std::string::npos;
      EXPECT_EQ(outcome.exit_code != 0, should_fail)
          << GetParam() << ":" << command.line << ": $ " << command.text << "\nexit code " << outcome.exit_code;
    }
  }
}

// A block in any other language would be neither run nor looked up.
TEST_P(Docs, BlocksAreInALanguageThatIsTested) {
  const std::set<std::string> languages{
      "console",  // commands, which are run, and what they print
      "cpp",      // lines quoted from the file that is named behind it
      "sh",       // commands that take too long to run here
      "text",     // formulas
  };
  for (const Block& block : read_blocks(source / GetParam()))
    EXPECT_TRUE(languages.contains(block.language)) << GetParam() << ":" << block.line - 1 << ": ```" << block.language
                                                    << " is none of console, cpp FILE, sh, text";
  for (const std::string& line : read_prose(source / GetParam()))
    EXPECT_EQ(line.find("```"), std::string::npos) << GetParam() << ": a block that does not begin its line: " << line;
}

TEST_P(Docs, LongCommandsExistWithTheirOptions) {
  const Workspace workspace;
  for (const Block& block : read_blocks(source / GetParam())) {
    if (block.language != "sh") continue;
    for (const Call& call : calls_of(block.lines, "qkv")) {
      const auto is_option = [](const std::string& word) { return word.starts_with("--"); };
      const auto first_option = std::find_if(call.words.begin(), call.words.end(), is_option);
      std::string command = "qkv";
      for (auto word = call.words.begin(); word != first_option; ++word) command += " '" + *word + "'";
      const Workspace::Outcome help = workspace.run(command + " --help");
      const std::string where = GetParam() + ":" + std::to_string(block.line + call.line);
      EXPECT_EQ(help.exit_code, 0) << where << ": " << command << " --help prints\n" << joined(help.output);
      const std::vector<std::string> options = options_of(help.output);
      for (auto word = first_option; word != call.words.end(); ++word) {
        const std::string option = word->substr(0, word->find('='));
        EXPECT_TRUE(!is_option(option) || std::find(options.begin(), options.end(), option) != options.end())
            << where << ": " << command << " has no option " << option;
      }
    }
  }
}

TEST_P(Docs, QuotedLinesStandInTheirFiles) {
  for (const Block& block : read_blocks(source / GetParam())) {
    if (block.language != "cpp") continue;
    ASSERT_FALSE(block.file.empty()) << GetParam() << ":" << block.line << ": which file are these lines from?";
    EXPECT_TRUE(quotes(block.lines, read_lines(source / block.file)))
        << GetParam() << ":" << block.line << ": " << block.file << " does not hold these lines:\n"
        << joined(block.lines);
  }
}

TEST_P(Docs, LinksLeadSomewhere) {
  const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  for (const std::string& line : read_prose(source / GetParam()))
    for (std::sregex_iterator match(line.begin(), line.end(), link), end; match != end; ++match) {
      const fs::path target = (source / GetParam()).parent_path() / (*match)[1].str();
      EXPECT_TRUE(fs::exists(target)) << GetParam() << ": " << line;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Docs, testing::ValuesIn(documents_in(source)), [](const auto& parameter) {
  std::string name;
  for (const char c : fs::path(parameter.param).replace_extension("").string())
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  return name;
});

}  // namespace
}  // namespace qkv
