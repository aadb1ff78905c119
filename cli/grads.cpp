#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "datasets/batches.h"
#include "datasets/csv.h"
#include "train/run_folder.h"
#include "train/safetensors.h"

namespace qkv::cli {

namespace {

struct Options {
  std::string run, data, out;
  int workers = 1;
};

void run(const Options& options) {
  const TrainedModel trained = load_run(options.run);
  const std::vector<Pair> pairs = read_pairs(options.data);
  Batches batches(EncodedPairs(pairs, trained.source, trained.target), static_cast<int>(pairs.size()),
                  Order::consecutive);
  Batch batch;
  batches.fill({}, batch);
  TrainingStep<float> step(*trained.model, options.workers);
  const auto loss = step.differentiate(batch, 0, {});
  const auto value = static_cast<float>(loss.value);
  std::vector<StoredTensor> tensors{StoredTensor::of<float>("loss", {}, std::span(&value, 1))};
  const auto& parameters = trained.model->parameters();
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto& entry = parameters.entries()[i];
    std::vector<std::int64_t> shape;
    for (int d = 0; d < entry.shape.rank(); ++d) shape.push_back(entry.shape.dim(d));
    tensors.push_back(StoredTensor::of<float>(entry.name, shape, parameters.part(step.gradient(), i)));
  }
  write_safetensors(options.out, tensors);
  fmt::print("{}: loss {:.6g} and the gradients of {} parameters over {} pairs\n", options.out, loss.value,
             parameters.entries().size(), batch.size);
}

}  // namespace

void add_grads(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* grads = app.add_subcommand("grads", "Write the gradient of the loss over a whole file");
  grads->add_option("RUN", options->run, "the run folder of a trained model")->required();
  grads->add_option("--data", options->data, "a CSV file: one batch, in file order, dropout off")
      ->required()
      ->type_name("FILE");
  grads->add_option("--out", options->out, "the safetensors file to write")->required()->type_name("FILE");
  grads->add_option("--workers", options->workers, "threads that share the sentences")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  grads->footer("Example:\n  qkv grads runs/transformer --data my.csv --out gradients.safetensors");
  grads->callback([options] { run(*options); });
}

}  // namespace qkv::cli
