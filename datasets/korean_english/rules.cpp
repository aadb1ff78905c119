#include "qkv/datasets/korean_english/rules.h"

#include <algorithm>

#include "qkv/datasets/korean_english/realise.h"

namespace qkv::grammar {
namespace {

using Phrases = std::vector<NounPhrase>;

bool has_relative(const Phrases& phrases) {
  return std::ranges::any_of(phrases, [](const NounPhrase& phrase) { return !phrase.relative.empty(); });
}

bool all_people(const Phrases& phrases) {
  return std::ranges::all_of(phrases, [](const NounPhrase& phrase) { return phrase.noun->person; });
}

bool same_kind(const Clause& a, const Clause& b) {
  return a.predicate->is_adjective() == b.predicate->is_adjective() &&
         (a.predicate->frame == Frame::location) == (b.predicate->frame == Frame::location);
}

std::string_view noun_phrase_rule(const NounPhrase& phrase, bool topic) {
  const Noun& noun = *phrase.noun;
  const bool modified = phrase.demonstrative || phrase.numeral || phrase.plural || !phrase.adjectives.empty();
  if (noun.article == Article::never && (modified || !phrase.relative.empty())) return "a name takes no modifier";
  if (phrase.numeral && !noun.counter) return "the noun is not counted";
  if (phrase.numeral && (phrase.demonstrative || phrase.plural)) return "a numeral stands without 이 and -들";
  if (phrase.numeral && topic && !is_plural(phrase)) return "한 does not go with a topic";
  if (phrase.plural && !(noun.person || noun.animal)) return "-들 is for people and animals";
  if (phrase.demonstrative && noun.is_mass()) return "a mass noun takes no demonstrative";
  if (phrase.demonstrative && !phrase.relative.empty()) return "a demonstrative does not follow a relative clause";
  if (phrase.adjectives.size() > 2) return "two adjectives at most";
  if (noun.is("home") && modified) return "home takes no modifier";
  if (phrase.adjectives.size() == 2 && phrase.adjectives[0]->order >= phrase.adjectives[1]->order)
    return "adjectives stand in order";
  for (const Predicate* adjective : phrase.adjectives)
    if (!adjective->takes_subject(noun)) return "the adjective does not fit the noun";
  return "";
}

std::string_view list_rule(const Phrases& phrases, bool topic) {
  for (const NounPhrase& phrase : phrases)
    if (const std::string_view rule = noun_phrase_rule(phrase, topic); !rule.empty()) return rule;
  if (phrases.size() < 2) return "";
  for (const NounPhrase& phrase : phrases) {
    if (phrase.noun->pronoun || phrase.numeral || phrase.plural || phrase.demonstrative || !phrase.relative.empty())
      return "와/과 joins plain nouns";
    if (phrase.noun->tags.front() != phrases.front().noun->tags.front()) return "와/과 joins nouns of one kind";
    const Noun& noun = *phrase.noun;
    if (!noun.person && !noun.animal && !noun.is("food") && !noun.is("drink"))
      return "와/과 joins people, animals, food or drink";
    if (phrase.adjectives.size() > 1) return "와/과 joins nouns with one adjective at most";
  }
  return "";
}

/// Whether an adjective before the noun and the predicate (or two adjectives) say things of one scale: big and small.
bool same_scale(const NounPhrase& phrase, const Predicate& predicate) {
  return !predicate.scale.empty() && std::ranges::any_of(phrase.adjectives, [&](const Predicate* adjective) {
    return adjective->scale == predicate.scale;
  });
}

/// The rules of one clause that do not depend on the sentence around it.
std::string_view clause_rule(const Clause& clause) {
  const Predicate& predicate = *clause.predicate;
  for (const Phrases* phrases : {&clause.object, &clause.receiver, &clause.company})
    if (const std::string_view rule = list_rule(*phrases, false); !rule.empty()) return rule;
  if (const std::string_view rule = list_rule(clause.subject, clause.topic); !rule.empty()) return rule;
  for (const PlacePhrase& phrase : clause.place) {
    if (const std::string_view rule = noun_phrase_rule(phrase.place, false); !rule.empty()) return rule;
    if (std::ranges::find(predicate.places, phrase.role) == predicate.places.end()) return "not a place of this verb";
  }
  for (const NounPhrase& phrase : clause.subject) {
    if (!predicate.takes_subject(*phrase.noun)) return "the subject does not fit the verb";
    if (same_scale(phrase, predicate)) return "one thing of each scale";
  }
  for (const NounPhrase& phrase : clause.object)
    if (!predicate.takes_object(*phrase.noun)) return "the object does not fit the verb";
  const bool needs_place =
      predicate.frame == Frame::motion || predicate.frame == Frame::existence || predicate.frame == Frame::location;
  if (needs_place && clause.place.empty()) return "the place cannot be left out";
  if ((predicate.frame == Frame::ditransitive) != !clause.receiver.empty())
    return "exactly the verbs of giving have 에게";
  if (!clause.company.empty()) {
    if (!predicate.company) return "not done with somebody";
    if (clause.object.size() > 1 || has_relative(clause.object)) return "company stands before one plain object only";
    if (!clause.object.empty() && all_people(clause.object)) return "company does not stand before a person";
  }
  if (clause.object.size() > 1 && all_people(clause.object)) return "와/과 between people is the subject's or company";
  if (!clause.adverb.empty()) {
    if (std::ranges::find(predicate.adverbs, clause.adverb.front()) == predicate.adverbs.end())
      return "the adverb does not fit the verb";
    if (clause.negated) return "an adverb stands in a positive clause";
    if (has_relative(clause.object)) return "no adverb after a relative clause in English";
  }
  // A phrase of the main clause before a relative clause would be read as a part of it.
  const bool phrases_before_object =
      !clause.time.empty() || !clause.place.empty() || !clause.company.empty() || !clause.receiver.empty();
  if (has_relative(clause.object) && phrases_before_object) return "no phrase of the clause before a relative clause";
  if (has_relative(clause.subject) && (clause.time_first || predicate.frame == Frame::existence))
    return "no phrase of the clause before a relative clause";
  if (has_relative(clause.place.empty() ? Phrases{} : Phrases{clause.place.front().place}) ||
      has_relative(clause.receiver) || has_relative(clause.company))
    return "relative clauses belong to subjects and objects";
  if (has_relative(clause.subject) && has_relative(clause.object)) return "one relative clause in a clause";
  if (has_relative(clause.object) && !clause.topic && !clause.subject.empty() &&
      clause.object.front().relative.front().gap == Gap::object)
    return "no 이/가 right before another";
  if (predicate.frame == Frame::existence) {
    if (clause.topic) return "what exists is new: 이/가";
    if (clause.subject.front().demonstrative || clause.subject.front().noun->article == Article::never)
      return "what exists is indefinite";
    if (clause.subject.size() > 1) return "one thing exists";
    if (clause.negated && clause.subject.front().numeral) return "none of a number";
  }
  if (predicate.frame == Frame::possession && clause.negated && !clause.object.empty() && clause.object.front().numeral)
    return "none of a number";
  const bool needs_topic = predicate.frame == Frame::possession || predicate.frame == Frame::location;
  if (needs_topic && !clause.subject.empty() && !clause.topic) return "who has and what is somewhere are topics";
  return "";
}

void collect(const Clause& clause, std::vector<const void*>& content);

void collect(const NounPhrase& phrase, std::vector<const void*>& content) {
  content.push_back(phrase.noun);
  if (phrase.numeral) content.push_back(phrase.numeral);
  content.insert(content.end(), phrase.adjectives.begin(), phrase.adjectives.end());
  for (const RelativeClause& relative : phrase.relative) collect(relative.clause, content);
}

/// The content words of a clause, by address.
void collect(const Clause& clause, std::vector<const void*>& content) {
  for (const Phrases* phrases : {&clause.subject, &clause.company, &clause.receiver, &clause.object})
    for (const NounPhrase& phrase : *phrases) collect(phrase, content);
  for (const PlacePhrase& phrase : clause.place) collect(phrase.place, content);
  content.insert(content.end(), clause.adverb.begin(), clause.adverb.end());
  content.insert(content.end(), clause.time.begin(), clause.time.end());
  content.push_back(clause.predicate);
}

std::string_view relative_rule(const NounPhrase& head, const RelativeClause& relative) {
  const Clause& clause = relative.clause;
  const Predicate& predicate = *clause.predicate;
  if (predicate.is_adjective() || !predicate.adnominals[static_cast<std::size_t>(relative.tense)])
    return "the verb has no such relative clause";
  if (!clause.time.empty() || !clause.company.empty()) return "relative clauses have neither time nor company";
  Clause whole = clause;  // with the head noun back in its place
  NounPhrase gap;
  gap.noun = head.noun;
  (relative.gap == Gap::subject ? whole.subject : whole.object).push_back(gap);
  if (relative.gap == Gap::subject)
    whole.topic = predicate.frame == Frame::possession || predicate.frame == Frame::location;
  if (relative.gap == Gap::object && clause.topic) return "relative clauses have no topic";
  if (relative.gap == Gap::object && predicate.objects.empty()) return "there is no object to be the head";
  if (has_relative(clause.subject) || has_relative(clause.object)) return "relative clauses are not nested";
  if (predicate.frame == Frame::intransitive && relative.tense != Tense::present && clause.place.empty())
    return "who slept: where?";
  if (relative.gap == Gap::object && !clause.subject.empty() && clause.subject.front().demonstrative)
    return "no that that in English";
  if (whole.subject.size() != 1 || whole.object.size() > 1) return "a relative clause lacks exactly its head noun";
  return clause_rule(whole);
}

std::string_view relatives_rule(const Clause& clause) {
  for (const Phrases* phrases : {&clause.subject, &clause.object})
    for (const NounPhrase& head : *phrases)
      for (const RelativeClause& relative : head.relative)
        if (const std::string_view rule = relative_rule(head, relative); !rule.empty()) return rule;
  return "";
}

/// The clause whose subject clause `i` has, its own or a shared one.
const Clause& with_subject(const Sentence& sentence, std::size_t i) {
  while (sentence.clauses[i].subject.empty() && i > 0) --i;
  return sentence.clauses[i];
}

/// The rules for a clause at its place in the sentence.
std::string_view position_rule(const Sentence& sentence, std::size_t i) {
  const Clause& clause = sentence.clauses[i];
  const bool weather = clause.predicate->frame == Frame::weather;
  const bool shares = clause.subject.empty() && !weather;
  if (weather && sentence.clauses.size() > 1) return "the weather stands alone";
  if (shares && i == 0) return "the first clause has a subject";
  if (shares && sentence.clauses[i - 1].predicate->frame == Frame::existence) return "what exists is not taken up";
  if (shares && clause.predicate->frame == Frame::existence) return "what exists has its own subject";
  if (shares) {
    const Clause& before = sentence.clauses[i - 1];
    if (!same_kind(before, clause)) return "a shared subject joins like with like";
    if (clause.predicate->is_adjective() && (before.negated || clause.negated)) return "joined adjectives are positive";
    if (sentence.question && before.negated) return "no negation before a shared subject in a question";
    if (before.negated && sentence.tense == Tense::present &&
        agreement(with_subject(sentence, i).subject) != Agreement::third)
      return "we do not walk and work: not what?";
    if (!clause.time.empty()) return "time stands in the clause with the subject";
    if (has_relative(clause.object)) return "no relative clause right after -고";
  }
  if (i > 0 && has_relative(clause.subject)) return "no relative clause right after -고";
  if (i > 0 && sentence.clauses[i - 1].predicate->is_adjective() && !clause.subject.empty() &&
      !clause.subject.front().demonstrative && !clause.subject.front().adjectives.empty())
    return "no adjective right after the -고 of another";
  if (i > 0 && clause.time_first) return "time before the subject opens the sentence";
  for (const TimePhrase* time : clause.time) {
    if (!time->tenses[static_cast<std::size_t>(sentence.tense)]) return "the time does not fit the tense";
    if (!clause.predicate->timed) return "said for all time";
  }
  for (const NounPhrase& phrase : clause.subject)
    if (sentence.question && phrase.noun->agreement == Agreement::first) return "one does not ask about oneself";
  return "";
}

}  // namespace

std::string_view broken_rule(const Sentence& sentence) {
  std::vector<const void*> content;
  for (std::size_t i = 0; i < sentence.clauses.size(); ++i) {
    const Clause& clause = sentence.clauses[i];
    if (const std::string_view rule = position_rule(sentence, i); !rule.empty()) return rule;
    if (clause.subject.empty() && i > 0) {  // check the shared subject against this verb too
      const Clause& owner = with_subject(sentence, i);
      for (const NounPhrase& phrase : owner.subject) {
        if (!clause.predicate->takes_subject(*phrase.noun)) return "the subject does not fit the verb";
        if (same_scale(phrase, *clause.predicate)) return "one thing of each scale";
      }
      if (!clause.predicate->scale.empty() && clause.predicate->scale == sentence.clauses[i - 1].predicate->scale)
        return "one thing of each scale";
      if (clause.predicate->frame == Frame::possession && !owner.topic) return "who has is a topic";
    }
    if (const std::string_view rule = clause_rule(clause); !rule.empty()) return rule;
    if (const std::string_view rule = relatives_rule(clause); !rule.empty()) return rule;
    collect(clause, content);
  }
  if (std::ranges::count_if(sentence.clauses, [](const Clause& clause) { return !clause.time.empty(); }) > 1)
    return "one time for the sentence";
  std::ranges::sort(content);
  if (std::ranges::adjacent_find(content) != content.end()) return "every content word once";
  return "";
}

namespace {

int words(const Clause& clause, bool final_future);

int words(const NounPhrase& phrase) {
  int count =
      1 + (phrase.demonstrative ? 1 : 0) + (phrase.numeral ? 2 : 0) + static_cast<int>(phrase.adjectives.size());
  for (const RelativeClause& relative : phrase.relative) count += words(relative.clause, false);
  return count;
}

int words(const Clause& clause, bool final_future) {
  int count = 1 + static_cast<int>(clause.time.size() + clause.adverb.size());
  if (clause.negated && clause.predicate->negation != Negation::suppletive) ++count;
  if (final_future) ++count;
  for (const Phrases* phrases : {&clause.subject, &clause.company, &clause.receiver, &clause.object})
    for (const NounPhrase& phrase : *phrases) count += words(phrase);
  for (const PlacePhrase& phrase : clause.place) count += words(phrase.place);
  return count;
}

}  // namespace

int source_words(const Sentence& sentence) {
  int count = 1;
  for (std::size_t i = 0; i < sentence.clauses.size(); ++i)
    count += words(sentence.clauses[i], i + 1 == sentence.clauses.size() && sentence.tense == Tense::future);
  return count;
}

}  // namespace qkv::grammar
