#include "qkv/study/report/report_translations.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "qkv/datasets/csv.h"
#include "qkv/datasets/text.h"
#include "qkv/datasets/tokenised_pairs.h"

namespace qkv {
namespace {

constexpr std::size_t most_pairs = 1000;
constexpr std::size_t most_sentences = 20;
constexpr std::size_t of_further_sets = 3;

/// So many of the pairs, which are given by their number, spread evenly over the lengths of their sources.
std::vector<std::size_t> spread_over_lengths(std::vector<std::size_t> pairs, std::size_t count,
                                             const TranslatedSet& set) {
  std::stable_sort(pairs.begin(), pairs.end(), [&](std::size_t a, std::size_t b) {
    return set.pairs[a].source.size() < set.pairs[b].source.size();
  });
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(pairs[(2 * i + 1) * pairs.size() / (2 * count)]);
  return chosen;
}

/// So many pairs of a set, by their numbers in order of length.
std::vector<std::size_t> chosen_pairs(const TranslatedSet& set, std::size_t count) {
  std::vector<std::size_t> wrong, right;
  const Tokeniser& tokeniser = *set.tokenisers.target;
  for (std::size_t i = 0; i < set.pairs.size(); ++i)
    (tokeniser.words(set.translations[i]) == tokeniser.words(set.pairs[i].target) ? right : wrong).push_back(i);
  count = std::min(count, set.pairs.size());
  const std::size_t of_wrong = std::min(wrong.size(), std::max((count + 1) / 2, count - std::min(count, right.size())));
  std::vector<std::size_t> chosen = spread_over_lengths(wrong, of_wrong, set);
  for (const std::size_t i : spread_over_lengths(right, count - of_wrong, set)) chosen.push_back(i);
  return spread_over_lengths(chosen, count, set);
}

}  // namespace

TranslatedSet translated_set(const TrainedModel& trained, const std::string& name, const std::string& file,
                             Team& team) {
  TranslatedSet set{name, tokenised(read_pairs(file), trained.tokenisers), {}, trained.tokenisers};
  if (set.pairs.size() > most_pairs) set.pairs.resize(most_pairs);
  check_lengths(*trained.model, set.pairs, file, trained.tokenisers);
  set.translations =
      evaluate(*trained.model, trained.source, trained.target, set.pairs, team, {}, never_stopped, trained.tokenisers)
          .translations;
  return set;
}

nlohmann::ordered_json to_json(const std::vector<TranslatedSet>& sets) {
  nlohmann::ordered_json columns;
  for (const char* name : {"source", "reference", "translation", "edits", "chrf", "set"})
    columns[name] = nlohmann::ordered_json::array();
  for (const TranslatedSet& set : sets) {
    for (std::size_t i = 0; i < set.pairs.size(); ++i) {
      const Sentence reference = set.tokenisers.target->words(set.pairs[i].target),
                     translation = set.tokenisers.target->words(set.translations[i]);
      columns["source"].push_back(text_of(*set.tokenisers.source, set.pairs[i].source));
      columns["reference"].push_back(join_words(reference));
      columns["translation"].push_back(join_words(translation));
      columns["edits"].push_back(word_edits(translation, reference));
      columns["chrf"].push_back(std::round(100 * chrf({translation}, {reference})) / 100);
      columns["set"].push_back(set.name);
    }
  }
  return columns;
}

std::vector<ReportSentence> chosen_sentences(const std::vector<TranslatedSet>& sets, const Vocabulary& vocabulary) {
  std::vector<ReportSentence> sentences;
  for (std::size_t s = 0; s < sets.size(); ++s) {
    const std::size_t count = s == 0 ? most_sentences - of_further_sets * (sets.size() - 1) : of_further_sets;
    for (const std::size_t i : chosen_pairs(sets[s], count)) {
      const Pair& pair = sets[s].pairs[i];
      ReportSentence& sentence = sentences.emplace_back();
      sentence.source = pair.source;
      sentence.reference = pair.target;
      sentence.links = pair.links;
      sentence.link_unit = pair.link_unit;
      for (const std::string& word : pair.source)
        if (!vocabulary.contains(word)) sentence.unknown.push_back(word);
    }
  }
  return sentences;
}

}  // namespace qkv
