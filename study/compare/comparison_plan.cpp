#include "qkv/study/compare/comparison_plan.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "qkv/autograd/check.h"
#include "qkv/datasets/vocabulary.h"

namespace qkv {
namespace {

double parameters_of(const TrainingConfig& config, const DataSize& size) {
  return size_of(model_for(config, size.source_vocabulary, size.target_vocabulary)).parameters;
}

/// The settings that all models share, and those that this one begins with.
TrainingConfig settings_for(const std::string& model, const ComparisonOptions& options, const DataSize& size) {
  TrainingConfig config = default_settings(model);
  config.data = options.data;
  config.tokenizer = options.tokenizer;
  config.bpe_size = options.bpe_size;
  config.epochs = options.epochs;
  config.batch_size = options.batch_size;
  config.workers = options.workers;
  config.seed = options.first_seed;
  const auto batch = static_cast<std::int64_t>(options.batch_size);
  const std::int64_t batches = (static_cast<std::int64_t>(size.training_pairs) + batch - 1) / batch;
  config.warmup = std::min(config.warmup, batches * options.epochs / 10);
  return config;
}

TrainingConfig transformer(const ComparisonOptions& options, const DataSize& size) {
  TrainingConfig config = settings_for("transformer", options, size);
  auto& model = std::get<TransformerConfig>(config.model);
  model.d_model = options.d_model;
  model.heads = std::gcd(options.d_model, model.heads);
  model.layers = options.layers;
  model.ff = 4 * options.d_model;
  return config;
}

TrainingConfig with_sizes(TrainingConfig config, int embedding, int hidden) {
  auto& model = std::get<RnnConfig>(config.model);
  model.embedding = embedding;
  model.hidden = hidden;
  return config;
}

/// The hidden size whose number of parameters comes closest, by bisection: it grows with the hidden size.
int closest_hidden(const TrainingConfig& config, int embedding, double parameters, const DataSize& size) {
  const auto miss = [&](int hidden) { return parameters_of(with_sizes(config, embedding, hidden), size) - parameters; };
  int below = 1, above = 2;
  while (miss(above) < 0 && above < size_range.most / 2) above *= 2;
  while (above - below > 1) {
    const int middle = below + (above - below) / 2;
    (miss(middle) < 0 ? below : above) = middle;
  }
  return std::abs(miss(below)) <= std::abs(miss(above)) ? below : above;
}

/// An RNN model of about so many parameters.
TrainingConfig matched(const TrainingConfig& config, const ComparisonOptions& options, double parameters,
                       const DataSize& size) {
  const int d_model = options.d_model;
  constexpr double close_enough = 0.01;
  TrainingConfig best = config;
  double best_miss = INFINITY;
  for (int step = 0; step <= d_model / 4 && best_miss > close_enough; ++step)
    for (const int embedding : {d_model - step, d_model + step}) {
      const TrainingConfig tried = with_sizes(config, embedding, closest_hidden(config, embedding, parameters, size));
      const double miss = std::abs(parameters_of(tried, size) / parameters - 1);
      if (miss < best_miss) {
        best_miss = miss;
        best = tried;
      }
    }
  check(best_miss <= matched_within,
        "no {} comes within {:.0f} % of the {:.0f} parameters of a Transformer with `d_model` {} and `layers` {}; a "
        "larger `d_model` can be matched more closely",
        name_of(config.model), 100 * matched_within, parameters, d_model, options.layers);
  return best;
}

void check_options(const ComparisonOptions& options) {
  check(options.seeds >= 1 && options.seeds <= most_seeds, "`seeds` {} is out of range; it must be from 1 to {}",
        options.seeds, most_seeds);
  check(options.hidden.size() <= most_widths, "`hidden` names {} widths; it must be at most {}", options.hidden.size(),
        most_widths);
  for (std::size_t i = 0; i < options.hidden.size(); ++i) {
    const int width = options.hidden[i];
    check(size_range.contains(width), "`hidden` {} is out of range; it must be {}", width, size_range.text());
    check(std::count(options.hidden.begin(), options.hidden.end(), width) == 1, "`hidden` names {} twice", width);
  }
}

}  // namespace

DataSize size_of(const TrainingData& data) {
  check(!data.tests.empty(),
        "there are no unseen sentences to compare on; `data` needs a test.csv, long.csv or composition.csv");
  return {Vocabulary(data.train, &Pair::source).size(), Vocabulary(data.train, &Pair::target).size(),
          data.train.size()};
}

std::string ComparedModel::run_name(std::uint64_t seed) const {
  return matched ? fmt::format("{}-seed{}", model(), seed) : fmt::format("{}-hidden{}-seed{}", model(), width, seed);
}

std::vector<std::uint64_t> seeds_of(const ComparisonOptions& options) {
  std::vector<std::uint64_t> seeds(static_cast<std::size_t>(options.seeds));
  std::iota(seeds.begin(), seeds.end(), options.first_seed);
  return seeds;
}

std::vector<ComparedModel> plan_comparison(const ComparisonOptions& options, const DataSize& size) {
  check_options(options);
  std::vector<ComparedModel> models;
  const auto add = [&](const TrainingConfig& config, int width, bool is_matched) {
    check_settings(config);
    models.push_back({config, width, is_matched, parameters_of(config, size)});
  };
  add(transformer(options, size), options.d_model, true);
  const double parameters = models.front().parameters;
  for (const char* name : {"rnn", "rnn-attention"}) {
    const TrainingConfig config = matched(settings_for(name, options, size), options, parameters, size);
    add(config, std::get<RnnConfig>(config.model).hidden, true);
  }
  for (const int width : options.hidden)
    for (const char* name : {"rnn", "rnn-attention"}) {
      const TrainingConfig config = with_sizes(settings_for(name, options, size), options.d_model, width);
      const bool is_there =
          std::any_of(models.begin(), models.end(), [&](const ComparedModel& model) { return model.config == config; });
      if (!is_there) add(config, width, false);
    }
  return models;
}

}  // namespace qkv
