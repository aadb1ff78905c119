#include "qkv/datasets/korean_english/lexicon.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wstringop-truncation"  // csv.h cuts names on purpose when it inlines into this file
#endif

#include <algorithm>
#include <csv.h>
#include <fmt/format.h>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "qkv/datasets/korean_english/lexicon_tables.h"

namespace qkv::grammar {
namespace {

/// One table, its columns named as in its first line.
template <unsigned columns>
class Table {
 public:
  template <class... Names>
  Table(const char* name, std::string_view text, Names... names)
      : name_(name), reader_(name, text.data(), text.data() + text.size()) {
    reader_.read_header(io::ignore_no_column, names...);
  }

  template <class... Columns>
  bool read(Columns&... values) {
    return reader_.read_row(values...);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(fmt::format("{}:{}: {}", name_, reader_.get_file_line(), what));
  }

 private:
  std::string name_;
  io::CSVReader<columns> reader_;
};

std::vector<std::string> split(const std::string& words) {
  std::istringstream stream(words);
  std::vector<std::string> parts;
  for (std::string word; stream >> word;) parts.push_back(word);
  return parts;
}

/// The meaning of a name in a table's column.
template <class Value, unsigned columns, std::size_t choices>
Value choose(const Table<columns>& table, const std::string& name,
             const std::pair<const char*, Value> (&values)[choices]) {
  for (const auto& [known, value] : values)
    if (name == known) return value;
  table.fail(fmt::format("'{}' is not one of the values of this column", name));
}

template <unsigned columns>
bool yes(const Table<columns>& table, const std::string& name) {
  return choose<bool>(table, name, {{"yes", true}, {"no", false}});
}

template <unsigned columns>
std::array<bool, 3> tenses(const Table<columns>& table, const std::string& names) {
  std::array<bool, 3> chosen{};
  for (const std::string& name : split(names)) {
    const auto tense =
        choose<Tense>(table, name, {{"past", Tense::past}, {"present", Tense::present}, {"future", Tense::future}});
    chosen[static_cast<std::size_t>(tense)] = true;
  }
  return chosen;
}

template <unsigned columns>
const Word* word(const Table<columns>& table, const std::deque<Word>& words, const std::string& korean) {
  const auto found = std::ranges::find(words, korean, &Word::korean);
  if (found == words.end()) table.fail(fmt::format("'{}' is not in words.csv", korean));
  return &*found;
}

/// The nouns that have one of these tags or are named themselves.
template <unsigned columns>
std::vector<const Noun*> choose_nouns(const Table<columns>& table, const Lexicon& lexicon, const std::string& names) {
  std::vector<const Noun*> chosen;
  for (const std::string& name : split(names)) {
    const std::size_t before = chosen.size();
    bool known = false;
    for (const Noun& noun : lexicon.nouns) {
      if (noun.stem != name && !noun.is(name)) continue;
      known = true;
      if (std::ranges::find(chosen, &noun) == chosen.end()) chosen.push_back(&noun);
    }
    if (!known || chosen.size() == before) table.fail(fmt::format("'{}' adds no noun", name));
  }
  return chosen;
}

std::vector<bool> by_number(const Lexicon& lexicon, const std::vector<const Noun*>& nouns) {
  std::vector<bool> chosen(lexicon.nouns.size());
  for (const Noun* noun : nouns) chosen[noun->number] = true;
  return chosen;
}

void read_words(Lexicon& lexicon) {
  Table<4> table("words.csv", tables::words, "korean", "kind", "english", "plural");
  std::string korean, kind, english, plural;
  while (table.read(korean, kind, english, plural)) {
    auto* words = choose<std::deque<Word>*>(table, kind,
                                            {{"demonstrative", &lexicon.demonstratives},
                                             {"numeral", &lexicon.numerals},
                                             {"counter", &lexicon.counters},
                                             {"adverb", &lexicon.adverbs}});
    words->push_back({korean, english, plural});
  }
}

void read_nouns(Lexicon& lexicon) {
  Table<8> table("nouns.csv", tables::nouns, "stem", "english", "plural", "article", "counter", "location", "goal",
                 "tags");
  std::string plural, article, counter, tags;
  Noun noun;
  while (table.read(noun.stem, noun.english, plural, article, counter, noun.location, noun.goal, tags)) {
    noun.nominative = noun.stem;
    noun.object = noun.english;
    noun.plural = plural == "-" ? "" : plural.empty() ? regular_plural(noun.english) : plural;
    noun.article = choose<Article>(table, article,
                                   {{"a", Article::a},
                                    {"mass", Article::mass},
                                    {"the", Article::the},
                                    {"never", Article::never},
                                    {"bare", Article::bare}});
    noun.counter = counter.empty() ? nullptr : word(table, lexicon.counters, counter);
    noun.tags = split(tags);
    noun.person = noun.is("person");
    noun.animal = noun.is("animal");
    noun.name = noun.is("name");
    noun.number = lexicon.nouns.size();
    lexicon.nouns.push_back(noun);
  }
}

void read_pronouns(Lexicon& lexicon) {
  Table<5> table("pronouns.csv", tables::pronouns, "stem", "nominative", "subject", "object", "agreement");
  std::string agreement;
  Noun noun;
  noun.article = Article::never;
  noun.tags = {"person", "pronoun"};
  noun.pronoun = noun.person = true;
  while (table.read(noun.stem, noun.nominative, noun.english, noun.object, agreement)) {
    noun.agreement = choose<Agreement>(table, agreement, {{"first", Agreement::first}, {"plural", Agreement::plural}});
    noun.number = lexicon.nouns.size();
    lexicon.nouns.push_back(noun);
  }
}

void read_verbs(Lexicon& lexicon) {
  Table<13> table("verbs.csv", tables::verbs, "stem", "class", "english", "past", "frame", "subjects", "objects",
                  "place", "company", "negation", "adverbs", "adnominals", "timed");
  std::string stem, kind, english, past, frame, subjects, objects, places, company, negation, adverbs, adnominals,
      timed;
  while (table.read(stem, kind, english, past, frame, subjects, objects, places, company, negation, adverbs, adnominals,
                    timed)) {
    Predicate verb;
    verb.stem = stem;
    verb.stem_class = stem_class(kind);
    verb.english = english;
    verb.past = past.empty() ? regular_past(english) : past;
    verb.frame = choose<Frame>(table, frame,
                               {{"intransitive", Frame::intransitive},
                                {"motion", Frame::motion},
                                {"transitive", Frame::transitive},
                                {"ditransitive", Frame::ditransitive},
                                {"existence", Frame::existence},
                                {"location", Frame::location},
                                {"possession", Frame::possession}});
    verb.subjects = choose_nouns(table, lexicon, subjects);
    verb.objects = choose_nouns(table, lexicon, objects);
    verb.subject_numbers = by_number(lexicon, verb.subjects);
    verb.object_numbers = by_number(lexicon, verb.objects);
    for (const std::string& place : split(places))
      verb.places.push_back(choose<PlaceRole>(
          table, place,
          {{"at", PlaceRole::at}, {"in", PlaceRole::in}, {"to", PlaceRole::to}, {"toward", PlaceRole::toward}}));
    verb.company = yes(table, company);
    verb.negation = negation == "안" ? Negation::an : negation == "지" ? Negation::ji : Negation::suppletive;
    if (verb.negation == Negation::suppletive) {
      verb.negative_stem = negation;
      verb.negative_class = negation.ends_with("르") ? StemClass::reu : StemClass::regular;
    }
    for (const std::string& adverb : split(adverbs)) verb.adverbs.push_back(word(table, lexicon.adverbs, adverb));
    verb.adnominals = tenses(table, adnominals);
    verb.timed = yes(table, timed);
    lexicon.verbs.push_back(std::move(verb));
  }
}

void read_adjectives(Lexicon& lexicon) {
  Table<8> table("adjectives.csv", tables::adjectives, "stem", "class", "english", "order", "scale", "nouns", "timed",
                 "impersonal");
  std::string stem, kind, english, scale, nouns, timed, impersonal;
  int order = 0;
  while (table.read(stem, kind, english, order, scale, nouns, timed, impersonal)) {
    Predicate adjective;
    adjective.stem = stem;
    adjective.stem_class = stem_class(kind);
    adjective.english = english;
    adjective.frame = Frame::quality;
    adjective.subjects = choose_nouns(table, lexicon, nouns);
    adjective.subject_numbers = by_number(lexicon, adjective.subjects);
    adjective.object_numbers = by_number(lexicon, {});
    adjective.negation = Negation::ji;
    adjective.timed = yes(table, timed);
    adjective.order = order;
    adjective.scale = scale;
    lexicon.adjectives.push_back(adjective);
    if (yes(table, impersonal)) {
      adjective.frame = Frame::weather;
      adjective.subjects.clear();
      lexicon.weather.push_back(adjective);
    }
  }
}

void read_times(Lexicon& lexicon) {
  Table<3> table("times.csv", tables::times, "korean", "english", "tenses");
  std::string korean, english, names;
  while (table.read(korean, english, names)) lexicon.times.push_back({korean, split(english), tenses(table, names)});
}

void read_lexicon(Lexicon& lexicon) {
  read_words(lexicon);
  read_nouns(lexicon);
  read_pronouns(lexicon);
  read_verbs(lexicon);
  read_adjectives(lexicon);
  read_times(lexicon);
}

}  // namespace

bool Noun::is(const std::string& tag) const { return std::ranges::find(tags, tag) != tags.end(); }

std::string Predicate::attributive() const {
  return conjugate(stem, stem_class, stem.ends_with("있") ? Ending::neun : Ending::eun);
}

const Lexicon& lexicon() {
  static const Lexicon& words = []() -> const Lexicon& {
    static Lexicon read;  // filled in place: the entries point at each other
    read_lexicon(read);
    return read;
  }();
  return words;
}

}  // namespace qkv::grammar
