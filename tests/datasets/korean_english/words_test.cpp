#include <gtest/gtest.h>
#include <map>
#include <string>

#include "qkv/datasets/korean_english/english.h"
#include "qkv/datasets/korean_english/lexicon.h"
#include "qkv/datasets/korean_english/particles.h"

namespace qkv::grammar {
namespace {

TEST(KoreanParticles, FollowTheFinalConsonant) {
  struct Row {
    const char *noun, *topic, *nominative, *accusative, *with, *toward;
  };
  for (const Row& row : {Row{"책", "책은", "책이", "책을", "책과", "책으로"},
                         Row{"학교", "학교는", "학교가", "학교를", "학교와", "학교로"},
                         Row{"서울", "서울은", "서울이", "서울을", "서울과", "서울로"},
                         Row{"공원", "공원은", "공원이", "공원을", "공원과", "공원으로"},
                         Row{"마을", "마을은", "마을이", "마을을", "마을과", "마을로"},
                         Row{"민수", "민수는", "민수가", "민수를", "민수와", "민수로"}}) {
    EXPECT_EQ(with_particle(row.noun, Particle::topic), row.topic);
    EXPECT_EQ(with_particle(row.noun, Particle::nominative), row.nominative);
    EXPECT_EQ(with_particle(row.noun, Particle::accusative), row.accusative);
    EXPECT_EQ(with_particle(row.noun, Particle::with), row.with);
    EXPECT_EQ(with_particle(row.noun, Particle::toward), row.toward);
  }
  EXPECT_EQ(with_particle("서울", Particle::at), "서울에서");
  EXPECT_EQ(with_particle("집", Particle::in), "집에");
  EXPECT_EQ(with_particle("유나", Particle::dative), "유나에게");
  EXPECT_EQ(with_particle("학생", Particle::none), "학생");
}

TEST(English, PresentAgreesWithTheSubject) {
  for (const auto& [verb, third] : std::map<std::string, std::string>{{"read", "reads"},
                                                                      {"wash", "washes"},
                                                                      {"catch", "catches"},
                                                                      {"fix", "fixes"},
                                                                      {"study", "studies"},
                                                                      {"play", "plays"},
                                                                      {"buy", "buys"},
                                                                      {"cry", "cries"},
                                                                      {"go", "goes"},
                                                                      {"have", "has"},
                                                                      {"close", "closes"}}) {
    EXPECT_EQ(present(verb, Agreement::third), third);
    EXPECT_EQ(present(verb, Agreement::first), verb);
    EXPECT_EQ(present(verb, Agreement::plural), verb);
  }
  EXPECT_EQ(be_present(Agreement::first), "am");
  EXPECT_EQ(be_present(Agreement::third), "is");
  EXPECT_EQ(be_present(Agreement::plural), "are");
  EXPECT_EQ(be_past(Agreement::first), "was");
  EXPECT_EQ(be_past(Agreement::third), "was");
  EXPECT_EQ(be_past(Agreement::plural), "were");
  EXPECT_EQ(do_present(Agreement::third), "does");
  EXPECT_EQ(do_present(Agreement::first), "do");
  EXPECT_EQ(do_present(Agreement::plural), "do");
}

TEST(English, RegularPastAndPlural) {
  for (const auto& [verb, past] : std::map<std::string, std::string>{
           {"learn", "learned"}, {"like", "liked"}, {"cry", "cried"}, {"play", "played"}, {"wash", "washed"}})
    EXPECT_EQ(regular_past(verb), past);
  for (const auto& [noun, plural] : std::map<std::string, std::string>{{"book", "books"},
                                                                       {"box", "boxes"},
                                                                       {"bus", "buses"},
                                                                       {"dish", "dishes"},
                                                                       {"watch", "watches"},
                                                                       {"dictionary", "dictionaries"},
                                                                       {"key", "keys"},
                                                                       {"boy", "boys"},
                                                                       {"photo", "photos"}})
    EXPECT_EQ(regular_plural(noun), plural);
}

TEST(English, IndefiniteArticleFollowsTheSound) {
  for (const char* word : {"apple", "egg", "email", "easy", "interesting", "umbrella", "orange", "hour", "English"})
    EXPECT_EQ(indefinite_article(word), "an") << word;
  for (const char* word : {"book", "big", "house", "university", "useful", "young", "yellow", "European", "one"})
    EXPECT_EQ(indefinite_article(word), "a") << word;
}

/// The irregular forms of the tables, by heart.
TEST(KoreanEnglishLexicon, IrregularPastsAndPlurals) {
  std::map<std::string, std::string> pasts, plurals;
  for (const Predicate& verb : lexicon().verbs) pasts[verb.english] = verb.past;
  for (const Noun& noun : lexicon().nouns) plurals[noun.english] = noun.plural;
  for (const auto& [verb, past] : std::map<std::string, std::string>{
           {"eat", "ate"},    {"read", "read"},    {"write", "wrote"},   {"drink", "drank"}, {"see", "saw"},
           {"buy", "bought"}, {"sell", "sold"},    {"make", "made"},     {"meet", "met"},    {"give", "gave"},
           {"send", "sent"},  {"hear", "heard"},   {"cut", "cut"},       {"build", "built"}, {"draw", "drew"},
           {"find", "found"}, {"wear", "wore"},    {"know", "knew"},     {"sleep", "slept"}, {"go", "went"},
           {"come", "came"},  {"run", "ran"},      {"sit", "sat"},       {"drive", "drove"}, {"choose", "chose"},
           {"have", "had"},   {"catch", "caught"}, {"study", "studied"}, {"cry", "cried"},   {"like", "liked"},
           {"bake", "baked"}, {"stay", "stayed"},  {"help", "helped"},   {"play", "played"}, {"dance", "danced"}})
    EXPECT_EQ(pasts[verb], past);
  for (const auto& [noun, plural] : std::map<std::string, std::string>{{"child", "children"},
                                                                       {"man", "men"},
                                                                       {"woman", "women"},
                                                                       {"wolf", "wolves"},
                                                                       {"knife", "knives"},
                                                                       {"potato", "potatoes"},
                                                                       {"fox", "foxes"},
                                                                       {"bread", ""},
                                                                       {"Minsu", ""}})
    EXPECT_EQ(plurals[noun], plural);
}

TEST(KoreanEnglishLexicon, IsAsLargeAsPromised) {
  EXPECT_GE(lexicon().nouns.size(), 80U);
  EXPECT_GE(lexicon().verbs.size(), 40U);
  EXPECT_GE(lexicon().adjectives.size(), 25U);
  for (const Noun& noun : lexicon().nouns) {
    if (!noun.name) continue;
    EXPECT_EQ(with_particle(noun.stem, Particle::topic), noun.stem + "는") << "names end in a vowel";
  }
}

TEST(KoreanEnglishLexicon, KeepsToTheSenseOfItsWords) {
  const auto find = [](const auto& entries, const std::string& english) -> const auto& {
    for (const auto& entry : entries)
      if (entry.english == english) return entry;
    throw std::out_of_range(english);
  };
  const Lexicon& words = lexicon();
  const auto noun = [&](const char* english) -> const Noun& { return find(words.nouns, english); };
  EXPECT_TRUE(find(words.verbs, "read").takes_object(noun("book")));
  EXPECT_FALSE(find(words.verbs, "read").takes_object(noun("apple")));
  EXPECT_TRUE(find(words.verbs, "sleep").takes_subject(noun("cat")));
  EXPECT_FALSE(find(words.verbs, "sleep").takes_subject(noun("chair")));
  EXPECT_FALSE(find(words.verbs, "read").takes_subject(noun("cat")));
  EXPECT_FALSE(find(words.verbs, "drink").takes_object(noun("bread")));
  EXPECT_FALSE(find(words.verbs, "wear").takes_object(noun("desk")));
  EXPECT_FALSE(find(words.adjectives, "busy").takes_subject(noun("book")));
  EXPECT_FALSE(find(words.adjectives, "expensive").takes_subject(noun("student")));
  EXPECT_FALSE(find(words.adjectives, "young").takes_subject(noun("child")));
}

}  // namespace
}  // namespace qkv::grammar
