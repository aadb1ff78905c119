#include "qkv/study/graph/graphviz.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

#include "qkv/datasets/visible_text.h"

extern char** environ;

namespace qkv {
namespace {

/// A file without a name, gone when it is closed: one end of a program. Unlike a pipe, none waits for the other.
class NamelessFile {
 public:
  NamelessFile() : file_(std::tmpfile(), &std::fclose) {
    if (!file_) throw std::runtime_error(fmt::format("cannot make a temporary file: {}", std::strerror(errno)));
  }

  int descriptor() const { return ::fileno(file_.get()); }

  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
      throw std::runtime_error(fmt::format("cannot write a temporary file: {}", std::strerror(errno)));
    std::rewind(file_.get());
  }

  std::string text() {
    std::rewind(file_.get());
    std::string text;
    std::array<char, 4096> buffer{};
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file_.get()))
      text.append(buffer.data(), count);
    return text;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// Starts `dot -Tsvg`, found as the shell would, without one. Returns 0, or why not.
int start(pid_t& process, const NamelessFile& input, const NamelessFile& output, const NamelessFile& errors) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  std::string program = "dot", format = "-Tsvg";
  char* const arguments[] = {program.data(), format.data(), nullptr};
  const int error = ::posix_spawnp(&process, program.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

std::string svg_of(const std::string& dot) {
  NamelessFile input, output, errors;
  input.write(dot);
  pid_t process = 0;
  if (const int error = start(process, input, output, errors); error == ENOENT)
    throw std::runtime_error(
        "an SVG is drawn by Graphviz's program dot, which is not installed; its package is called graphviz. A file "
        "that ends in .dot is written without it");
  else if (error != 0)
    throw std::runtime_error(fmt::format("Graphviz's program dot cannot be started: {}", std::strerror(error)));
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  const std::string svg = output.text();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || svg.find("</svg>") == std::string::npos)
    throw std::runtime_error(
        fmt::format("Graphviz's program dot failed and drew nothing. It says: {}", in_quotes(errors.text(), 200)));
  return svg;
}

}  // namespace qkv
