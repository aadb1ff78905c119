#include "qkv/datasets/korean_english/realise.h"

namespace qkv::grammar {

/// The subject in both languages. English has *it* for the weather and *there* for what exists, where the Korean verb
/// has no word for it.
void Realiser::subject(const Clause& clause, Phrase& phrase) {
  if (clause.predicate->frame == Frame::weather) {
    phrase.english.push_back({"it", {}, {}});
  } else if (!clause.subject.empty()) {
    phrase = list(clause.subject, clause.topic ? Particle::topic : Particle::nominative);
  }
}

/// What stands between the subject and the verb in Korean, and after the verb in English:
/// company, place, receiver, object, adverb there; object, adverb, receiver, place, company here.
Phrase Realiser::complements(const Clause& clause) {
  Phrase company, where, receiver, object, adverb;
  for (const NounPhrase& phrase : clause.company) company = prepositional(phrase, Particle::with, "with");
  for (const PlacePhrase& phrase : clause.place) where = place(phrase);
  for (const NounPhrase& phrase : clause.receiver) receiver = prepositional(phrase, Particle::dative, "to");
  // 책이 있습니다: Korean says that a book is there, English that one has it
  const bool possession = clause.predicate->frame == Frame::possession;
  if (!clause.object.empty()) object = list(clause.object, possession ? Particle::nominative : Particle::accusative);
  for (const Word* word : clause.adverb) {
    adverb.korean.push_back(korean(word->korean));
    adverb.english.push_back({word->english, {adverb.korean.back().number}, {}});
  }
  Phrase result;
  for (const Phrase* phrase : {&company, &where, &receiver, &object, &adverb}) append(result.korean, phrase->korean);
  for (const Phrase* phrase : {&object, &adverb, &receiver, &where, &company}) append(result.english, phrase->english);
  return result;
}

/// A clause with its own subject or one shared with the clause before.
Phrase Realiser::clause(const Clause& clause, const ClauseForm& form) {
  Phrase subject_phrase, time_phrase;
  subject(clause, subject_phrase);
  for (const TimePhrase* phrase : clause.time) time_phrase = time(*phrase, korean(phrase->korean));
  const Phrase rest = complements(clause);
  const bool weather = clause.predicate->frame == Frame::weather;
  const Agreement agrees = weather ? Agreement::third : form.shared ? form.shared_agreement : agreement(clause.subject);
  Complex verb = predicate(clause, form, agrees);

  Phrase result;
  const bool exists = clause.predicate->frame == Frame::existence;
  if (clause.time_first) append(result.korean, time_phrase.korean);
  if (exists) {  // 방에 책이 있습니다
    if (!clause.time_first) append(result.korean, time_phrase.korean);
    append(result.korean, rest.korean);
    append(result.korean, subject_phrase.korean);
  } else {
    append(result.korean, subject_phrase.korean);
    if (!clause.time_first) append(result.korean, time_phrase.korean);
    append(result.korean, rest.korean);
  }
  append(result.korean, verb.korean);

  English& english = result.english;
  const English there{{"there", {verb.lexical}, {}}};
  const English& first = exists ? there : subject_phrase.english;
  if (form.question) append(english, verb.auxiliary);
  append(english, first);
  if (!form.question) append(english, verb.auxiliary);
  if (!exists) append(english, verb.negation);
  append(english, verb.main);
  if (exists) {
    if (clause.negated) {  // there is no book: *no* takes the place of *not* and of the article
      English& noun = subject_phrase.english;
      if (noun.front().sure.empty()) noun.erase(noun.begin());
      english.push_back({"no", {verb.finite}, {}});
      english.back().sure = verb.negation.front().sure;
    }
    append(english, subject_phrase.english);
  }
  append(english, rest.english);
  append(english, time_phrase.english);
  return result;
}

/// The relative clause of `head`: 책을 읽는 학생, a student who reads a book; 유나가 산 책, a book that Yuna bought.
Phrase Realiser::relative(const RelativeClause& relative, const NounPhrase& head) {
  const Clause& clause = relative.clause;
  Phrase subject_phrase;
  if (relative.gap == Gap::object) subject(clause, subject_phrase);
  const Phrase rest = complements(clause);
  const Agreement agrees = relative.gap == Gap::object ? agreement(clause.subject) : agreement({head});
  const Complex verb = predicate(clause, {Form::adnominal, relative.tense, false, false, Agreement::third}, agrees);

  Phrase result;
  append(result.korean, subject_phrase.korean);
  append(result.korean, rest.korean);
  append(result.korean, verb.korean);
  result.english.push_back({head.noun->person ? "who" : "that", {verb.finite}, {}});
  append(result.english, subject_phrase.english);
  append(result.english, verb.auxiliary);
  append(result.english, verb.negation);
  append(result.english, verb.main);
  append(result.english, rest.english);
  return result;
}

Pair Realiser::sentence(const Sentence& sentence) {
  Phrase result;
  Agreement shared = Agreement::third;
  for (std::size_t i = 0; i < sentence.clauses.size(); ++i) {
    const Clause& part = sentence.clauses[i];
    const bool last = i + 1 == sentence.clauses.size();
    const bool weather = part.predicate->frame == Frame::weather;
    const bool shares = part.subject.empty() && !weather;
    if (!part.subject.empty()) shared = agreement(part.subject);
    const Phrase phrase =
        clause(part, {last ? Form::final : Form::joined, sentence.tense, sentence.question, shares, shared});
    append(result.korean, phrase.korean);
    append(result.english, phrase.english);
    if (!last) result.english.push_back({"and", {phrase.korean.back().number}, {}});
  }
  result.korean.push_back(korean(sentence.question ? "?" : "."));
  result.english.push_back({sentence.question ? "?" : ".", {result.korean.back().number}, {}});
  return finish(result);
}

}  // namespace qkv::grammar
