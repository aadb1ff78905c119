#include "qkv/datasets/korean_english/realise.h"

namespace qkv::grammar {
namespace {

/// The article, if the noun takes one here; `next` is the English word it will stand before.
std::string article(const NounPhrase& phrase, Particle particle, const std::string& next) {
  const Article kind = phrase.noun->article;
  if (kind == Article::never || phrase.demonstrative) return "";
  if (particle == Particle::topic || kind == Article::the) return "the";
  if (kind == Article::bare) {
    const bool in_place_phrase = particle == Particle::at || particle == Particle::in || particle == Particle::toward;
    return in_place_phrase && phrase.adjectives.empty() ? "" : "the";
  }
  if (phrase.numeral || is_plural(phrase) || kind == Article::mass) return "";
  return indefinite_article(next);
}

}  // namespace

bool is_plural(const NounPhrase& phrase) {
  return phrase.plural || (phrase.numeral && phrase.numeral->english != "one");
}

Agreement agreement(const std::vector<NounPhrase>& subject) {
  if (subject.size() > 1 || is_plural(subject.front())) return Agreement::plural;
  return subject.front().noun->agreement;
}

/// [relative clause] [demonstrative] [adjectives] noun [numeral counter] becomes
/// [determiner] [numeral] [cups of] [adjectives] noun [relative clause].
Phrase Realiser::noun_phrase(const NounPhrase& phrase, Particle particle) {
  const Noun& noun = *phrase.noun;
  Phrase result;
  Phrase relative_clause;
  if (!phrase.relative.empty()) relative_clause = relative(phrase.relative.front(), phrase);
  append(result.korean, relative_clause.korean);

  English determiner, modifiers, numeral, measure;
  if (phrase.demonstrative) {
    result.korean.push_back(korean(phrase.demonstrative->korean));
    const Word& word = *phrase.demonstrative;
    determiner.push_back({is_plural(phrase) ? word.plural : word.english, {result.korean.back().number}, {}});
  }
  for (const Predicate* adjective : phrase.adjectives) {
    result.korean.push_back(korean(adjective->attributive()));
    modifiers.push_back({adjective->english, {result.korean.back().number}, {}});
  }

  const Particle on_noun = phrase.numeral ? Particle::none : particle;
  const std::string& stem = on_noun == Particle::nominative ? noun.nominative : noun.stem;
  result.korean.push_back(korean(with_particle(stem + (phrase.plural ? "들" : ""), on_noun)));
  const int head = result.korean.back().number;
  if (phrase.numeral) {
    result.korean.push_back(korean(phrase.numeral->korean));
    numeral.push_back({phrase.numeral->english, {result.korean.back().number}, {}});
    result.korean.push_back(korean(with_particle(noun.counter->korean, particle)));
    const Word& counter = *noun.counter;
    if (!counter.english.empty()) {
      measure.push_back({is_plural(phrase) ? counter.plural : counter.english, {result.korean.back().number}, {}});
      measure.push_back({"of", {}, {}});
    }
  }

  const bool as_subject = particle == Particle::topic || particle == Particle::nominative;
  const std::string& singular = as_subject ? noun.english : noun.object;
  const EnglishWord english{is_plural(phrase) && measure.empty() ? noun.plural : singular, {head}, {}};
  const std::string& next = modifiers.empty() ? english.text : modifiers.front().text;
  if (const std::string word = article(phrase, particle, next); !word.empty()) determiner.push_back({word, {}, {head}});

  append(result.english, determiner);
  append(result.english, numeral);
  append(result.english, measure);
  append(result.english, modifiers);
  result.english.push_back(english);
  append(result.english, relative_clause.english);
  return result;
}

/// One phrase, or two joined by 와/과. The last particle decides for both whether they are definite.
Phrase Realiser::list(const std::vector<NounPhrase>& members, Particle particle) {
  if (members.size() == 1) return noun_phrase(members.front(), particle);
  Phrase first = noun_phrase(members[0], particle);
  first.korean.back().text = with_particle(members[0].noun->stem, Particle::with);
  const int joined = first.korean.back().number;
  const Phrase second = noun_phrase(members[1], particle);
  first.english.push_back({"and", {joined}, {}});
  append(first.korean, second.korean);
  append(first.english, second.english);
  return first;
}

/// The preposition renders the particle, which stands on the last word of the phrase.
Phrase Realiser::prepositional(const NounPhrase& phrase, Particle particle, const std::string& preposition) {
  Phrase result = noun_phrase(phrase, particle);
  if (!preposition.empty())
    result.english.insert(result.english.begin(), {preposition, {result.korean.back().number}, {}});
  return result;
}

Phrase Realiser::place(const PlacePhrase& phrase) {
  const Noun& noun = *phrase.place.noun;
  switch (phrase.role) {
    case PlaceRole::at:
      return prepositional(phrase.place, Particle::at, noun.location);
    case PlaceRole::in:
      return prepositional(phrase.place, Particle::in, noun.location);
    case PlaceRole::to:
      return prepositional(phrase.place, Particle::in, noun.goal);
    case PlaceRole::toward:
      return prepositional(phrase.place, Particle::toward, "toward");
  }
  return {};
}

/// All words of a time phrase come from one Korean word: 아침에, in the morning.
Phrase Realiser::time(const TimePhrase& phrase, KoreanWord word) {
  Phrase result;
  for (const std::string& english : phrase.english) {
    if (english == "the") {
      result.english.push_back({english, {}, {word.number}});
    } else {
      result.english.push_back({english, {word.number}, {}});
    }
  }
  result.korean.push_back(std::move(word));
  return result;
}

}  // namespace qkv::grammar
