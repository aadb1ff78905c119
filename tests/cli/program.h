#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "tests/files/temporary_folder.h"

namespace qkv {

/// What a program left behind when it ended.
struct Outcome {
  int exit_code = -1;  ///< 128 and more: the signal that ended it
  std::string output;  ///< what it wrote to standard output
  std::string errors;  ///< … and to standard error
};

using Arguments = std::vector<std::string>;

/// A terminal as a program sees it: its size, and how it is described in the environment.
struct Terminal {
  int columns = 80;
  std::vector<std::pair<std::string, std::string>> environment = {{"TERM", "xterm-256color"}};
};

/// The built program `qkv`, run as users run it, in a temporary folder of the test's own. Its standard streams are
/// files, so it sees a terminal only `on` one.
class Program {
 public:
  /// Runs `qkv ARGUMENTS…` to its end, with this on standard input.
  Outcome operator()(const Arguments& arguments, std::string_view input = "") const;

  /// Runs `qkv ARGUMENTS…` on a terminal, which shows all that it writes: that is the outcome's `output`.
  Outcome on(const Terminal& terminal, const Arguments& arguments) const;

  /// Runs a line of bash, in which "$QKV" is the program: for pipes and closed streams.
  Outcome shell(const std::string& line) const;

  /// Starts `qkv ARGUMENTS…`, waits until it has written this to standard error or has ended, and sends it a signal.
  Outcome interrupted(const Arguments& arguments, const std::string& errors, int signal) const;

  /// Starts `qkv ARGUMENTS…` and sends it a signal after so many seconds, unless it has ended by then.
  Outcome interrupted_after(const Arguments& arguments, double seconds, int signal) const;

  /// Where it runs: relative paths in arguments start here.
  const TemporaryFolder& folder() const { return folder_; }

  /// The text of a file there.
  std::string text_of(const std::string& file) const;

 private:
  pid_t start(const std::string& program, Arguments arguments, std::string_view input) const;
  Outcome finish(pid_t process) const;

  TemporaryFolder folder_;
};

/// For EXPECT_TRUE, which then prints the whole text: whether the text begins with, ends with or holds a part.
testing::AssertionResult starts_with(const std::string& text, const std::string& part);
testing::AssertionResult ends_with(const std::string& text, const std::string& part);
testing::AssertionResult contains(const std::string& text, const std::string& part);

/// The same for a regular expression (of ECMAScript) that fits the text from end to end.
testing::AssertionResult matches(const std::string& text, const std::string& expression);

}  // namespace qkv
