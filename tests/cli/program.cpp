#include "tests/cli/program.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <regex>
#include <sys/wait.h>
#include <unistd.h>

#include "qkv/files/durable_file.h"

namespace qkv {

namespace {

/// In the child: puts the file in place of a standard stream.
void redirect(int stream, const std::string& file, int flags) {
  const int opened = ::open(file.c_str(), flags);
  if (opened < 0 || ::dup2(opened, stream) < 0) ::_exit(127);
  ::close(opened);
}

/// What a program that still writes to this file has written; read_file refuses a file that changes meanwhile.
std::string written_so_far(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

testing::AssertionResult explained(bool holds, const std::string& text, const char* which, const std::string& part) {
  if (holds) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the text\n" << text << "\n" << which << "\n" << part;
}

}  // namespace

Outcome Program::operator()(const Arguments& arguments, std::string_view input) const {
  return finish(start(QKV_PROGRAM, arguments, input));
}

Outcome Program::shell(const std::string& line) const {
  ::setenv("QKV", QKV_PROGRAM, 1);
  return finish(start("/bin/bash", {"-c", line}, ""));
}

Outcome Program::interrupted(const Arguments& arguments, const std::string& errors, int signal) const {
  const pid_t process = start(QKV_PROGRAM, arguments, "");
  siginfo_t ended{};
  while (written_so_far(folder_ / ".errors").find(errors) == std::string::npos && ended.si_pid == 0) {
    ::usleep(1000);
    ::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT);
  }
  ::kill(process, signal);
  return finish(process);
}

Outcome Program::interrupted_after(const Arguments& arguments, double seconds, int signal) const {
  const pid_t process = start(QKV_PROGRAM, arguments, "");
  ::usleep(static_cast<useconds_t>(seconds * 1e6));
  ::kill(process, signal);  // until it is waited for, its number is nobody else's
  return finish(process);
}

pid_t Program::start(const std::string& program, Arguments arguments, std::string_view input) const {
  folder_.file(".input", input);
  folder_.file(".output", "");
  folder_.file(".errors", "");
  arguments.insert(arguments.begin(), program);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t process = ::fork();
  if (process < 0) throw std::runtime_error("no process can be started");
  if (process == 0) {
    redirect(STDIN_FILENO, folder_ / ".input", O_RDONLY);
    redirect(STDOUT_FILENO, folder_ / ".output", O_WRONLY | O_APPEND);
    redirect(STDERR_FILENO, folder_ / ".errors", O_WRONLY | O_APPEND);
    if (::chdir(folder_.path().c_str()) != 0) ::_exit(127);
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
  return process;
}

Outcome Program::finish(pid_t process) const {
  int status = 0;
  ::waitpid(process, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(folder_ / ".output"),
          read_file(folder_ / ".errors")};
}

std::string Program::text_of(const std::string& file) const { return read_file(folder_ / file); }

testing::AssertionResult starts_with(const std::string& text, const std::string& part) {
  return explained(text.starts_with(part), text, "does not begin with", part);
}

testing::AssertionResult ends_with(const std::string& text, const std::string& part) {
  return explained(text.ends_with(part), text, "does not end with", part);
}

testing::AssertionResult contains(const std::string& text, const std::string& part) {
  return explained(text.find(part) != std::string::npos, text, "does not contain", part);
}

testing::AssertionResult matches(const std::string& text, const std::string& expression) {
  return explained(std::regex_match(text, std::regex(expression)), text, "does not match", expression);
}

}  // namespace qkv
