#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"
#include "qkv/study/report/report_sentences.h"

namespace qkv {

/// A test set of the report, with what the model makes of its first thousand pairs.
struct TranslatedSet {
  std::string name;                    ///< "test", "long", …
  std::vector<Pair> pairs;             ///< as tokens
  std::vector<Sentence> translations;  ///< one for each pair, as tokens
  Tokenisers tokenisers = word_tokenisers();
};

/// Reads the file and translates its first thousand pairs. Throws what read_pairs, check_lengths and evaluate throw.
TranslatedSet translated_set(const TrainedModel& trained, const std::string& name, const std::string& file, Team& team);

/// {"source": […], "reference": […], "translation": […], "edits": […], "chrf": […], "set": […]}, in each list one entry
/// for each pair of these sets in turn.
nlohmann::ordered_json to_json(const std::vector<TranslatedSet>& sets);

/// About twenty sentences to look at: three of each further set and as many of the first as are left; half of them
/// translated wrong and half right, if there are so many of both, each spread over the lengths that occur. The same
/// sets give the same sentences.
std::vector<ReportSentence> chosen_sentences(const std::vector<TranslatedSet>& sets, const Vocabulary& vocabulary);

}  // namespace qkv
