#pragma once

#include <functional>
#include <string>
#include <vector>

#include "qkv/study/compare/attention_entropy.h"
#include "qkv/study/compare/comparison_cost.h"
#include "qkv/study/compare/comparison_gradients.h"
#include "qkv/study/compare/comparison_runs.h"
#include "qkv/study/compare/comparison_scores.h"

namespace qkv {

/// What was measured of a compared model.
struct ModelMeasures {
  std::vector<ScoreRow> scores;  ///< means over the seeds
  /// Of the matched models only:
  std::vector<GradientCurve> gradients;
  std::vector<EntropyRow> entropy;
  std::vector<CostRow> cost;
};

/// What was measured of one run.
struct RunMeasures {
  std::size_t model = 0;
  std::uint64_t seed = 0;
  std::string name;
  std::vector<ScoreRow> scores;
  std::vector<std::optional<ComparedAlignment>> alignment;  ///< of each set
};

/// The results of `qkv compare`.
struct Comparison {
  ComparisonOptions options;
  std::vector<std::uint64_t> seeds;
  DataSize data;
  std::vector<ComparisonSet> sets;
  std::vector<LengthBucket> lengths;
  std::vector<ComparedModel> models;
  std::vector<ModelMeasures> of_models;  ///< one for each model
  std::vector<RunMeasures> of_runs;
};

/// Measures all runs, which are finished, on data that is cut into their tokens. Everything but the times follows from
/// the runs, the data and the options. `begins` is told of each run. Throws what load_run() and evaluate() throw,
/// Stopped among that once `stop` is set.
Comparison measure(const ComparisonOptions& options, const DataSize& size, const TrainingData& data,
                   const std::vector<ComparedModel>& models, const std::vector<ComparedRun>& runs,
                   const std::function<void(const ComparedRun&, std::size_t number)>& begins, const StopFlag& stop);

}  // namespace qkv
