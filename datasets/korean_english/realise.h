#pragma once

#include "qkv/datasets/korean_english/bitext.h"
#include "qkv/datasets/korean_english/syntax.h"

/// From the tree to the two sentences: the rules of both grammars, written once and together.
namespace qkv::grammar {

/// What the verb of a clause looks like.
enum class Form { final, joined, adnominal };

/// How a clause is put into words.
struct ClauseForm {
  Form form = Form::final;
  Tense tense = Tense::present;
  bool question = false;
  bool shared = false;  ///< the subject stands in an earlier clause
  Agreement shared_agreement = Agreement::third;
};

/// The predicate in both languages. English splits it up: the subject stands between `auxiliary` and `negation` in
/// questions.
struct Complex {
  Korean korean;
  English auxiliary, negation, main;
  int lexical = 0;  ///< the Korean word that carries the meaning
  int finite = 0;   ///< the Korean word that carries the ending
};

class Realiser {
 public:
  Pair sentence(const Sentence& sentence);

 private:
  KoreanWord korean(const std::string& text) { return {text, next_++}; }

  // noun_phrase.cpp
  Phrase noun_phrase(const NounPhrase& phrase, Particle particle);
  Phrase list(const std::vector<NounPhrase>& members, Particle particle);
  Phrase prepositional(const NounPhrase& phrase, Particle particle, const std::string& preposition);
  Phrase place(const PlacePhrase& phrase);
  static Phrase time(const TimePhrase& phrase, KoreanWord word);

  // predicate.cpp
  Complex predicate(const Clause& clause, const ClauseForm& form, Agreement agreement);
  void korean_predicate(const Clause& clause, const ClauseForm& form, Complex& complex);

  // clause.cpp
  Phrase clause(const Clause& clause, const ClauseForm& form);
  Phrase relative(const RelativeClause& relative, const NounPhrase& head);
  void subject(const Clause& clause, Phrase& phrase);
  Phrase complements(const Clause& clause);

  int next_ = 0;
};

/// Whether the English noun is plural: 학생들, 학생 두 명.
bool is_plural(const NounPhrase& phrase);

/// What the verb of this subject agrees with.
Agreement agreement(const std::vector<NounPhrase>& subject);

/// The pair that the tree stands for. The tree must keep the rules of rules.h.
inline Pair realise(const Sentence& sentence) { return Realiser{}.sentence(sentence); }

}  // namespace qkv::grammar
