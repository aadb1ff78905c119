#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/autograd/gemm.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/translation/version.h"

namespace {

using qkv::cli::tell;

int report(const std::string& message, int exit_code) {
  tell(fmt::format("qkv: error: {}\n", qkv::visible(qkv::cli::with_options(message))));
  return exit_code;
}

/// The exit code of a program that has written all that it had to, or could not.
int end_of_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  return report("the results could not be written to standard output", 1);
}

/// If the program was started with a standard stream closed, the next file it opens would take the stream's number, and
/// what is printed would end up in that file. So the number is taken by a file that nothing can be written to.
void occupy_closed_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) == -1 && ::open("/dev/null", O_RDONLY) == -1) std::_Exit(1);
}

/// The arguments in the order in which CLI11 takes them, the last first. It would read a sentence "[하나, 둘]" as a
/// list of two; with a space behind the bracket it is one, of the same words. add_path takes the space away again.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> reversed(std::make_reverse_iterator(argv + argc), std::make_reverse_iterator(argv + 1));
  for (std::string& argument : reversed)
    if (argument.starts_with('[') && argument.ends_with(']')) argument += ' ';
  return reversed;
}

/// CLI11 would take the next argument for the value of "--out=", which a script types whose variable is not set.
void refuse_missing_values(int argc, char** argv) {
  for (int i = 1; i < argc && argv[i] != std::string_view("--"); ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.ends_with('='))
      throw CLI::ValidationError(fmt::format("{} is followed by nothing; is a variable not set?", argument));
  }
}

/// The command whose line is being read, as it is typed.
std::string command_in(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app.get_name() : app.get_name() + " " + command_in(*chosen.front());
}

/// "; the nearest is NAME", where one of the names is near to what was typed.
std::string such_as(const std::string& typed, const std::vector<std::string>& names) {
  const auto nearest = qkv::nearest_word(typed, names);
  return nearest ? fmt::format("; the nearest is {}", names[*nearest]) : "";
}

/// Says so if the argument, which begins as options do, is no option of the command.
std::string unknown_option(const CLI::App& command, const std::string& argument) {
  const std::string typed = argument.substr(0, argument.find('='));
  if (command.get_option_no_throw(typed) != nullptr) return "";
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return fmt::format("option {}{}", qkv::in_quotes(argument), such_as(typed, names));
}

/// What is no command, or no option, where one must stand, or no option of the command: "data klingon", "--versoin".
/// Empty if there is nothing.
std::string unknown(const CLI::App& app, int argc, char** argv) {
  std::string command;
  for (const CLI::App* at = &app; argc > 1; --argc, ++argv) {
    const std::string argument = argv[1];
    const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty()) {
      if (argument == "--") return "";
      if (!argument.starts_with("--")) continue;
      if (const std::string what = unknown_option(*at, argument); !what.empty())
        return fmt::format("{} (see qkv {} --help)", what, command);
      continue;
    }
    if (argument.starts_with('-')) {
      const std::string what = unknown_option(*at, argument);
      return what.empty() ? "" : what + " (see qkv --help)";
    }
    command += (command.empty() ? "" : " ") + argument;
    const auto known =
        std::find_if(commands.begin(), commands.end(), [&](const CLI::App* one) { return one->check_name(argument); });
    if (known == commands.end()) {
      std::vector<std::string> names;
      for (const CLI::App* one : commands) names.push_back(one->get_name());
      return fmt::format("command {}{} (see qkv --help)", qkv::in_quotes(command), such_as(argument, names));
    }
    at = *known;
  }
  return "";
}

/// Parses the arguments, which runs the command, and returns the exit code.
int run(CLI::App& app, int argc, char** argv) {
  try {
    refuse_missing_values(argc, argv);
    app.parse(arguments(argc, argv));
  } catch (const CLI::RuntimeError& error) {  // a failure of which enough was said
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report(fmt::format("{} (see {} --help)", error.what(), command_in(app)), 2);
    std::ostringstream text;
    app.exit(error, text, text);  // --help or --version
    qkv::cli::print_lines(text.str());
  }
  return end_of_output();
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows beyond its limit is an error like a full disk, and has a message
  qkv::use_one_thread_per_product();
  CLI::App app{"Attention to train, differentiate and look at.", "qkv"};
  app.formatter(std::make_shared<qkv::cli::Help>());
  app.set_version_flag("--version", fmt::format("qkv {}", qkv::version), "Print the version and exit");
  app.require_subcommand(1);
  app.footer(
      "Example:\n"
      "  qkv data korean-english --out data/korean-english\n"
      "  qkv train --data data/korean-english --out runs/transformer\n"
      "Each command has a --help of its own.");
  qkv::cli::add_data(app);
  qkv::cli::add_train(app);
  qkv::cli::add_translate(app);
  qkv::cli::add_eval(app);
  qkv::cli::add_explain(app);
  qkv::cli::add_gradcheck(app);
  qkv::cli::add_grads(app);
  qkv::cli::add_graph(app);
  qkv::cli::add_report(app);
  qkv::cli::add_bench(app);
  qkv::cli::add_compare(app);
  if (argc == 1) {
    tell(app.help());
    return 2;
  }
  if (const std::string what = unknown(app, argc, argv); !what.empty()) return report("there is no " + what, 2);
  try {
    return run(app, argc, argv);
  } catch (const qkv::cli::WrongUsage& error) {
    return report(error.what(), 2);
  } catch (const std::filesystem::filesystem_error& error) {
    return report(fmt::format("{}: {}", error.path1().string(), error.code().message()), 1);
  } catch (const std::bad_alloc&) {
    return report("there is not enough memory for this", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}
