#include "datasets/korean_english/derive.h"

#include <algorithm>

#include "datasets/korean_english/rules.h"

namespace qkv::grammar {
namespace {

class Derivation {
 public:
  explicit Derivation(Random& random) : random_(random), words_(lexicon()) {}

  std::optional<Sentence> sentence(int length) {
    Sentence sentence;
    sentence.tense = static_cast<Tense>(random_.below(3));
    sentence.question = chance(0.3);
    const int clauses = clause_count(length);
    const double weather = length == 2 ? 1.0 : length == 3 ? 0.08 : length == 4 ? 0.03 : 0.0;
    if (chance(weather)) {
      Clause clause;
      clause.predicate = &one_of(words_.weather);
      sentence.clauses.push_back(clause);
    }
    while (static_cast<int>(sentence.clauses.size()) < clauses) sentence.clauses.push_back(clause(sentence));
    if (source_words(sentence) > length || !broken_rule(sentence).empty()) return std::nullopt;
    for (int attempt = 0; attempt < 60; ++attempt) {
      const int missing = length - source_words(sentence);
      if (missing == 0) return sentence;
      Sentence grown = sentence;
      grow(grown);
      if (source_words(grown) <= length && broken_rule(grown).empty()) sentence = std::move(grown);
    }
    return std::nullopt;
  }

 private:
  bool chance(double probability) { return random_.uniform() < probability; }

  template <class Items>
  const typename Items::value_type& one_of(const Items& items) {
    return items[random_.below(items.size())];
  }

  int clause_count(int length) {
    const double draw = random_.uniform();
    if (length < 6) return 1;
    if (length < 9) return draw < 0.6 ? 1 : 2;
    if (length < 12) return draw < 0.25 ? 1 : draw < 0.8 ? 2 : 3;
    if (length < 17) return draw < 0.1 ? 1 : draw < 0.6 ? 2 : 3;
    return draw < 0.3 ? 2 : 3;
  }

  NounPhrase noun_phrase(const Noun* noun) {
    NounPhrase phrase;
    phrase.noun = noun;
    const bool alive = noun->is("person") || noun->is("animal");
    phrase.plural = alive && noun->has_plural() && chance(0.2);
    return phrase;
  }

  /// Names and pronouns are among the people, a little more often than each for itself.
  const Noun* noun(const std::vector<const Noun*>& nouns) {
    const Noun* drawn = one_of(nouns);
    return drawn;
  }

  const Noun* place_noun(PlaceRole) {
    std::vector<const Noun*> places;
    for (const Noun& noun : words_.nouns)
      if (noun.is("place")) places.push_back(&noun);
    return one_of(places);
  }

  Clause clause(const Sentence& sentence) {
    Clause clause;
    clause.predicate = chance(0.24) ? &one_of(words_.adjectives) : &one_of(words_.verbs);
    const bool shared = !sentence.clauses.empty() && chance(0.5);
    if (!shared) {
      clause.subject.push_back(noun_phrase(noun(clause.predicate->subjects)));
      clause.topic = chance(clause.predicate->is_adjective() ? 0.75 : 0.6);
    }
    complete(clause);
    return clause;
  }

  /// Adds what the predicate cannot do without.
  void complete(Clause& clause) {
    const Predicate& verb = *clause.predicate;
    if (!verb.objects.empty()) clause.object.push_back(noun_phrase(noun(verb.objects)));
    if (verb.frame == Frame::ditransitive) clause.receiver.push_back(receiver());
    if (verb.frame == Frame::motion || verb.frame == Frame::existence || verb.frame == Frame::location)
      add_place(clause);
    if (verb.frame == Frame::existence) clause.topic = false;
    if (verb.frame == Frame::possession || verb.frame == Frame::location) clause.topic = true;
  }

  NounPhrase receiver() {
    std::vector<const Noun*> people;
    for (const Noun& noun : words_.nouns)
      if (noun.is("person")) people.push_back(&noun);
    NounPhrase phrase;
    phrase.noun = one_of(people);
    return phrase;
  }

  void add_place(Clause& clause) {
    PlacePhrase place;
    place.role = one_of(clause.predicate->places);
    place.place.noun = place_noun(place.role);
    clause.place.push_back(place);
  }

