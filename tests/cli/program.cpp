#include "tests/cli/program.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <pty.h>
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

/// In the child: becomes the program in this folder.
[[noreturn]] void become(const TemporaryFolder& folder, Arguments& arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  if (::chdir(folder.path().c_str()) == 0) ::execv(pointers.front(), pointers.data());
  ::_exit(127);
}

int exit_code_of(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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

Outcome Program::on(const Terminal& terminal, const Arguments& arguments) const {
  Arguments all = arguments;
  all.insert(all.begin(), QKV_PROGRAM);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(terminal.columns);
  int screen = -1;
  const pid_t process = ::forkpty(&screen, nullptr, nullptr, &size);
  if (process < 0) throw std::runtime_error("no terminal can be opened");
  if (process == 0) {
    for (const char* name : {"COLUMNS", "NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG"}) ::unsetenv(name);
    for (const auto& [name, value] : terminal.environment) ::setenv(name.c_str(), value.c_str(), 1);
    become(folder_, all);
  }
  std::string shown;
  char part[4096];
  ssize_t size_of_part = 0;
  while ((size_of_part = ::read(screen, part, sizeof part)) > 0)  // it fails when nobody has the terminal any more
    shown.append(part, static_cast<std::size_t>(size_of_part));
  ::close(screen);
  return {exit_code_of(process), shown, ""};
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
  const pid_t process = ::fork();
  if (process < 0) throw std::runtime_error("no process can be started");
  if (process == 0) {
    redirect(STDIN_FILENO, folder_ / ".input", O_RDONLY);
    redirect(STDOUT_FILENO, folder_ / ".output", O_WRONLY | O_APPEND);
    redirect(STDERR_FILENO, folder_ / ".errors", O_WRONLY | O_APPEND);
    become(folder_, arguments);
  }
  return process;
}

Outcome Program::finish(pid_t process) const {
  return {exit_code_of(process), read_file(folder_ / ".output"), read_file(folder_ / ".errors")};
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
