// More sentences of the small grammar of docs/checkpoint, to learn from.
// small_grammar NUMBER FILE: writes so many different pairs, none of which stands in docs/checkpoint/valid.csv or
// test.csv.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <fmt/format.h>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/datasets/csv.h"

using namespace qkv;

struct Word {
  std::string korean, english;
};

const std::vector<Word> subjects{
    {"민수는", "Minsu"}, {"유나는", "Yuna"}, {"학생은", "the student"}, {"저는", "I"}, {"우리는", "we"}};
const std::vector<Word> adjectives{{"", ""}, {"큰", "big"}, {"작은", "small"}, {"새", "new"}};
const std::vector<Word> objects{{"그림을", "picture"}, {"나무를", "tree"}, {"책을", "book"}, {"집을", "house"}};
const std::vector<Word> verbs{{"봅니다", "see"}, {"삽니다", "buy"}, {"찾습니다", "find"}, {"그립니다", "draw"}};

void append(std::vector<std::string>& sentence, const std::string& words) {
  for (std::size_t start = 0; start < words.size();) {
    const std::size_t end = std::min(words.find(' ', start), words.size());
    sentence.push_back(words.substr(start, end - start));
    start = end + 1;
  }
}

/// One clause of 640: subject, object with or without an adjective, verb with or without *not*.
void add_clause(Pair& pair, Random& random) {
  const std::uint64_t person = random.below(subjects.size());
  const bool first_person = person > 2, negated = random.below(2) == 1;
  const Word& adjective = adjectives[random.below(adjectives.size())];
  const Word& object = objects[random.below(objects.size())];
  const Word& verb = verbs[random.below(verbs.size())];

  append(pair.source, subjects[person].korean + " " + adjective.korean);
  append(pair.source, object.korean + " " + (negated ? "안 " : "") + verb.korean);

  append(pair.target, subjects[person].english);
  if (negated)
    append(pair.target, (first_person ? "do not " : "does not ") + verb.english);
  else
    append(pair.target, verb.english + (first_person ? "" : "s"));
  append(pair.target, "a " + adjective.english);
  append(pair.target, object.english);
}

int main(int count, char** arguments) try {
  if (count != 3) throw std::invalid_argument("call it as: small_grammar NUMBER FILE");
  const std::string text = arguments[1];
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 20000)
    throw std::invalid_argument("NUMBER is from 1 to 20000, not " + text);

  std::set<std::vector<std::string>> known;
  for (const std::string name : {"valid", "test"})
    for (const Pair& pair : read_pairs("docs/checkpoint/" + name + ".csv")) known.insert(pair.source);

  Random random(1);
  std::vector<Pair> pairs;
  while (pairs.size() < number) {
    Pair pair;
    add_clause(pair, random);
    if (random.below(4) > 0) {  // three quarters have two clauses
      append(pair.source, ". 그리고");
      append(pair.target, "and");
      add_clause(pair, random);
    }
    append(pair.source, ".");
    append(pair.target, ".");
    if (known.insert(pair.source).second) pairs.push_back(pair);
  }
  write_pairs(arguments[2], pairs);
} catch (const std::exception& error) {
  fmt::print(stderr, "small_grammar: {}\n", error.what());
  return 1;
}
