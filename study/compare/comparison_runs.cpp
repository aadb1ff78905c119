#include "qkv/study/compare/comparison_runs.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "qkv/files/safetensors.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

/// "epochs 4 instead of 8, hidden 16 instead of 20": the settings in which a run is not what is planned.
std::string differences(const TrainingConfig& found, const TrainingConfig& planned) {
  const nlohmann::ordered_json is = to_json(found), should_be = to_json(planned);
  std::string text;
  for (const auto& [name, value] : should_be.items()) {
    if (name == "qkv" || name == "data" || name == "workers" || is[name] == value) continue;
    text += fmt::format("{}{} {} instead of {}", text.empty() ? "" : ", ", name, is[name].dump(), value.dump());
  }
  return text;
}

/// What checkpoints of trainings on this data hold.
using DataHashes = std::map<std::string, std::string>;

/// Throws unless the checkpoint was trained on these sentences.
void check_data(const RunFolder& folder, const DataHashes& data) {
  const SafetensorsFile checkpoint = SafetensorsFile::read(folder.checkpoint());
  const auto fits = [&](const auto& hash) {
    const auto found = checkpoint.metadata().find(hash.first);
    return found != checkpoint.metadata().end() && found->second == hash.second;
  };
  if (!std::all_of(data.begin(), data.end(), fits))
    throw std::runtime_error(
        fmt::format("{} was trained on other sentences than are in `data` now; give the data that it was trained on, "
                    "or another `out`",
                    folder.path.string()));
}

ComparedRun::State state_of(const RunFolder& folder, const TrainingConfig& planned, const DataHashes& data) {
  const RunFolder::State state = folder.state();
  if (state == RunFolder::State::empty) return ComparedRun::State::absent;
  if (state == RunFolder::State::foreign)
    throw std::runtime_error(fmt::format("{} is not used, because it exists and is no run of qkv; choose another `out`",
                                         folder.path.string()));
  if (state == RunFolder::State::resumable) check_data(folder, data);
  const std::string different = differences(read_settings_file(folder.config()).config, planned);
  if (!different.empty())
    throw std::runtime_error(
        fmt::format("{} was made with {}; compare with the options that it was made with, or choose another `out`",
                    folder.path.string(), different));
  const bool is_finished = state == RunFolder::State::resumable && fs::exists(folder.test());
  return is_finished ? ComparedRun::State::finished : ComparedRun::State::unfinished;
}

/// Throws if the folder holds anything and no comparison.
void check_folder(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status))
    throw std::runtime_error(fmt::format("`out` {} is a file; `out` names the folder of the comparison", out.string()));
  if (fs::is_directory(out / "runs")) {
    for (const char* name : {"compare.json", "compare.csv"})
      if (fs::exists(out / name) && !fs::is_regular_file(out / name))
        throw std::runtime_error(
            fmt::format("{}: this is no ordinary file, which is to be written", (out / name).string()));
    return;
  }
  if (!fs::is_empty(out))
    throw std::runtime_error(
        fmt::format("{} is not used, because it exists and holds no comparison; choose another `out`", out.string()));
}

}  // namespace

std::vector<ComparedRun> runs_of(const std::vector<ComparedModel>& models, const std::vector<std::uint64_t>& seeds,
                                 const TrainingData& data, const std::string& out) {
  check_folder(out);
  const DataHashes hashes{{"data_hash", std::to_string(hash_of(data.train))},
                          {"valid_hash", std::to_string(hash_of(data.valid))}};
  std::vector<ComparedRun> runs;
  for (const std::uint64_t seed : seeds)
    for (std::size_t i = 0; i < models.size(); ++i) {
      ComparedRun& run = runs.emplace_back();
      run.model = i;
      run.config = models[i].config;
      run.config.seed = seed;
      run.folder = {fs::path(out) / "runs" / models[i].run_name(seed)};
      run.state = state_of(run.folder, run.config, hashes);
    }
  return runs;
}

const ComparedRun* train_runs(std::vector<ComparedRun>& runs, const TrainingData& data,
                              const std::function<void(const ComparedRun&, std::size_t number)>& begins,
                              const TrainingObserver& observer, const StopFlag& stop) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ComparedRun& run = runs[i];
    if (run.state == ComparedRun::State::finished) continue;
    if (stop) return &run;
    begins(run, i + 1);
    TrainingConfig config = run.config;
    const bool goes_on = fs::exists(run.folder.checkpoint());
    // Another number of workers rounds otherwise: what began with one goes on with it.
    if (goes_on) config.workers = read_settings_file(run.folder.config()).config.workers;
    const RunStart start = goes_on                                       ? RunStart::resume
                           : run.state == ComparedRun::State::unfinished ? RunStart::overwrite
                                                                         : RunStart::anew;
    if (train(config, data, run.folder, start, observer, stop).interrupted) return &run;
    run.state = ComparedRun::State::finished;
  }
  return nullptr;
}

}  // namespace qkv