  /// One of the noun phrases of the sentence.
  NounPhrase* any_phrase(Clause& clause) {
    std::vector<NounPhrase*> phrases;
    for (auto* list : {&clause.subject, &clause.company, &clause.receiver, &clause.object})
      for (NounPhrase& phrase : *list) {
        phrases.push_back(&phrase);
        for (RelativeClause& relative : phrase.relative)
          for (auto* inner : {&relative.clause.subject, &relative.clause.object})
            for (NounPhrase& deep : *inner) phrases.push_back(&deep);
      }
    for (PlacePhrase& place : clause.place) phrases.push_back(&place.place);
    return phrases.empty() ? nullptr : one_of(phrases);
  }

  void grow(Sentence& sentence) {
    Clause& clause = sentence.clauses[random_.below(sentence.clauses.size())];
    switch (random_.below(12)) {
      case 0:
        if (clause.time.empty()) {
          clause.time.push_back(&one_of(words_.times));
          clause.time_first = chance(0.4);
        }
        return;
      case 1:
        if (clause.place.empty() && !clause.predicate->places.empty()) add_place(clause);
        return;
      case 2:
        if (clause.company.empty()) clause.company.push_back(receiver());
        return;
      case 3:
        if (clause.adverb.empty() && !clause.predicate->adverbs.empty())
          clause.adverb.push_back(one_of(clause.predicate->adverbs));
        return;
      case 4:
      case 5:
      case 6:
        return add_adjective(any_phrase(clause));
      case 7:
        if (NounPhrase* phrase = any_phrase(clause)) phrase->demonstrative = &one_of(words_.demonstratives);
        return;
      case 8:
        if (NounPhrase* phrase = any_phrase(clause)) phrase->numeral = &one_of(words_.numerals);
        return;
      case 9:
        return add_member(clause);
      case 10:
        return add_relative(clause);
      default:
        clause.negated = chance(0.7);
        return;
    }
  }

  void add_adjective(NounPhrase* phrase) {
    if (!phrase) return;
    std::vector<const Predicate*> fitting;
    for (const Predicate& adjective : words_.adjectives)
      if (std::ranges::find(adjective.subjects, phrase->noun) != adjective.subjects.end())
        fitting.push_back(&adjective);
    if (fitting.empty()) return;
    phrase->adjectives.push_back(one_of(fitting));
    std::ranges::sort(phrase->adjectives, {}, &Predicate::order);
  }

  /// A second noun with 와/과.
  void add_member(Clause& clause) {
    const bool of_object = !clause.object.empty() && chance(0.5);
    auto& list = of_object ? clause.object : clause.subject;
    if (list.size() != 1) return;
    NounPhrase phrase;
    phrase.noun = noun(of_object ? clause.predicate->objects : clause.predicate->subjects);
    if (phrase.noun->tags.front() != list.front().noun->tags.front()) return;
    list.push_back(phrase);
  }

  void add_relative(Clause& clause) {
    auto& list = !clause.object.empty() && chance(0.5) ? clause.object : clause.subject;
    if (list.size() != 1 || !list.front().relative.empty()) return;
    NounPhrase& head = list.front();
    RelativeClause relative;
    const Predicate& verb = one_of(words_.verbs);
    relative.clause.predicate = &verb;
    relative.tense = static_cast<Tense>(random_.below(3));
    const bool object_gap = verb.takes_object(*head.noun) && (chance(0.7) || !head.noun->is("person"));
    relative.gap = object_gap ? Gap::object : Gap::subject;
    complete(relative.clause);
    relative.clause.topic = false;
    if (object_gap) {
      relative.clause.object.clear();
      NounPhrase subject;
      subject.noun = noun(verb.subjects);
      relative.clause.subject.push_back(subject);
    }
    relative.clause.negated = chance(0.15);
    head.relative.push_back(relative);
  }

  Random& random_;
  const Lexicon& words_;
};

}  // namespace

std::optional<Sentence> derive(int words, Random& random) { return Derivation(random).sentence(words); }

}  // namespace qkv::grammar
