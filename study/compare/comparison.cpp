#include "qkv/study/compare/comparison.h"

#include <algorithm>

#include "qkv/autograd/random.h"

namespace qkv {
namespace {

/// Unseen sentences of each bucket, in random order: those of the test sets but composition.csv, whose words are
/// combined as they never were in training, unless there is nothing else.
std::vector<std::vector<Pair>> unseen_by_bucket(const std::vector<ComparisonSet>& sets,
                                                const std::vector<LengthBucket>& buckets, std::uint64_t seed) {
  std::vector<Pair> unseen;
  const auto take = [&](const auto& is_wanted) {
    for (const ComparisonSet& set : sets)
      if (!set.training && is_wanted(set.name)) unseen.insert(unseen.end(), set.pairs.begin(), set.pairs.end());
  };
  take([](const std::string& name) { return name != "composition"; });
  if (unseen.empty()) take([](const std::string&) { return true; });
  Random(seed).shuffle(unseen);
  std::vector<std::vector<Pair>> parts(buckets.size());
  for (const Pair& pair : unseen)
    for (std::size_t i = 0; i < buckets.size(); ++i)
      if (buckets[i].contains(pair.source.size())) parts[i].push_back(pair);
  return parts;
}

std::vector<Pair> first(const std::vector<Pair>& pairs, std::size_t most) {
  return {pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(std::min(most, pairs.size()))};
}

/// The first sentences of each bucket, together.
std::vector<Pair> of_each(const std::vector<std::vector<Pair>>& parts, std::size_t most) {
  std::vector<Pair> all;
  for (const std::vector<Pair>& part : parts)
    for (const Pair& pair : first(part, most)) all.push_back(pair);
  return all;
}

/// How many sentences of each bucket are looked at.
constexpr std::size_t for_loss = 20, for_jacobians = 2, for_entropy = 40, for_time = 20;

/// What is measured inside the trainings of a matched model.
void measure_inside(ModelMeasures& measures, const std::vector<const TrainedModel*>& seeds,
                    const std::vector<std::vector<Pair>>& parts, const std::vector<LengthBucket>& buckets,
                    const StopFlag& stop) {
  measures.gradients = gradient_curves(seeds, of_each(parts, for_loss), of_each(parts, for_jacobians), stop);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (parts[i].empty()) continue;
    end_if(stop);
    const std::vector<EntropyRow> rows = entropy_of(seeds, first(parts[i], for_entropy), buckets[i].name());
    measures.entropy.insert(measures.entropy.end(), rows.begin(), rows.end());
    measures.cost.push_back(cost_of(*seeds.front(), first(parts[i], for_time), buckets[i].name()));
  }
}

}  // namespace

Comparison measure(const ComparisonOptions& options, const DataSize& size, const TrainingData& data,
                   const std::vector<ComparedModel>& models, const std::vector<ComparedRun>& runs,
                   const std::function<void(const ComparedRun&, std::size_t number)>& begins, const StopFlag& stop) {
  Comparison result{options, seeds_of(options), size, {}, {}, models, {}, {}};
  const int max_length = models.front().config.max_length;
  result.sets = comparison_sets(data, max_length, options.first_seed);
  result.lengths = length_buckets(data, max_length, result.sets);
  result.of_models.resize(models.size());
  Team team(options.workers);
  std::vector<std::vector<std::vector<SetScores>>> scores(models.size());  // [model][seed][set]
  std::vector<std::vector<TrainedModel>> matched(models.size());           // [model][seed]
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ComparedRun& run = runs[i];
    begins(run, i + 1);
    TrainedModel trained = load_run(run.folder.path.string());
    RunMeasures& measures = result.of_runs.emplace_back();
    measures.model = run.model;
    measures.seed = run.config.seed;
    measures.name = run.name();
    std::vector<SetScores>& of_sets = scores[run.model].emplace_back();
    for (const ComparisonSet& set : result.sets) {
      of_sets.push_back(score_set(trained, set, team, stop));
      measures.alignment.push_back(of_sets.back().alignment);
      for (ScoreRow& row : score_rows(set.name, {&of_sets.back()}, result.lengths))
        measures.scores.push_back(std::move(row));
    }
    if (models[run.model].matched) matched[run.model].push_back(std::move(trained));
  }
  const auto parts = unseen_by_bucket(result.sets, result.lengths, options.first_seed);
  for (std::size_t model = 0; model < models.size(); ++model) {
    ModelMeasures& measures = result.of_models[model];
    for (std::size_t set = 0; set < result.sets.size(); ++set) {
      std::vector<const SetScores*> seeds;
      for (const std::vector<SetScores>& of_sets : scores[model]) seeds.push_back(&of_sets[set]);
      for (ScoreRow& row : score_rows(result.sets[set].name, seeds, result.lengths))
        measures.scores.push_back(std::move(row));
    }
    std::vector<const TrainedModel*> seeds;
    for (const TrainedModel& trained : matched[model]) seeds.push_back(&trained);
    if (!seeds.empty()) measure_inside(measures, seeds, parts, result.lengths, stop);
  }
  return result;
}

}  // namespace qkv
