// Trainings that are interrupted at random moments and gone on with, again and again, end as if nothing had happened.
// How often: QKV_INTERRUPTIONS for each kind of signal and configuration, 2 unless it is set (docs/reliability.md).

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <random>

#include "tests/cli/runs.h"
#include "tests/cli/small_data.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

struct Configuration {
  const char* model;
  int width;
  int workers;

  Arguments train(const std::string& run) const {
    Arguments arguments{"train",
                        "--data",
                        "data",
                        "--out",
                        run,
                        "--model",
                        model,
                        "--workers",
                        fmt::to_string(workers),
                        "--dropout",
                        "0.1",
                        "--batch-size",
                        "32",
                        "--epochs",
                        "4",
                        "--validate-every",
                        "10"};
    const std::string size = fmt::to_string(width);
    const Arguments sizes = std::string_view(model) == "transformer"
                                ? Arguments{"--d-model", size, "--layers", "1", "--ff", size}
                                : Arguments{"--hidden", size, "--embedding", size};
    arguments.insert(arguments.end(), sizes.begin(), sizes.end());
    return arguments;
  }
};

/// For the names of the tests.
void PrintTo(const Configuration& c, std::ostream* out) { *out << c.model << " " << c.width << " " << c.workers; }

class InterruptionSlow : public testing::TestWithParam<Configuration> {
 protected:
  static int interruptions() {
    const char* given = std::getenv("QKV_INTERRUPTIONS");
    return given == nullptr ? 2 : std::atoi(given);
  }

  /// The command that goes on with a run that was interrupted, whatever state that left it in.
  Arguments going_on(const std::string& run) const {
    const fs::path folder = qkv.folder() / run;
    if (fs::exists(folder / "last/checkpoint.safetensors")) return {"train", "--resume", "--out", run};
    Arguments anew = GetParam().train(run);
    if (fs::exists(folder / "config.json")) anew.push_back("--overwrite");
    return anew;
  }

  /// Interrupts trainings until `interruptions()` of them were hit while they ran.
  void interrupt(std::initializer_list<int> signals) {
    write_small_data(qkv, 256, 48, 48);
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(qkv(GetParam().train("whole")).exit_code, 0);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::mt19937 random(std::random_device{}());
    std::uniform_real_distribution<double> moment(0, seconds);
    int hits = 0;
    for (int run = 0; hits < interruptions(); ++run) {
      const std::string name = fmt::format("run{}", run);
      for (bool is_done = false; !is_done && hits < interruptions();) {
        const int signal = std::data(signals)[random() % signals.size()];
        const double after = moment(random);
        const Outcome outcome = qkv.interrupted_after(going_on(name), after, signal);
        const auto context = [&] { return fmt::format("signal {} after {} s: {}", signal, after, outcome.errors); };
        is_done = outcome.exit_code == 0;
        hits += is_done ? 0 : 1;
        // Before it is ready to be stopped it has written nothing, and ends as any program.
        const bool is_killed =
            outcome.exit_code == 128 + signal && outcome.errors.find("Stopping") == std::string::npos;
        const bool is_stopped =
            outcome.exit_code == 1 && outcome.errors.find("nothing is lost. To go on: qkv train") != std::string::npos;
        ASSERT_TRUE(is_done || is_killed || (is_stopped && signal != SIGKILL)) << context();
        if (is_stopped) {
          ASSERT_TRUE(fs::exists(qkv.folder() / (name + "/last/checkpoint.safetensors"))) << context();
        }
        if (fs::exists(qkv.folder() / (name + "/model.safetensors"))) {
          const Outcome translated = qkv({"translate", name, "하나 둘"});
          ASSERT_EQ(translated.exit_code, 0) << translated.errors;
        }
      }
      const Outcome finished = qkv(going_on(name));
      ASSERT_EQ(finished.exit_code, 0) << finished.errors;
      expect_same_run(qkv, "whole", name);
      for (const auto& entry : fs::recursive_directory_iterator(qkv.folder() / name))
        EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
      if (HasFailure()) return;
    }
    RecordProperty("interruptions", hits);
  }

  Program qkv;
};

TEST_P(InterruptionSlow, AStoppedTrainingGoesOnBitForBit) { interrupt({SIGINT, SIGTERM, SIGHUP}); }

TEST_P(InterruptionSlow, AKilledTrainingGoesOnBitForBit) { interrupt({SIGKILL}); }

INSTANTIATE_TEST_SUITE_P(Models, InterruptionSlow,
                         testing::Values(Configuration{"transformer", 64, 1}, Configuration{"transformer", 128, 2},
                                         Configuration{"transformer", 256, 1}, Configuration{"rnn", 64, 2},
                                         Configuration{"rnn", 128, 1}, Configuration{"rnn", 256, 2},
                                         Configuration{"rnn-attention", 64, 1}, Configuration{"rnn-attention", 128, 2},
                                         Configuration{"rnn-attention", 256, 1}),
                         [](const auto& configuration) {
                           std::string name = configuration.param.model;
                           std::erase(name, '-');
                           return fmt::format("{}{}", name, configuration.param.width);
                         });

}  // namespace
}  // namespace qkv
