// What the system can do to a training: tests/faults/faults.cpp lets single calls fail.

#include <csignal>
#include <fmt/format.h>
#include <sstream>

#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

#if defined(QKV_FAULTS)  // it cannot be loaded before the sanitizers

namespace qkv {
namespace {

namespace fs = std::filesystem;

/// Two validations, each of which improves the model.
constexpr const char* options =
    "--data data --d-model 8 --heads 2 --layers 1 --ff 16 --workers 1 --batch-size 8 --warmup 2 --steps 6 "
    "--validate-every 3 --lr 0.02";

struct FaultsSlow : testing::Test {
  FaultsSlow() { write_small_data(qkv); }

  Outcome train(const std::string& run, const std::string& more, const std::string& environment = "") const {
    return qkv.shell(fmt::format("{} \"$QKV\" train --out {} {}", environment, run, more));
  }

  /// The same with one call that fails.
  Outcome train_with(const std::string& fault, int at, const std::string& run, const std::string& more) const {
    return train(run, more, fmt::format("LD_PRELOAD={} QKV_FAULT={} QKV_FAULT_AT={}", QKV_FAULTS, fault, at));
  }

  /// How many calls a training makes that can fail.
  int calls(const std::string& run, const std::string& more) const {
    const Outcome outcome = train(run, more, fmt::format("LD_PRELOAD={} QKV_FAULT_LOG=calls", QKV_FAULTS));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    std::istringstream lines(qkv.text_of("calls"));
    int count = 0;
    for (std::string line; std::getline(lines, line);) ++count;
    return count;
  }

  /// Goes on with a run, whatever its state, by the command that the program names when it is asked to begin anew.
  void go_on(const std::string& run) const {
    const Outcome anew = train(run, options);
    if (anew.exit_code == 0) return;
    ASSERT_EQ(anew.exit_code, 1);
    const bool resume = anew.errors.find("use --resume") != std::string::npos;
    ASSERT_TRUE(resume || anew.errors.find("use --overwrite") != std::string::npos) << anew.errors;
    const Outcome outcome = resume ? train(run, "--resume") : train(run, std::string(options) + " --overwrite");
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  }

  Program qkv;
};

TEST_F(FaultsSlow, KilledBeforeAnyCallATrainingGoesOnBitForBit) {
  const int count = calls("whole", options);
  ASSERT_GT(count, 40);
  for (int at = 1; at <= count; ++at) {
    const std::string run = fmt::format("run{}", at);
    ASSERT_EQ(train_with("kill", at, run, options).exit_code, 128 + SIGKILL) << at;
    go_on(run);
    expect_same_run(qkv, "whole", run);
    ASSERT_FALSE(HasFailure()) << "killed before call " << at;
  }
}

TEST_F(FaultsSlow, KilledBeforeAnyCallAnOverwritingLeavesARunThatCanBeOverwritten) {
  ASSERT_EQ(train("whole", options).exit_code, 0);
  ASSERT_EQ(train("old", std::string(options) + " --seed 7").exit_code, 0);
  fs::copy(qkv.folder() / "old", qkv.folder() / "counted", fs::copy_options::recursive);
  const int count = calls("counted", std::string(options) + " --overwrite");
  for (int at = 1; at <= count; ++at) {
    const std::string run = fmt::format("run{}", at);
    fs::copy(qkv.folder() / "old", qkv.folder() / run, fs::copy_options::recursive);
    qkv.folder().file(run + "/notes.txt", "mine");
    ASSERT_EQ(train_with("kill", at, run, std::string(options) + " --overwrite").exit_code, 128 + SIGKILL);
    const Outcome outcome = train(run, std::string(options) + " --overwrite");
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    expect_same_run(qkv, "whole", run);
    EXPECT_EQ(qkv.text_of(run + "/notes.txt"), "mine");
    ASSERT_FALSE(HasFailure()) << "killed before call " << at;
  }
}

TEST_F(FaultsSlow, OnAFullDiskATrainingEndsWithAnErrorAndGoesOnBitForBit) {
  const int count = calls("whole", options);
  for (int at = 1; at <= count; ++at) {
    const std::string run = fmt::format("run{}", at);
    const Outcome full = train_with("full", at, run, options);
    EXPECT_EQ(full.exit_code, 1) << "call " << at;
    EXPECT_TRUE(contains(full.errors, "qkv: error: " + run)) << "the file is named";
    EXPECT_TRUE(contains(full.errors, "No space left on device"));
    if (fs::exists(qkv.folder() / run)) {
      for (const auto& entry : fs::recursive_directory_iterator(qkv.folder() / run))
        EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
    }
    go_on(run);
    expect_same_run(qkv, "whole", run);
    ASSERT_FALSE(HasFailure()) << "the disk was full at call " << at;
  }
}

TEST_F(FaultsSlow, AWriteThatWritesLessIsGoneOnWith) {
  const int count = calls("whole", options);
  for (int at = 1; at <= count; at += 3) {  // of the calls to write, each third is enough
    const std::string run = fmt::format("run{}", at);
    ASSERT_EQ(train_with("short", at, run, options).exit_code, 0);
    expect_same_run(qkv, "whole", run);
  }
}

TEST_F(FaultsSlow, AFileThatChangesWhileItIsReadIsNotUsed) {
  ASSERT_EQ(train("run", options).exit_code, 0);
  int changed = 0;
  for (int at = 1; at <= 40; ++at) {
    const Outcome outcome = qkv.shell(fmt::format(
        "LD_PRELOAD={} QKV_FAULT=changes QKV_FAULT_AT={} \"$QKV\" eval run --data data/test.csv", QKV_FAULTS, at));
    if (outcome.exit_code == 0) continue;
    EXPECT_EQ(outcome.exit_code, 1);
    changed += outcome.errors.find("the file changed while it was read") != std::string::npos ? 1 : 0;
    fs::remove_all(qkv.folder() / "run");
    write_small_data(qkv);
    ASSERT_EQ(train("run", options).exit_code, 0);
  }
  EXPECT_GE(changed, 4) << "settings, vocabularies, model and data are read";
}

TEST_F(FaultsSlow, WithoutMemoryThereIsAnErrorAndNoCrash) {
  ASSERT_EQ(train("whole", options).exit_code, 0);
  int failed = 0;
  for (int megabytes = 40; megabytes <= 400; megabytes += 10) {
    const std::string run = fmt::format("run{}", megabytes);
    const Outcome outcome = qkv.shell(fmt::format(
        "ulimit -v {}; \"$QKV\" train --data data --steps 2 --d-model 512 --ff 512 --out {}", megabytes * 1024, run));
    if (outcome.errors.find("error while loading shared libraries") != std::string::npos) continue;  // not our program
    EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << megabytes << " MB: " << outcome.exit_code;
    if (outcome.exit_code == 0) continue;
    ++failed;
    EXPECT_TRUE(contains(outcome.errors, "qkv: error: ")) << megabytes << " MB";
    EXPECT_TRUE(contains(outcome.errors, "memory")) << megabytes << " MB";
  }
  EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace qkv

#endif
