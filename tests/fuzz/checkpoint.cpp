// A run of a tiny model in which one file is replaced: the first byte of the input says which one, the rest is the
// file. What is loaded is finite, and is saved and loaded again as the same numbers.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "qkv/files/durable_file.h"
#include "qkv/train/adam.h"
#include "qkv/translation/metrics_log.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/saved_model.h"
#include "tests/fuzz/fuzz.h"

using namespace qkv;

namespace {

/// The run, with all files as they should be.
struct TinyRun {
  RunFolder folder{std::filesystem::path(fuzz_folder()) / "run"};
  std::vector<std::string> paths{
      folder.model(),  folder.checkpoint(), folder.config(), folder.source_vocabulary(), folder.target_vocabulary(),
      folder.metrics()};
  std::vector<std::string> intact;

  TinyRun() {
    TrainingConfig config;
    config.model = RnnConfig{.embedding = 2, .hidden = 2, .cell = CellKind::elman, .attention = {}};
    config.workers = 1;
    const std::vector<Pair> pairs{{{"a", "b"}, {"c"}, {}}};
    const Vocabulary source(pairs, &Pair::source), target(pairs, &Pair::target);
    const auto model = make_model<float>(model_for(config, source.size(), target.size()));
    model->parameters().initialise(1);
    folder.create(false);
    write_input(folder.config(), to_json(config).dump(2));
    write_input(folder.metrics(), "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\n");
    source.save(folder.source_vocabulary());
    target.save(folder.target_vocabulary());
    save_model(folder.model(), *model, AlignmentReading{0, 0, 1});
    Adam<float> adam(model->parameters());
    adam.set_steps(2);
    save_checkpoint(folder.checkpoint(), *model, adam, {});
    for (const std::string& path : paths) intact.push_back(read_file(path));
  }
};

bool same(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) { return x == y; });
}

void read(const RunFolder& folder) {
  TrainedModel trained = load_run(folder.path.string());
  const std::span<float> values = trained.model->parameters().values();
  for (const float value : values) require(std::isfinite(value), "parameters are finite");
  const std::string copy = fuzz_folder() + "/copy.safetensors";
  save_model(copy, *trained.model, trained.alignment);
  const std::vector<float> as_read(values.begin(), values.end());
  load(copy, trained.model->parameters());
  require(same(as_read, values), "a model is read back");

  Adam<float> adam(trained.model->parameters()), again(trained.model->parameters());
  const TrainingState state = load_checkpoint(folder.checkpoint(), *trained.model, adam);
  require(adam.steps() >= 0 && state.best.validations_without_improvement >= 0 && std::isfinite(state.best.bleu) &&
              std::isfinite(state.best.loss),
          "a checkpoint's numbers are in range");
  for (const float square : adam.memory()[1].block.span()) require(square >= 0, "a mean of squares is not negative");
  save_checkpoint(copy, *trained.model, adam, state);
  const TrainingState read = load_checkpoint(copy, *trained.model, again);
  require(again.steps() == adam.steps() && read.position == state.position && read.best.bleu == state.best.bleu &&
              read.best.loss == state.best.loss && read.best.keep == state.best.keep &&
              read.data_hash == state.data_hash && read.valid_hash == state.valid_hash &&
              read.validation_is_due == state.validation_is_due &&
              read.best.validations_without_improvement == state.best.validations_without_improvement,
          "a checkpoint's numbers are read back");
  require(same(again.memory()[0].block.span(), adam.memory()[0].block.span()) &&
              same(again.memory()[1].block.span(), adam.memory()[1].block.span()),
          "moments are read back");
  MetricsLog(folder.metrics(), 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TinyRun run;
  if (size == 0) return 0;
  const std::size_t file = data[0] % run.paths.size();
  write_input(run.paths[file], text_of(data + 1, size - 1));
  accepts(run.folder.path.string(), [] { read(run.folder); });
  write_input(run.paths[file], run.intact[file]);
  write_input(run.folder.metrics(), run.intact.back());
  return 0;
}
