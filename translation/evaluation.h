#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/datasets/tokeniser.h"
#include "qkv/datasets/vocabulary.h"
#include "qkv/train/team.h"
#include "qkv/translation/decoding.h"
#include "qkv/translation/metrics.h"
#include "qkv/translation/seq2seq.h"

namespace qkv {

/// Where to read links from cross-attention: in which layer, by which head, and at which step: the one that predicts a
/// target word (offset 0) or the next one, which reads it (offset 1). All count from 0.
struct AlignmentReading {
  int layer = 0;
  int head = 0;
  int offset = 0;
  friend bool operator==(const AlignmentReading&, const AlignmentReading&) = default;
};

/// The alignment error rates of a data set with gold links, 0 to 1.
struct AlignmentScores {
  struct Entry {
    AlignmentReading reading;
    double aer = 0;
  };
  std::vector<Entry> entries;  ///< every layer, head and offset
  double uniform = 0;          ///< of links drawn at random
  double diagonal = 0;         ///< of links along the diagonal
  double floor = 0;            ///< the least that one link for each target word allows

  /// The best entry; of equal ones the first.
  const Entry& best() const;
};

/// How well a model translates a data set.
struct Evaluation {
  double loss = 0;            ///< mean cross-entropy per target token, `<eos>` counted, reference fed in
  double token_accuracy = 0;  ///< share of target tokens that were the most likely, reference fed in
  BleuWords bleu_words = BleuWords::as_given;  ///< what BLEU counts
  Scores scores;                               ///< of the translations, as words
  std::vector<LengthScores> by_length;
  std::optional<AlignmentScores> alignment;  ///< where there are gold links
  std::vector<Sentence> translations;        ///< as tokens, in the order of the pairs
  std::vector<int> right_tokens;             ///< of each target, `<eos>` counted: were the most likely
  std::vector<bool> is_cut;                  ///< of each translation: it reached the most words there may be
  int cut = 0;                               ///< how many did

  /// e to the loss; infinite where that is more than a double can hold, which a loss above 709 is.
  double perplexity() const;
};

/// Translates all sources, in batches of similar length shared among the team, and compares with the targets. The pairs
/// are as the model reads them, tokens of these tokenisers; the scores are of the words that the tokens make.
/// Throws std::invalid_argument if there are no pairs; std::runtime_error if the loss or a logit is not finite, naming
/// the operation where that began; Stopped before the next batch or word once `stop` is set.
Evaluation evaluate(const Seq2Seq<float>& model, const Vocabulary& source, const Vocabulary& target,
                    const std::vector<Pair>& pairs, Team& team, const DecodingOptions& decoding = {},
                    const StopFlag& stop = never_stopped, const Tokenisers& tokenisers = word_tokenisers(),
                    BleuWords bleu_words = BleuWords::as_given);

/// The mean cross-entropy per target token alone, `<eos>` counted, reference fed in. Throws as evaluate does.
double mean_loss(const Seq2Seq<float>& model, const Vocabulary& source, const Vocabulary& target,
                 const std::vector<Pair>& pairs, Team& team, const StopFlag& stop = never_stopped);

/// Throws std::runtime_error, "FILE:LINE: …", if a sentence of the pairs, which were read from this file and cut into
/// tokens, has more of them than the model has positions for: it cannot be evaluated on them.
void check_lengths(const Seq2Seq<float>& model, const std::vector<Pair>& pairs, const std::string& path,
                   const Tokenisers& tokenisers = word_tokenisers());

/// What `qkv eval --json` prints. Throws std::runtime_error if the perplexity is more than a number can hold.
nlohmann::ordered_json to_json(const Evaluation& evaluation);

}  // namespace qkv
