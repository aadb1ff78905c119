#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace qkv::cli {

/// Lays out `--help` for a terminal of 80 columns: one line or more for each option, with its default in brackets.
class Help : public CLI::Formatter {
 public:
  Help();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace qkv::cli
