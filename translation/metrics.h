#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "qkv/translation/bleu_words.h"

namespace qkv {

/// How many n-grams of one order the hypotheses and the references have, and how many of the hypotheses' are in the
/// reference, each counted at most as often as it is there.
struct NgramMatches {
  double hypothesis = 0;
  double reference = 0;
  double both = 0;

  NgramMatches& operator+=(const NgramMatches& other);
};

/// What BLEU and chrF are computed from, by order; counts of sentences are added up.
struct BleuCounts {
  std::array<NgramMatches, 4> orders{};
  BleuCounts& operator+=(const BleuCounts& other);
};
struct ChrfCounts {
  std::array<NgramMatches, 6> orders{};
  ChrfCounts& operator+=(const ChrfCounts& other);
};
BleuCounts bleu_counts(const Sentence& hypothesis, const Sentence& reference);
ChrfCounts chrf_counts(const Sentence& hypothesis, const Sentence& reference);
double bleu(const BleuCounts& counts);
double chrf(const ChrfCounts& counts);

/// Corpus BLEU (Papineni et al. 2002), 0 to 100: the geometric mean of the precisions of 1- to 4-grams of words, summed
/// over the corpus, times the brevity penalty min(1, exp(1 − reference words / hypothesis words)). One reference each.
/// The numbers of `sacrebleu --tokenize none`: where no n-gram of an order is right, its precision is taken as
/// 1 / (2ᵏ · n-grams), k counting such orders (smoothing "exp", Chen & Cherry 2014, method 3); 0 where no word is right
/// or no hypothesis has four words.
/// Throws std::invalid_argument where the numbers of sentences differ or there are none, as all scores here do.
double bleu(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references);

/// Corpus chrF (Popović 2015), 0 to 100: the F₂ score of the average precision and recall of 1- to 6-grams of
/// characters (code points), spaces left out, summed over the corpus: the numbers of `sacrebleu --metrics chrf`. Orders
/// that only one of the two sides has n-grams of are left out of the average.
double chrf(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references);

/// The share of hypotheses that are the reference word for word, 0 to 1.
double exact_match(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references);

/// All three, and of how many sentences.
struct Scores {
  std::size_t sentences = 0;
  double exact_match = 0;  ///< 0 to 1
  double bleu = 0;         ///< 0 to 100
  double chrf = 0;         ///< 0 to 100
};
Scores score(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references,
             BleuWords bleu_words = BleuWords::as_given);

/// The scores of the sentences whose source has from `shortest` to `longest` words (longest 0: any number more).
struct LengthScores {
  std::size_t shortest = 0;
  std::size_t longest = 0;
  Scores scores;

  /// "5-7", "55+", or "1".
  std::string name() const;
};

/// The scores by the number of source words, in those of the groups 1, 2-4, 5-7, 8-10, 11-16, 17-24, 25-36, 37-54 and
/// 55 or more that the sentences have. They are the same for all sets, so that training and test can be compared by
/// them.
std::vector<LengthScores> scores_by_length(const std::vector<Sentence>& sources,
                                           const std::vector<Sentence>& hypotheses,
                                           const std::vector<Sentence>& references,
                                           BleuWords bleu_words = BleuWords::as_given);

}  // namespace qkv
