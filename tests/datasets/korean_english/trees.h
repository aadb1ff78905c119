#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "qkv/datasets/korean_english/syntax.h"

/// Building trees by hand, with words named by their Korean stems and predicates by their English.
namespace qkv::grammar {

inline const Word* word(const std::deque<Word>& words, const std::string& korean) {
  for (const Word& entry : words)
    if (entry.korean == korean) return &entry;
  throw std::out_of_range(korean);
}

inline const Predicate* predicate(const std::deque<Predicate>& predicates, const std::string& english) {
  for (const Predicate& entry : predicates)
    if (entry.english == english) return &entry;
  throw std::out_of_range(english);
}

inline const Predicate* verb(const std::string& english) { return predicate(lexicon().verbs, english); }
inline const Predicate* adjective(const std::string& english) { return predicate(lexicon().adjectives, english); }

/// A noun phrase that grows to the right: Noun_("책").adj("big").two("두").
struct N {
  NounPhrase phrase;

  explicit N(const std::string& stem) {
    for (const Noun& noun : lexicon().nouns)
      if (noun.stem == stem) phrase.noun = &noun;
    if (!phrase.noun) throw std::out_of_range(stem);
  }
  N adj(const std::string& english) const {
    return with([&](N& n) { n.phrase.adjectives.push_back(adjective(english)); });
  }
  N dem(const std::string& korean) const {
    return with([&](N& n) { n.phrase.demonstrative = word(lexicon().demonstratives, korean); });
  }
  N num(const std::string& korean) const {
    return with([&](N& n) { n.phrase.numeral = word(lexicon().numerals, korean); });
  }
  N many() const {
    return with([](N& n) { n.phrase.plural = true; });
  }
  N that(Gap gap, Tense tense, Clause clause) const {
    return with([&](N& n) { n.phrase.relative.push_back({tense, gap, std::move(clause)}); });
  }

 private:
  template <class Change>
  N with(Change change) const {
    N copy = *this;
    change(copy);
    return copy;
  }
};

/// A clause that grows to the right: C(verb("read")).topic(N("민수")).object(N("책")).
struct C {
  Clause clause;

  explicit C(const Predicate* predicate) { clause.predicate = predicate; }
  C& topic(const N& noun) {
    clause.topic = true;
    return subject(noun);
  }
  C& subject(const N& noun) {
    clause.subject.push_back(noun.phrase);
    return *this;
  }
  C& object(const N& noun) {
    clause.object.push_back(noun.phrase);
    return *this;
  }
  C& receiver(const N& noun) {
    clause.receiver.push_back(noun.phrase);
    return *this;
  }
  C& company(const N& noun) {
    clause.company.push_back(noun.phrase);
    return *this;
  }
  C& place(PlaceRole role, const N& noun) {
    clause.place.push_back({role, noun.phrase});
    return *this;
  }
  C& time(const std::string& korean, bool first = false) {
    for (const TimePhrase& time : lexicon().times)
      if (time.korean == korean) clause.time.push_back(&time);
    if (clause.time.empty()) throw std::out_of_range(korean);
    clause.time_first = first;
    return *this;
  }
  C& adverb(const std::string& korean) {
    clause.adverb.push_back(word(lexicon().adverbs, korean));
    return *this;
  }
  C& no() {
    clause.negated = true;
    return *this;
  }
  operator Clause() const { return clause; }  // NOLINT: trees are read more easily without a call
};

inline Sentence say(Tense tense, std::vector<Clause> clauses) { return {std::move(clauses), tense, false}; }
inline Sentence ask(Tense tense, std::vector<Clause> clauses) { return {std::move(clauses), tense, true}; }

}  // namespace qkv::grammar
