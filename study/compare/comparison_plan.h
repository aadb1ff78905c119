#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "qkv/translation/training_data.h"

namespace qkv {

/// What `qkv compare` is asked for.
struct ComparisonOptions {
  std::string data;              ///< a folder with train.csv and at least one test file
  int seeds = 3;                 ///< how many trainings of each model
  std::uint64_t first_seed = 1;  ///< the others follow
  std::vector<int> hidden;       ///< the RNN models are trained at these widths too
  int epochs = 8;
  int batch_size = 64;
  int d_model = 64;  ///< of the Transformer, whose number of parameters the others match
  int layers = 2;
  int workers = 2;
  TokeniserKind tokenizer = TokeniserKind::word;
  int bpe_size = TrainingConfig().bpe_size;
};

/// The most trainings of each model, and the most widths of --hidden: so many results fit into one page.
inline constexpr int most_seeds = 10;
inline constexpr std::size_t most_widths = 6;

/// What a plan has to know of the data, as tokens.
struct DataSize {
  int source_vocabulary = 0;  ///< sizes of the vocabularies
  int target_vocabulary = 0;
  std::size_t training_pairs = 0;
};

/// Throws std::invalid_argument if there is nothing unseen to compare on.
DataSize size_of(const TrainingData& data);

/// One of the models that are compared.
struct ComparedModel {
  TrainingConfig config;  ///< its seed is the first
  int width = 0;          ///< features of a state: d_model, or an RNN's hidden
  bool matched = false;   ///< as many parameters as the Transformer; else one of --hidden
  double parameters = 0;

  std::string model() const { return name_of(config.model); }
  /// "rnn-seed2" of the matched model, "rnn-hidden8-seed2" of another width: the run's folder.
  std::string run_name(std::uint64_t seed) const;
};

/// How far a matched model's number of parameters may be from the Transformer's, as a share of it.
inline constexpr double matched_within = 0.05;

/// The Transformer, `rnn` and `rnn-attention` with as many parameters, then both RNN models at each width of `hidden`
/// that is not there yet. All train on the same data for as many epochs in batches of the same size, each with the
/// learning rate that `qkv train` begins with; the warm-up is `qkv train`'s, or a tenth of all steps if that is less.
///
/// A matched RNN model has the Transformer's d_model as embedding and the hidden size that comes closest to its number
/// of parameters; where that misses by more than 1 %, the embedding may be up to a quarter wider or narrower.
/// Throws std::invalid_argument for options out of range, or if a model cannot be matched within 5 %.
std::vector<ComparedModel> plan_comparison(const ComparisonOptions& options, const DataSize& size);

/// The seeds of the trainings of each model.
std::vector<std::uint64_t> seeds_of(const ComparisonOptions& options);

}  // namespace qkv
