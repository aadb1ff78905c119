#pragma once

#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>

namespace qkv::cli {

/// Wrong usage that only a command itself can find out; ends the program with exit code 2.
struct WrongUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Each adds its subcommand, which runs when it is parsed.
void add_data(CLI::App& app);
void add_train(CLI::App& app);
void add_translate(CLI::App& app);
void add_eval(CLI::App& app);
void add_explain(CLI::App& app);
void add_gradcheck(CLI::App& app);
void add_grads(CLI::App& app);
void add_graph(CLI::App& app);
void add_report(CLI::App& app);
void add_bench(CLI::App& app);
void add_compare(CLI::App& app);

/// Adds `check` to the subcommand data.
void add_data_check(CLI::App& data);

}  // namespace qkv::cli
