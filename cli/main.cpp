#include <fmt/format.h>

#include <cstdio>

#include "autograd/gemm.h"
#include "cli/commands.h"
#include "train/version.h"

namespace {

int report(const std::string& message, int exit_code) {
  fmt::print(stderr, "qkv: error: {}\n", message);
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  qkv::use_one_thread_per_product();
  CLI::App app{"Attention to train, differentiate and look at.", "qkv"};
  app.set_version_flag("--version", fmt::format("qkv {}", qkv::version));
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  qkv::cli::add_data(app);
  qkv::cli::add_train(app);
  qkv::cli::add_translate(app);
  qkv::cli::add_eval(app);
  qkv::cli::add_gradcheck(app);
  qkv::cli::add_grads(app);
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    return 2;
  }
  try {
    app.parse(argc, argv);
    return std::fflush(stdout) == 0 ? 0 : report("the results could not be written to standard output", 1);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report(fmt::format("{} (see qkv --help)", error.what()), 2);
  } catch (const qkv::cli::WrongUsage& error) {
    return report(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return report("there is not enough memory for this", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}
