#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "qkv/datasets/korean_english/conjugation.h"
#include "qkv/datasets/korean_english/english.h"
#include "qkv/datasets/korean_english/particles.h"

/// The words of the small world, read from the tables beside this file (compiled in).
namespace qkv::grammar {

enum class Tense { past, present, future };

/// Which article an English noun takes where Korean has none: an apple; bread; the park; Seoul; school (bare in a place
/// phrase without modifiers, *the school* otherwise).
enum class Article { a, mass, the, never, bare };

/// A demonstrative, a numeral, a counter or an adverb, with its English singular and plural where they differ.
struct Word {
  std::string korean, english, plural;
};

struct Noun {
  std::string stem;
  std::string nominative;  ///< the stem before 이/가, which differs for 저: 제가
  std::string english, plural;
  std::string object;  ///< as an object: me, us; otherwise as `english`
  Article article = Article::a;
  Agreement agreement = Agreement::third;
  const Word* counter = nullptr;  ///< null if the noun is not counted
  std::string location, goal;     ///< prepositions for 에/에서 and for 에 with a verb of motion; no goal: goes home
  std::vector<std::string> tags;  ///< what it is: person, food, …; verbs and adjectives choose by these
  bool pronoun = false, person = false, animal = false, name = false;
  std::size_t number = 0;  ///< its place in Lexicon::nouns

  bool is(const std::string& tag) const;
  bool is_mass() const { return article == Article::mass; }
  bool has_plural() const { return !plural.empty(); }
};

enum class Negation { an, ji, suppletive };

/// What a clause needs beside its subject.
enum class Frame {
  intransitive,  ///< nothing; a place if it likes
  motion,        ///< a place that cannot be left out: goes to the park
  transitive,    ///< an object
  ditransitive,  ///< an object and a receiver
  existence,     ///< 방에 책이 있습니다: there is a book in the room
  location,      ///< 책은 방에 있습니다: the book is in the room
  possession,    ///< 민수는 책이 있습니다: Minsu has a book
  quality,       ///< an adjective: the book is good
  weather,       ///< an adjective without a subject: it is cold
};

enum class PlaceRole { at, in, to, toward };

/// A verb or an adjective: what the clause says.
struct Predicate {
  std::string stem;
  StemClass stem_class = StemClass::regular;
  std::string english, past;
  Frame frame = Frame::intransitive;
  std::vector<const Noun*> subjects, objects;
  std::vector<bool> subject_numbers, object_numbers;  ///< the same, by Noun::number
  std::vector<PlaceRole> places;                      ///< the place phrases it may have
  bool company = false;                               ///< whether one does it with somebody
  Negation negation = Negation::an;
  std::string negative_stem;  ///< the suppletive one: 모르 beside 알, 없 beside 있
  StemClass negative_class = StemClass::regular;
  std::vector<const Word*> adverbs;
  std::array<bool, 3> adnominals{};  ///< the tenses, by Tense, in which it makes relative clauses
  bool timed = true;                 ///< whether it can be said of one day
  int order = 0;                     ///< of adjectives: quality and size 1, colour 2
  std::string scale;                 ///< of adjectives: big and small are of one scale; no noun has two of a scale

  bool is_adjective() const { return frame == Frame::quality || frame == Frame::weather; }
  bool takes_subject(const Noun& noun) const { return subject_numbers[noun.number]; }
  bool takes_object(const Noun& noun) const { return object_numbers[noun.number]; }
  /// The adjective before its noun: 큰, 빨간, 재미있는.
  std::string attributive() const;
};

struct TimePhrase {
  std::string korean;
  std::vector<std::string> english;
  std::array<bool, 3> tenses{};  ///< by Tense
};

struct Lexicon {
  std::deque<Noun> nouns;  // deques, since the entries point at each other
  std::deque<Predicate> verbs, adjectives, weather;
  std::deque<TimePhrase> times;
  std::deque<Word> demonstratives, numerals, counters, adverbs;
};

/// The lexicon, read on first use. Throws std::runtime_error with table, line and cause if a table is wrong.
const Lexicon& lexicon();

}  // namespace qkv::grammar
