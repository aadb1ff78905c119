#include <array>
#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/datasets/korean_english/derive.h"
#include "qkv/datasets/korean_english/realise.h"
#include "qkv/datasets/korean_english/rules.h"
#include "qkv/datasets/korean_english/splits.h"

namespace qkv::grammar {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int derivations = 50'000;  // this build is some twenty times slower
#else
constexpr int derivations = 1'000'000;
#endif

/// What every surface form stands for. A form that stands for two things cannot be translated word by word.
class WordForms {
 public:
  WordForms() {
    const Lexicon& words = lexicon();
    constexpr std::array particles{Particle::topic, Particle::nominative, Particle::accusative,
                                   Particle::with,  Particle::dative,     Particle::in,
                                   Particle::at,    Particle::toward,     Particle::none};
    for (const Noun& noun : words.nouns)
      for (const Particle particle : particles) {
        if (particle == Particle::none && !noun.counter) continue;  // a noun without a particle is a counted one
        const bool nominative = particle == Particle::nominative;
        add(with_particle(nominative ? noun.nominative : noun.stem, particle),
            fmt::format("noun {}+{}", noun.stem, static_cast<int>(particle)));
        if (noun.has_plural() && (noun.person || noun.animal))
          add(with_particle(noun.stem + "들", particle),
              fmt::format("nouns {}+{}", noun.stem, static_cast<int>(particle)));
      }
    for (const Word& word : words.counters)
      for (const Particle particle :
           {Particle::topic, Particle::nominative, Particle::accusative, Particle::with, Particle::dative})
        add(with_particle(word.korean, particle),
            fmt::format("counter {}+{}", word.korean, static_cast<int>(particle)));
    for (const auto* list : {&words.demonstratives, &words.numerals, &words.adverbs})
      for (const Word& word : *list) add(word.korean, fmt::format("word {}", word.korean));
    for (const TimePhrase& time : words.times) add(time.korean, fmt::format("time {}", time.korean));
    for (const char* word : {"안", "것입니다", "것입니까", ".", "?"}) add(word, "mark");
    for (const Predicate& verb : words.verbs) {
      add_forms(verb.stem, verb.stem_class, verb.adnominals, false, verb.negation == Negation::ji);
      if (verb.negation == Negation::suppletive)
        add_forms(verb.negative_stem, verb.negative_class, verb.adnominals, false, false);
    }
    add_forms("않", StemClass::regular, {true, true, true}, false, false);
    for (const Predicate& adjective : words.adjectives)
      add_forms(adjective.stem, adjective.stem_class, {true, true, true}, true, true);
  }

  bool contains(const std::string& form) const { return forms_.contains(form); }
  const std::vector<std::string>& clashes() const { return clashes_; }

 private:
  void add(const std::string& form, const std::string& analysis) {
    const auto [entry, added] = forms_.emplace(form, analysis);
    if (!added && entry->second != analysis)
      clashes_.push_back(fmt::format("{}: {}, {}", form, entry->second, analysis));
  }

  void add_forms(const std::string& stem, StemClass kind, const std::array<bool, 3>& adnominals, bool adjective,
                 bool negated_by_ji) {
    const auto has = [&](Tense tense) { return adnominals[static_cast<std::size_t>(tense)]; };
    const bool exists = stem.ends_with("있") || stem.ends_with("없");
    for (int i = 0; i <= static_cast<int>(Ending::eul); ++i) {
      const auto ending = static_cast<Ending>(i);
      if (ending == Ending::ji && !negated_by_ji) continue;
      if (ending == Ending::neun && (adjective ? !exists : !has(Tense::present))) continue;
      if (ending == Ending::eun && (adjective ? exists : !has(Tense::past))) continue;
      add(conjugate(stem, kind, ending), fmt::format("stem {}+{}", stem, i));
    }
  }

  std::map<std::string, std::string> forms_;
  std::vector<std::string> clashes_;
};

TEST(KoreanEnglishFunction, NoWordFormHasTwoAnalyses) {
  const WordForms forms;
  EXPECT_EQ(forms.clashes(), std::vector<std::string>{});
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + ' ';
  return text;
}

/// What one thread finds in its share of the derivations.
struct Findings {
  std::unordered_map<std::uint64_t, std::uint64_t> translation;  // of each source the target and the links, as hashes
  std::set<std::string> faults;
  std::unordered_set<std::string> words;
};

const std::set<std::string> function_words{"a",   "an",  "the",  "do", "does", "did", "am", "is",
                                           "are", "was", "were", "be", "will", "of",  "it"};

void examine(const Pair& pair, Findings& found) {
  std::vector<bool> linked(pair.target.size());
  std::string links;
  for (const Link& link : pair.links) {
    links += std::to_string(link.source) + (link.sure ? '-' : '?') + std::to_string(link.target) + ' ';
    if (link.source < 0 || link.source >= static_cast<int>(pair.source.size()) || link.target < 0 ||
        link.target >= static_cast<int>(pair.target.size())) {
      found.faults.insert("a link out of range: " + join(pair.source));
      return;
    }
    if (link.sure) linked[static_cast<std::size_t>(link.target)] = true;
  }
  for (std::size_t i = 0; i < pair.target.size(); ++i)
    if (linked[i] == function_words.contains(pair.target[i]))
      found.faults.insert("a sure link is missing or too many: " + pair.target[i] + " in " + join(pair.target));
  const std::string source = join(pair.source);
  const std::uint64_t translation = hash_text(join(pair.target) + links);
  const auto [entry, added] = found.translation.emplace(hash_text(source), translation);
  if (!added && entry->second != translation) found.faults.insert("two translations: " + source);
  found.words.insert(pair.source.begin(), pair.source.end());
}

Findings explore(std::uint64_t seed, int count) {
  Findings found;
  Random random(seed);
  for (int made = 0; made < count;) {
    const int length = 2 + static_cast<int>(random.below(19));
    const auto sentence = derive(length, random);
    if (!sentence) continue;
    ++made;
    const Pair pair = realise(*sentence);
    if (static_cast<int>(pair.source.size()) != length) found.faults.insert("a wrong length: " + join(pair.source));
    examine(pair, found);
  }
  return found;
}

TEST(KoreanEnglishFunction, EverySourceHasOneTranslationAndOneSetOfLinks) {
  auto other = std::async(std::launch::async, explore, 11, derivations / 2);
  Findings found = explore(12, derivations / 2);
  const Findings more = other.get();
  for (const auto& [source, translation] : more.translation) {
    const auto [entry, added] = found.translation.emplace(source, translation);
    if (!added && entry->second != translation) found.faults.insert("two translations in two threads");
  }
  found.faults.insert(more.faults.begin(), more.faults.end());
  found.words.insert(more.words.begin(), more.words.end());
  EXPECT_EQ(found.faults, std::set<std::string>{});

  const WordForms forms;
  for (const std::string& word : found.words) EXPECT_TRUE(forms.contains(word)) << word << " is in no table of forms";
  for (const char* homonym : {"나는", "사는", "물을", "산", "간", "들은", "찬", "잔", "논"})
    EXPECT_FALSE(found.words.contains(homonym)) << homonym;
}

}  // namespace
}  // namespace qkv::grammar
