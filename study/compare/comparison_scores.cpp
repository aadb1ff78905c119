#include "qkv/study/compare/comparison_scores.h"

#include <algorithm>
#include <functional>

#include "qkv/autograd/check.h"

namespace qkv {
namespace {

std::optional<ComparedAlignment> alignment_of(const Evaluation& evaluation,
                                              const std::optional<AlignmentReading>& chosen) {
  if (!evaluation.alignment) return {};
  const AlignmentScores& scores = *evaluation.alignment;
  ComparedAlignment result{scores.best().reading, false,           scores.best().aer,
                           scores.uniform,        scores.diagonal, scores.floor};
  for (const AlignmentScores::Entry& entry : scores.entries)
    if (chosen && entry.reading == *chosen) {
      result.reading = entry.reading;
      result.aer = entry.aer;
      result.chosen = true;
    }
  return result;
}

/// A score of some sentences, each taken so many times.
using Statistic = double (*)(const std::vector<SentenceScore>& all, const std::vector<std::size_t>& chosen,
                             const std::vector<int>& times);

/// Adds counts of sentences that were taken several times.
template <class Counts>
void add(Counts& sum, const Counts& counts, int times) {
  for (std::size_t i = 0; i < sum.orders.size(); ++i) {
    sum.orders[i].hypothesis += times * counts.orders[i].hypothesis;
    sum.orders[i].reference += times * counts.orders[i].reference;
    sum.orders[i].both += times * counts.orders[i].both;
  }
}

double bleu_of(const std::vector<SentenceScore>& all, const std::vector<std::size_t>& chosen,
               const std::vector<int>& times) {
  BleuCounts sum;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (times[i] > 0) add(sum, all[chosen[i]].bleu, times[i]);
  return bleu(sum);
}

double chrf_of(const std::vector<SentenceScore>& all, const std::vector<std::size_t>& chosen,
               const std::vector<int>& times) {
  ChrfCounts sum;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (times[i] > 0) add(sum, all[chosen[i]].chrf, times[i]);
  return chrf(sum);
}

double token_accuracy_of(const std::vector<SentenceScore>& all, const std::vector<std::size_t>& chosen,
                         const std::vector<int>& times) {
  double right = 0, tokens = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    right += times[i] * all[chosen[i]].right_tokens;
    tokens += times[i] * all[chosen[i]].tokens;
  }
  return right / tokens;
}

double exact_match_of(const std::vector<SentenceScore>& all, const std::vector<std::size_t>& chosen,
                      const std::vector<int>& times) {
  double right = 0, sentences = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    right += times[i] * (all[chosen[i]].exact ? 1 : 0);
    sentences += times[i];
  }
  return right / sentences;
}

/// The mean of a statistic over the seeds, its least and its most, and an interval that `interval_of` makes of the
/// function that gives the mean.
SeedInterval over_seeds(
    const std::vector<const SetScores*>& seeds, const std::vector<std::size_t>& chosen, Statistic statistic,
    const std::function<Interval(const std::function<double(const std::vector<int>&)>&)>& interval_of) {
  const auto mean = [&](const std::vector<int>& times) {
    double sum = 0;
    for (const SetScores* seed : seeds) sum += statistic(seed->sentences, chosen, times);
    return sum / static_cast<double>(seeds.size());
  };
  SeedInterval result{interval_of(mean), 0, 0};
  const std::vector<int> once(chosen.size(), 1);
  std::vector<double> each;
  for (const SetScores* seed : seeds) each.push_back(statistic(seed->sentences, chosen, once));
  result.least = *std::min_element(each.begin(), each.end());
  result.most = *std::max_element(each.begin(), each.end());
  return result;
}

ScoreRow score_row(const std::vector<const SetScores*>& seeds, const std::vector<std::size_t>& chosen) {
  constexpr std::uint64_t draws_seed = 1;  // the same draws everywhere, so that models differ by their scores only
  const std::size_t n = chosen.size();
  const auto by_bootstrap = [&](const std::function<double(const std::vector<int>&)>& mean) {
    return bootstrap(n, draws_seed, mean);
  };
  const auto by_wilson = [&](const std::function<double(const std::vector<int>&)>& mean) {
    return wilson(mean(std::vector<int>(n, 1)), n);
  };
  ScoreRow row;
  row.sentences = n;
  for (const std::size_t i : chosen) row.tokens += seeds.front()->sentences[i].tokens;
  row.exact_match = over_seeds(seeds, chosen, exact_match_of, by_wilson);
  row.bleu = over_seeds(seeds, chosen, bleu_of, by_bootstrap);
  row.chrf = over_seeds(seeds, chosen, chrf_of, by_bootstrap);
  row.token_accuracy = over_seeds(seeds, chosen, token_accuracy_of, by_bootstrap);
  return row;
}

}  // namespace

SetScores score_set(const TrainedModel& trained, const ComparisonSet& set, Team& team, const StopFlag& stop) {
  const Evaluation evaluation =
      evaluate(*trained.model, trained.source, trained.target, set.pairs, team, {}, stop, trained.tokenisers);
  const Tokeniser& tokeniser = *trained.tokenisers.target;
  SetScores scores;
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    const Pair& pair = set.pairs[i];
    const Sentence translation = tokeniser.words(evaluation.translations[i]), reference = tokeniser.words(pair.target);
    scores.sentences.push_back({pair.source.size(), translation == reference, bleu_counts(translation, reference),
                                chrf_counts(translation, reference), evaluation.right_tokens[i],
                                static_cast<int>(pair.target.size()) + 1});
  }
  scores.alignment = alignment_of(evaluation, trained.alignment);
  return scores;
}

std::vector<ScoreRow> score_rows(const std::string& set, const std::vector<const SetScores*>& seeds,
                                 const std::vector<LengthBucket>& buckets) {
  check(!seeds.empty(), "score_rows: there are no trainings");
  const std::vector<SentenceScore>& sentences = seeds.front()->sentences;
  std::vector<ScoreRow> rows;
  const auto add_row = [&](const std::string& length, bool seen, const std::function<bool(std::size_t)>& is_chosen) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < sentences.size(); ++i)
      if (is_chosen(sentences[i].source_words)) chosen.push_back(i);
    if (chosen.empty()) return false;
    ScoreRow& row = rows.emplace_back(score_row(seeds, chosen));
    row.set = set;
    row.length = length;
    row.seen = seen;
    return true;
  };
  const auto is_seen = [&](std::size_t words) {
    return std::any_of(buckets.begin(), buckets.end(),
                       [&](const LengthBucket& bucket) { return bucket.seen && bucket.contains(words); });
  };
  if (!add_row("all", true, is_seen)) add_row("all", false, [](std::size_t) { return true; });
  for (const LengthBucket& bucket : buckets)
    add_row(bucket.name(), bucket.seen, [&](std::size_t words) { return bucket.contains(words); });
  return rows;
}

}  // namespace qkv
