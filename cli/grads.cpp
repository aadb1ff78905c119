#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "qkv/datasets/batches.h"
#include "qkv/datasets/csv.h"
#include "qkv/datasets/tokenised_pairs.h"
#include "qkv/datasets/visible_text.h"
#include "qkv/files/message.h"
#include "qkv/files/safetensors.h"
#include "qkv/train/learner.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/saved_model.h"

namespace qkv::cli {
namespace {

struct GradsArguments {
  std::string run, data, out;
  int workers = 1;
  bool overwrite = false;
};

/// What tells a file of gradients from a model.
const std::pair<const std::string, std::string> mark{"qkv", "gradients"};

/// Throws if a file is there that this command did not write.
void check_replaceable(const std::string& path) {
  if (!std::filesystem::exists(path) || !std::filesystem::is_regular_file(path)) return;
  try {
    const SafetensorsFile file = SafetensorsFile::read(path);
    const auto found = file.metadata().find(mark.first);
    if (found != file.metadata().end() && found->second == mark.second) return;
  } catch (const std::runtime_error&) {  // somebody's file of another kind
  }
  throw std::runtime_error(fmt::format(
      "{} exists already and holds no gradients that qkv grads wrote; choose another --out, or give --overwrite",
      path));
}

/// About how many words, padding among them, are differentiated at once, so that a long file takes no more memory.
constexpr std::size_t words_at_once = 8192;

/// The loss over all pairs and its gradient: those of batches, each divided by the words of all of them, added up in
/// double.
struct Gradient {
  double loss = 0;
  std::vector<double> values;  ///< in the layout of the parameters
};

Gradient gradient_over(TrainedModel& trained, const std::vector<Pair>& pairs, int workers) {
  std::size_t longest = 0;
  std::int64_t target_tokens = 0;
  for (const Pair& pair : pairs) {
    longest = std::max({longest, pair.source.size() + 1, pair.target.size() + 1});
    target_tokens += static_cast<std::int64_t>(pair.target.size()) + 1;
  }
  const std::size_t size = std::clamp<std::size_t>(words_at_once / longest, 1, pairs.size());
  Batches batches(EncodedPairs(pairs, trained.source, trained.target), static_cast<int>(size), Order::consecutive);
  Learner<float> learner(trained.model->parameters(), {.workers = workers, .training = false});
  Gradient gradient;
  gradient.values.resize(trained.model->parameters().size());
  Batch batch;
  for (std::size_t i = 0; i < batches.count(0); ++i) {
    batches.fill({0, i}, batch);
    batch.target_tokens = target_tokens;
    gradient.loss += learner.differentiate_sum(
        batch.size, [&](const Shard& shard) { return loss_of<float>(*trained.model, batch, shard); });
    const std::span<const float> part = learner.gradient().numbers;
    std::transform(part.begin(), part.end(), gradient.values.begin(), gradient.values.begin(),
                   [](float g, double sum) { return sum + static_cast<double>(g); });
  }
  return gradient;
}

void run(const GradsArguments& options) {
  if (!options.overwrite) check_replaceable(options.out);
  TrainedModel trained = load_run(options.run);
  const std::vector<Pair> pairs = tokenised(read_pairs(options.data), trained.tokenisers);
  check_lengths(*trained.model, pairs, options.data, trained.tokenisers);
  const Gradient gradient = gradient_over(trained, pairs, options.workers);
  const std::vector<float> values(gradient.values.begin(), gradient.values.end());
  const auto loss = static_cast<float>(gradient.loss);
  std::vector<StoredTensor> tensors{StoredTensor::of<float>("loss", {}, std::span(&loss, 1))};
  const auto& parameters = trained.model->parameters();
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto& entry = parameters.entries()[i];
    tensors.push_back(
        StoredTensor::of<float>(entry.name, dimensions(entry.shape),
                                std::span(values).subspan(entry.offset, static_cast<std::size_t>(entry.shape.size()))));
  }
  write_safetensors(options.out, tensors, {mark});
  print("{}: loss {:.6g} and the gradients of {} over {}\n", visible(options.out), gradient.loss,
        counted(parameters.entries().size(), "parameter"), counted(pairs.size(), "pair"));
}

}  // namespace

void add_grads(CLI::App& app) {
  const auto options = std::make_shared<GradsArguments>();
  CLI::App* grads = app.add_subcommand("grads", "Write the gradient of the loss over a whole file");
  add_path(*grads, "RUN", options->run, "the run folder of a trained model", "RUN")->required();
  add_path(*grads, "--data", options->data, "a CSV file: one batch, in file order, dropout off", "FILE")->required();
  add_path(*grads, "--out", options->out, "the safetensors file to write", "FILE")->required();
  add_number(*grads, "--workers", options->workers, "threads that share the sentences", worker_range);
  grads->add_flag("--overwrite", options->overwrite, "replace --out even if qkv grads did not write it");
  grads->footer("Example:\n  qkv grads runs/transformer --data my.csv --out gradients.safetensors");
  grads->callback([options] { run(*options); });
}

}  // namespace qkv::cli
