#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qkv/study/compare/comparison_sets.h"
#include "qkv/study/compare/intervals.h"
#include "qkv/translation/saved_model.h"

namespace qkv {

/// What the scores of one sentence are made of.
struct SentenceScore {
  std::size_t source_words = 0;
  bool exact = false;
  BleuCounts bleu;
  ChrfCounts chrf;
  int right_tokens = 0;  ///< of the target, `<eos>` counted, reference fed in
  int tokens = 0;
};

/// The alignment error rate of one model on one set, where both have what it takes.
struct ComparedAlignment {
  AlignmentReading reading;
  bool chosen = false;  ///< the reading, on the validation set; else the best one here
  double aer = 0;
  double uniform = 0, diagonal = 0, floor = 0;  ///< see AlignmentScores
};

/// One trained model on one set.
struct SetScores {
  std::vector<SentenceScore> sentences;  ///< in the order of the set
  std::optional<ComparedAlignment> alignment;
};

/// Translates the set and compares. Throws what evaluate() throws.
SetScores score_set(const TrainedModel& trained, const ComparisonSet& set, Team& team, const StopFlag& stop);

/// A score with its interval, and the least and the most that it is for one seed.
struct SeedInterval : Interval {
  double least = 0;
  double most = 0;
};

/// The scores of the sentences of some lengths.
struct ScoreRow {
  std::string set;
  std::string length;  ///< of a LengthBucket, or "all"
  bool seen = false;
  std::size_t sentences = 0;
  std::int64_t tokens = 0;
  SeedInterval exact_match, bleu, chrf, token_accuracy;
};

/// The mean scores of trainings with different seeds on the same set: of all sentences of lengths that training has
/// ("all"; where there are none, as in long.csv, of all), then bucket by bucket. Intervals are about which sentences
/// are in the set: Wilson's for exact match, and for BLEU, chrF and token accuracy (the tokens of a sentence are not
/// independent) the bootstrap over sentences, the same ones for every seed. `least` and `most` are about the seeds.
std::vector<ScoreRow> score_rows(const std::string& set, const std::vector<const SetScores*>& seeds,
                                 const std::vector<LengthBucket>& buckets);

}  // namespace qkv
