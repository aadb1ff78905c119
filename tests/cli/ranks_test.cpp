// Training started by mpirun as several processes, on this machine only.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/files/safetensors.h"
#include "tests/cli/program.h"
#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

/// `mpirun -n COUNT COMMAND` in shared memory, as root too and on fewer processors than processes.
std::string run_as(int count, const std::string& command) {
  return "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=self,vader "
         "OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_oob_tcp_if_include=lo mpirun --oversubscribe "
         "--bind-to none -n " +
         std::to_string(count) + " " + command;
}

std::string on_ranks(int count, const Arguments& arguments) {
  std::string command = "\"$QKV\"";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  return run_as(count, command);
}

double largest_difference(const std::vector<nlohmann::json>& a, const std::vector<nlohmann::json>& b,
                          const char* name) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (a[i].contains(name))
      largest = std::max(largest, std::abs(a[i][name].get<double>() - b[i].at(name).get<double>()));
  return largest;
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(ManyProcesses, LearnAsOneDoesAndLeaveTheSameFiles) {
  const Program program;
  write_small_data(program);
  const Arguments more{"--steps", "24", "--validate-every", "12", "--accumulate", "2", "--dropout", "0.2"};
  ASSERT_EQ(program(train_tiny("one", more)).exit_code, 0);
  const auto expected = metrics_of(program, "one");
  for (const int count : {2, 4}) {
    const std::string run = "run" + std::to_string(count);
    const Outcome outcome = program.shell(on_ranks(count, train_tiny(run, more)));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_EQ(count_of(outcome.output, "The model is in " + run), 1) << outcome.output;
    EXPECT_TRUE(contains(outcome.errors, std::to_string(count) + " processes with 1 worker each"));
    const auto metrics = metrics_of(program, run);
    for (const char* name : {"loss", "gradient_norm", "valid_loss"})
      EXPECT_LT(largest_difference(metrics, expected, name), 1e-4) << name;
    EXPECT_EQ(largest_difference(metrics, expected, "lr"), 0);
    for (const char* file : {"/config.json", "/source.vocab", "/target.vocab"})
      EXPECT_EQ(program.text_of(run + file), program.text_of("one" + std::string(file))) << file;
    const Outcome again = program.shell(on_ranks(count, train_tiny(run + "again", more)));
    ASSERT_EQ(again.exit_code, 0) << again.errors;
    expect_same_run(program, run, run + "again");
  }
}

TEST(ManyProcesses, SumALargeModelWhileItRunsBackward) {
  const Program program;
  write_small_data(program);
  const auto train_large = [](const std::string& run) {
    return Arguments{"train", "--data",       "data", "--out",     run, "--d-model",    "128", "--ff",
                     "1024",  "--layers",     "2",    "--workers", "1", "--batch-size", "8",   "--steps",
                     "4",     "--accumulate", "2"};
  };
  ASSERT_EQ(program(train_large("one")).exit_code, 0);
  const auto expected = metrics_of(program, "one");
  for (const int count : {2, 3}) {
    const std::string run = "run" + std::to_string(count);
    const Outcome outcome = program.shell(on_ranks(count, train_large(run)));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_TRUE(contains(outcome.errors, "transformer: 1457164 parameters")) << "in six parts: " << outcome.errors;
    for (const char* name : {"loss", "gradient_norm", "valid_loss"})
      EXPECT_LT(largest_difference(metrics_of(program, run), expected, name), 1e-4) << name;
  }
}

TEST(ManyProcesses, GoOnInAnotherNumber) {
  const Program program;
  write_small_data(program);
  ASSERT_EQ(program(train_tiny("whole", {"--steps", "20", "--schedule", "constant"})).exit_code, 0);
  ASSERT_EQ(program.shell(on_ranks(2, train_tiny("run", {"--steps", "7", "--schedule", "constant"}))).exit_code, 0);
  const Arguments on{"train", "--resume", "--out", "run", "--steps"};
  const auto until = [&](const char* step) {
    Arguments arguments = on;
    arguments.emplace_back(step);
    return arguments;
  };
  ASSERT_EQ(program.shell(on_ranks(4, until("13"))).exit_code, 0);
  ASSERT_EQ(program(until("20")).exit_code, 0);
  const auto losses = [&](const std::string& run) {
    std::vector<nlohmann::json> lines;
    for (const nlohmann::json& line : metrics_of(program, run))
      if (line.contains("loss")) lines.push_back(line);
    return lines;
  };
  EXPECT_LT(largest_difference(losses("run"), losses("whole"), "loss"), 1e-4);
}

