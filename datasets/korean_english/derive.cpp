#include "qkv/datasets/korean_english/derive.h"

#include <algorithm>
#include <array>

#include "qkv/datasets/korean_english/rules.h"

namespace qkv::grammar {
namespace {

class Derivation {
 public:
  explicit Derivation(Random& random) : random_(random), words_(lexicon()), suppletive_(with_negative_stem()) {}

  std::optional<Sentence> sentence(int length) {
    Sentence sentence;
    sentence.tense = static_cast<Tense>(random_.below(3));
    sentence.question = chance(0.45);
    const int clauses = clause_count(length);
    const double weather = length == 2 ? 1.0 : length == 3 ? 0.08 : length == 4 ? 0.03 : 0.0;
    if (chance(weather)) {
      Clause clause;
      clause.predicate = &one_of(words_.weather);
      sentence.clauses.push_back(clause);
    }
    while (static_cast<int>(sentence.clauses.size()) < clauses) sentence.clauses.push_back(clause(sentence));
    int words = source_words(sentence);
    if (words > length || !broken_rule(sentence).empty()) return std::nullopt;
    for (int attempt = 0; attempt < 60 && words < length; ++attempt) {
      Clause& clause = one_of(sentence.clauses);
      Clause before = clause;
      grow(clause);
      const int longer = source_words(sentence);
      if (longer <= length && broken_rule(sentence).empty()) {
        words = longer;
      } else {
        clause = std::move(before);
      }
    }
    if (words == length) return sentence;
    return std::nullopt;
  }

 private:
  bool chance(double probability) { return random_.uniform() < probability; }

