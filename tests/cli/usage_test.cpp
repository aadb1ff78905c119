// What holds for every command: help, exit codes, where errors go.

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <sstream>

#include "qkv/datasets/text.h"
#include "qkv/translation/training_config.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

struct Usage : testing::Test {
  Program qkv;
};

const std::vector<Arguments> commands{{"data"},          {"data", "korean-english"},
                                      {"data", "dates"}, {"train"},
                                      {"translate"},     {"eval"},
                                      {"gradcheck"},     {"grads"},
                                      {"report"},        {"bench"}};

TEST_F(Usage, EveryCommandHasHelpWithAnExampleOnEightyColumns) {
  for (Arguments command : commands) {
    const std::string name = fmt::format("qkv {}", fmt::join(command, " "));
    command.push_back("--help");
    const Outcome help = qkv(command);
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.errors, "");
    const std::size_t examples = help.output.find("Example");
    ASSERT_NE(examples, std::string::npos) << name;
    EXPECT_TRUE(contains(help.output.substr(examples), "\n  " + name + " ")) << "an example of itself";
    std::istringstream lines(help.output);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80) << name << ": " << line;
  }
}

TEST_F(Usage, HelpListsTheCommandsThatThereAre) {
  const Outcome help = qkv({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"data", "train", "translate", "eval", "gradcheck", "grads", "report", "bench"})
    EXPECT_TRUE(contains(help.output, fmt::format("\n  {} ", command)));
}

TEST_F(Usage, TheVersionIsTold) {
  const Outcome outcome = qkv({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(matches(outcome.output, "qkv [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(Usage, WithoutACommandTheHelpIsShownAsAnError) {
  const Outcome outcome = qkv({});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(contains(outcome.errors, "Usage: qkv"));
}

TEST_F(Usage, WhatIsNotThereIsRefused) {
  for (const auto& [command, hint] : {std::pair("tranlsate", "; the nearest is translate"),
                                      std::pair("Train", "; the nearest is train"), std::pair("", "")}) {
    const Outcome outcome = qkv({command, "run"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.errors,
              fmt::format("qkv: error: there is no command \"{}\"{} (see qkv --help)\n", command, hint));
  }
  for (Arguments command : commands) {
    if (command == Arguments{"data"}) continue;
    const std::string name = fmt::format("qkv {}", fmt::join(command, " "));
    command.push_back("--no-such-option");
    if (command.front() != "bench") command.insert(command.end(), {"a", "--out", "a"});
    const Outcome outcome = qkv(command);
    EXPECT_EQ(outcome.exit_code, 2) << name;
    EXPECT_EQ(outcome.output, "");
    EXPECT_TRUE(starts_with(outcome.errors, "qkv: error: ")) << name;
    EXPECT_TRUE(contains(outcome.errors, "--no-such-option")) << name;
    EXPECT_TRUE(contains(outcome.errors, fmt::format("(see {} --help)", name)));
  }
}

TEST_F(Usage, WhatIsMissingIsNamed) {
  EXPECT_TRUE(contains(qkv({"train", "--data", "data"}).errors, "--out is required"));
  EXPECT_TRUE(contains(qkv({"translate"}).errors, "RUN is required"));
  EXPECT_TRUE(contains(qkv({"eval", "run"}).errors, "--data is required"));
  EXPECT_EQ(qkv({"data"}).exit_code, 2);
}

/// The option that stands for a setting in --help.
std::string option_for(std::string setting) {
  if (setting == "shuffle") return "--no-shuffle";
  std::replace(setting.begin(), setting.end(), '_', '-');
  return "--" + setting;
}

TEST_F(Usage, EverySettingIsAnOptionOfTrainWithItsDefault) {
  const Outcome help = qkv({"train", "--help"});
  const TrainingConfig defaults;
  for_each_setting_of_any_model([&](const std::string& name, const auto&, const Setting&) {
    EXPECT_TRUE(contains(help.output, "\n  " + option_for(name) + " ")) << name;
  });
  EXPECT_TRUE(contains(help.output, fmt::format("[{}]", defaults.batch_size)));
  EXPECT_TRUE(contains(help.output, "--norm post|pre"));
}

TEST_F(Usage, HelpGroupsTheSettingsByTheModelsThatUseThem) {
  const std::string help = qkv({"train", "--help"}).output;
  const auto group_of = [&](const std::string& option) {
    std::string group;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.front() != ' ' && line.ends_with(':')) group = line.substr(0, line.size() - 1);
      if (line.starts_with("  " + option + " ")) return group;
    }
    return std::string("none");
  };
  const std::set<std::string> of_every_model{"Model", "Data", "Training"};
  for_each_setting_of_any_model([&](const std::string& name, const auto&, const Setting&) {
    const std::string group = group_of(option_for(name));
    if (models_with(name).size() == models().size())
      EXPECT_TRUE(of_every_model.contains(group)) << name << " in " << group;
    else
      EXPECT_EQ(group, fmt::format("Only for --model {}", fmt::join(models_with(name), " and --model "))) << name;
  });
}

TEST_F(Usage, HelpTellsWhereAModelBeginsOtherwise) {
  const std::string help = qkv({"train", "--help"}).output;
  EXPECT_TRUE(matches(help, "[^]*--lr X[^-]*; 0.003 for rnn\\s+and\\s+rnn-attention \\[0.002\\][^]*"));
  EXPECT_TRUE(matches(help, "[^]*--dropout X[^-]*; 0 for rnn and\\s+rnn-attention\\s+\\[0.1\\][^]*"));
}

TEST_F(Usage, ResultsThatCannotBeWrittenAreAFailure) {
  write_initial_run(qkv);
  for (const std::string command : {"gradcheck sum", "eval run --data data/test.csv", "translate run 하나", "--help",
                                    "--version", "train --help", "data korean-english --help"}) {
    const Outcome full = qkv.shell("\"$QKV\" " + command + " >/dev/full");
    EXPECT_EQ(full.exit_code, 1) << command;
    EXPECT_TRUE(contains(full.errors, "standard output"));
    const Outcome closed = qkv.shell("\"$QKV\" " + command + " >&-");
    EXPECT_EQ(closed.exit_code, 1) << command;
    EXPECT_TRUE(contains(closed.errors, "standard output"));
  }
}

TEST_F(Usage, AReaderThatGoesAwayIsNoCrash) {
  const Outcome outcome = qkv.shell("\"$QKV\" gradcheck | head -n 1; echo ${PIPESTATUS[0]}");
  EXPECT_EQ(outcome.errors, "");
  EXPECT_TRUE(matches(outcome.output, "name.*\n(0|141)\n"));  // 141: ended by SIGPIPE, as most programs
}

TEST_F(Usage, ClosedStandardErrorEndsUpInNoFile) {
  write_small_data(qkv);
  const Outcome outcome =
      qkv.shell("\"$QKV\" train --data data --out run --d-model 8 --heads 1 --layers 1 --ff 8 --steps 3 2>&-");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(contains(qkv.text_of("run/metrics.jsonl"), "validation"));
  EXPECT_EQ(qkv.shell("\"$QKV\" translate run 모름 2>&-").exit_code, 0) << "the warning has nowhere to go";
  EXPECT_EQ(qkv.shell("\"$QKV\" nonsense 2>&-").exit_code, 2);
}

}  // namespace
}  // namespace qkv