TEST(ManyProcesses, SaveWhatThereIsWhenOneIsKilled) {
  const Program program;
  write_small_data(program);
  const Outcome outcome =
      program.shell("OMPI_MCA_odls_base_sigkill_timeout=5 " +  // a second is short while other tests are busy
                    on_ranks(3, train_tiny("run", {"--steps", "1000000", "--validate-every", "1000000"})) +
                    " & mpirun=$!; until [ -s run/metrics.jsonl ]; do sleep 0.1; done; sleep 0.5; "
                    "read -ra children < /proc/$mpirun/task/$mpirun/children; kill -9 ${children[-1]}; wait $mpirun");
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_EQ(count_of(outcome.errors, "qkv: error:"), 1) << outcome.errors;
  EXPECT_TRUE(
      contains(outcome.errors, "qkv: error: another process of the training no longer answers; the checkpoint is"));
  EXPECT_TRUE(contains(outcome.errors, "To go on, with as many processes as you like: qkv train --resume --out run"));
  const std::size_t steps = metrics_of(program, "run").size();
  ASSERT_GT(steps, 0u);
  const Arguments on{"train", "--resume", "--out", "run", "--steps", std::to_string(steps + 5)};
  const Outcome resumed = program.shell(on_ranks(2, on));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_TRUE(contains(resumed.errors, "going on after step " + std::to_string(steps)));
  std::int64_t expected = 0;
  for (const nlohmann::json& line : metrics_of(program, "run"))
    if (line.contains("loss")) {
      EXPECT_EQ(line["step"], ++expected);
    }
  EXPECT_EQ(expected, static_cast<std::int64_t>(steps) + 5);
}

TEST(ManyProcesses, SayWhatIsWrongOnce) {
  const Program program;
  write_small_data(program);
  const auto errors_of = [&](const Arguments& arguments) {
    const Outcome outcome = program.shell(on_ranks(3, arguments));
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_EQ(count_of(outcome.errors, "qkv: error:"), 1) << outcome.errors;
    return outcome.errors;
  };
  EXPECT_TRUE(contains(errors_of({"train", "--data", "nowhere", "--out", "run"}), "there is no folder nowhere"));
  ASSERT_EQ(program(train_tiny("run", {"--steps", "2"})).exit_code, 0);
  EXPECT_TRUE(contains(errors_of(train_tiny("run")), "--overwrite"));
  const std::string path = program.folder() / "run/last/checkpoint.safetensors";
  const auto checkpoint = SafetensorsFile::read(path);
  std::vector<StoredTensor> tensors = checkpoint.tensors();
  const std::vector<float> huge(checkpoint.tensor("generator.weight").count(), 3e38F);
  for (StoredTensor& tensor : tensors)
    if (tensor.name == "generator.weight") tensor = StoredTensor::of<float>(tensor.name, tensor.shape, huge);
  write_safetensors(path, tensors, checkpoint.metadata());
  const std::string errors = errors_of({"train", "--resume", "--out", "run", "--steps", "4"});
  EXPECT_TRUE(contains(errors, "qkv: error: step 3: the loss is "));
  EXPECT_TRUE(contains(errors, "a smaller --lr, a longer --warmup or --clip may help"));
  const Outcome unlike = program.shell(
      "head -9 data/train.csv > 0.csv; head -17 data/train.csv > 1.csv; " +
      run_as(2, "bash -c '\"$QKV\" train --train $OMPI_COMM_WORLD_RANK.csv --out unlike --steps 3 --warmup 2'"));
  EXPECT_NE(unlike.exit_code, 0);
  EXPECT_EQ(count_of(unlike.errors, "qkv: error:"), 1) << unlike.errors;
  EXPECT_TRUE(contains(unlike.errors, "differs between the processes that train together"));
}

TEST(ManyProcesses, LearnAModelOfOnesOwn) {
  const Program program;
  const Outcome one = program.shell("'" QKV_MANY_PROCESSES "'");
  ASSERT_EQ(one.exit_code, 0) << one.errors;
  EXPECT_TRUE(contains(one.output, "one process with the same parameters"));
  for (const int count : {2, 4}) {
    const Outcome several = program.shell(run_as(count, "'" QKV_MANY_PROCESSES "'"));
    ASSERT_EQ(several.exit_code, 0) << several.errors;
    EXPECT_EQ(several.output.substr(0, several.output.find("all processes")),
              one.output.substr(0, one.output.find("one process")));
  }
}

}  // namespace
}  // namespace qkv