  template <class Items>
  auto one_of(Items& items) -> decltype(items[0]) {
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

  /// 있다 and 알다, whose negatives 없다 and 모르다 are words of their own and need to be met.
  const std::vector<const Predicate*>& with_negative_stem() const {
    static const std::vector<const Predicate*> all = [this] {
      std::vector<const Predicate*> verbs;
      for (const Predicate& verb : words_.verbs)
        if (verb.negation == Negation::suppletive) verbs.push_back(&verb);
      return verbs;
    }();
    return all;
  }

  NounPhrase noun_phrase(const Noun* noun) {
    NounPhrase phrase;
    phrase.noun = noun;
    const bool alive = noun->person || noun->animal;
    phrase.plural = alive && noun->has_plural() && chance(0.35);
    return phrase;
  }

  /// One of these nouns. Where people are meant, every fourth is a name and every eighth a pronoun.
  const Noun* noun(const std::vector<const Noun*>& nouns) {
    const double draw = random_.uniform();
    const bool name = draw < 0.25, pronoun = !name && draw < 0.39;
    for (int attempt = 0; attempt < 20; ++attempt) {
      const Noun* noun = one_of(nouns);
      if (noun->name == name && noun->pronoun == pronoun) return noun;
    }
    return one_of(nouns);
  }

  /// The people one can give something to or do something with.
  const std::vector<const Noun*>& people() {
    static const std::vector<const Noun*> all = tagged("person");
    return all;
  }

  const std::vector<const Noun*>& places() {
    static const std::vector<const Noun*> all = tagged("place");
    return all;
  }

  std::vector<const Noun*> tagged(const std::string& tag) const {
    std::vector<const Noun*> nouns;
    for (const Noun& noun : words_.nouns)
      if (noun.is(tag)) nouns.push_back(&noun);
    return nouns;
  }

  Clause clause(const Sentence& sentence) {
    Clause clause;
    const double kind = random_.uniform();
    clause.predicate = kind < 0.36   ? &one_of(words_.adjectives)
                       : kind < 0.42 ? one_of(suppletive_)
                                     : &one_of(words_.verbs);
    clause.negated = clause.predicate->negation == Negation::suppletive && chance(0.4);
    const bool shared = !sentence.clauses.empty() && chance(0.45);
    if (!shared) {
      clause.subject.push_back(noun_phrase(noun(clause.predicate->subjects)));
      if (clause.predicate->is_adjective() && chance(0.4)) describe_any(clause);
      clause.topic = chance(clause.predicate->is_adjective() ? 0.65 : 0.6);
    }
    complete(clause);
    return clause;
  }

  /// Takes the noun first and an adjective that fits it, so that every noun is described now and then.
  void describe_any(Clause& clause) {
    const Noun& noun = one_of(words_.nouns);
    const std::vector<const Predicate*> adjectives = fitting_adjectives(noun);
    if (adjectives.empty() || noun.person) return;
    const Predicate* adjective = one_of(adjectives);
    const Predicate* other = one_of(adjectives);  // of two, the one that fits fewer nouns and so is met less often
    clause.predicate = adjective->subjects.size() < other->subjects.size() ? adjective : other;
    clause.subject.front() = noun_phrase(&noun);
  }

  std::vector<const Predicate*> fitting_adjectives(const Noun& noun) const {
    std::vector<const Predicate*> fitting;
    for (const Predicate& adjective : words_.adjectives)
      if (adjective.takes_subject(noun)) fitting.push_back(&adjective);
    return fitting;
  }

  /// Adds what the predicate cannot do without.
  void complete(Clause& clause) {
    const Predicate& verb = *clause.predicate;
    if (!verb.objects.empty()) clause.object.push_back(noun_phrase(noun(verb.objects)));
    if (verb.frame == Frame::ditransitive) clause.receiver.push_back(person());
    if (verb.frame == Frame::motion || verb.frame == Frame::existence || verb.frame == Frame::location)
      add_place(clause);
    if (verb.frame == Frame::existence) clause.topic = false;
    if (verb.frame == Frame::possession || verb.frame == Frame::location) clause.topic = true;
  }

  NounPhrase person() {
    NounPhrase phrase;
    phrase.noun = noun(people());
    return phrase;
  }

  void add_place(Clause& clause) {
    PlacePhrase place;
    place.role = one_of(clause.predicate->places);
    place.place.noun = one_of(places());
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

  void grow(Clause& clause) {
    switch (one_of(growth_)) {
      case Growth::time:
        if (!clause.time.empty()) return;
        clause.time.push_back(&one_of(words_.times));
        clause.time_first = chance(0.4);
        return;
      case Growth::place:
        if (clause.place.empty() && !clause.predicate->places.empty()) add_place(clause);
        return;
      case Growth::company:
        if (clause.company.empty()) clause.company.push_back(person());
        return;
      case Growth::adverb:
        if (clause.adverb.empty() && !clause.predicate->adverbs.empty())
          clause.adverb.push_back(one_of(clause.predicate->adverbs));
        return;
      case Growth::adjective:
        return add_adjective(any_phrase(clause));
      case Growth::demonstrative:
        if (NounPhrase* phrase = any_phrase(clause)) phrase->demonstrative = &one_of(words_.demonstratives);
        return;
      case Growth::numeral:
        if (NounPhrase* phrase = any_phrase(clause)) phrase->numeral = &one_of(words_.numerals);
        return;
      case Growth::member:
        return add_member(clause);
      case Growth::relative:
        return add_relative(clause);
      case Growth::negation:
        clause.negated = true;
        return;
    }
  }

  void add_adjective(NounPhrase* phrase) {
    if (!phrase) return;
    const std::vector<const Predicate*> fitting = fitting_adjectives(*phrase->noun);
    if (fitting.empty()) return;
    phrase->adjectives.push_back(one_of(fitting));
    std::ranges::stable_sort(phrase->adjectives, {}, &Predicate::order);
  }

  /// A second noun with 와/과.
  void add_member(Clause& clause) {
    const bool of_object = !clause.object.empty() && chance(0.5);
    auto& list = of_object ? clause.object : clause.subject;
    if (list.size() != 1) return;
    std::vector<const Noun*> alike;
    for (const Noun* noun : of_object ? clause.predicate->objects : clause.predicate->subjects)
      if (noun->tags.front() == list.front().noun->tags.front()) alike.push_back(noun);
    NounPhrase phrase;
    phrase.noun = noun(alike);
    list.push_back(phrase);
  }

  void add_relative(Clause& clause) {
    auto& list = !clause.object.empty() && chance(0.5) ? clause.object : clause.subject;
    if (list.size() != 1 || !list.front().relative.empty()) return;
    NounPhrase& head = list.front();
    RelativeClause relative;
    relative.gap = head.noun->person || head.noun->animal ? (chance(0.2) ? Gap::object : Gap::subject) : Gap::object;
    std::vector<const Predicate*> fitting;
    for (const Predicate& verb : words_.verbs) {
      const bool fits = relative.gap == Gap::object ? verb.takes_object(*head.noun) : verb.takes_subject(*head.noun);
      if (fits) fitting.push_back(&verb);
    }
    if (fitting.empty()) return;
    relative.clause.predicate = one_of(fitting);
    relative.tense = static_cast<Tense>(random_.below(3));
    complete(relative.clause);
    relative.clause.topic = false;
    const bool intransitive = relative.clause.predicate->frame == Frame::intransitive;
    if (intransitive && (relative.tense != Tense::present || chance(0.3))) add_place(relative.clause);
    if (relative.gap == Gap::object) {
      relative.clause.object.clear();
      NounPhrase subject;
      subject.noun = noun(relative.clause.predicate->subjects);
      relative.clause.subject.push_back(subject);
    }
    const bool suppletive = relative.clause.predicate->negation == Negation::suppletive;
    relative.clause.negated = chance(suppletive ? 0.4 : 0.15);
    head.relative.push_back(relative);
  }

  enum class Growth { time, place, company, adverb, adjective, demonstrative, numeral, member, relative, negation };

  /// What a sentence grows by; what stands here twice happens twice as often.
  static constexpr std::array growth_{Growth::time,      Growth::place,     Growth::company,       Growth::adverb,
                                      Growth::adjective, Growth::adjective, Growth::demonstrative, Growth::numeral,
                                      Growth::numeral,   Growth::member,    Growth::member,        Growth::relative,
                                      Growth::relative,  Growth::relative,  Growth::relative,      Growth::negation};

  Random& random_;
  const Lexicon& words_;
  const std::vector<const Predicate*>& suppletive_;
};

}  // namespace

std::optional<Sentence> derive(int words, Random& random) { return Derivation(random).sentence(words); }

}  // namespace qkv::grammar
