#pragma once

#include <vector>

#include "qkv/datasets/korean_english/lexicon.h"

/// The tree of a sentence. It says what the sentence means; both languages and the links between them are read off it,
/// so that a translation cannot be wrong without the rules being wrong. An optional part is a vector of none or one.
namespace qkv::grammar {

struct RelativeClause;

/// 유나가 산 큰 책 두 권: two big books that Yuna bought.
struct NounPhrase {
  const Noun* noun = nullptr;
  const Word* demonstrative = nullptr;
  std::vector<const Predicate*> adjectives;
  const Word* numeral = nullptr;
  bool plural = false;  ///< -들; a numeral makes a plural without it
  std::vector<RelativeClause> relative;
};

struct PlacePhrase {
  PlaceRole role = PlaceRole::at;
  NounPhrase place;
};

struct Clause {
  std::vector<NounPhrase>
      subject;         ///< two are joined by 와/과; none: shared with the clause before, the gap, or weather
  bool topic = false;  ///< 은/는 rather than 이/가
  std::vector<const TimePhrase*> time;
  bool time_first = false;  ///< before the subject rather than after it
  std::vector<NounPhrase> company;
  std::vector<PlacePhrase> place;
  std::vector<NounPhrase> receiver;
  std::vector<NounPhrase> object;  ///< two are joined by 와/과
  std::vector<const Word*> adverb;
  const Predicate* predicate = nullptr;
  bool negated = false;
};

enum class Gap { subject, object };

/// A clause before its head noun, which it lacks as its subject or its object.
struct RelativeClause {
  Tense tense = Tense::present;
  Gap gap = Gap::subject;
  Clause clause;
};

/// Clauses joined by -고. Tense and question stand on the last verb and hold for all.
struct Sentence {
  std::vector<Clause> clauses;
  Tense tense = Tense::present;
  bool question = false;
};

}  // namespace qkv::grammar
