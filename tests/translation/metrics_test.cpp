#include "qkv/translation/metrics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "qkv/translation/bleu_words.h"

namespace qkv {
namespace {

std::vector<Sentence> split(const std::vector<std::string>& texts) {
  std::vector<Sentence> sentences;
  for (const std::string& text : texts) sentences.push_back(split_words(text));
  return sentences;
}

TEST(Metrics, AgreeWithSacrebleu) {
  const auto reference = nlohmann::json::parse(read_file(QKV_SOURCE_DIR "/tests/reference/metrics.json"));
  ASSERT_GE(reference["cases"].size(), 15u);
  for (const auto& expected : reference["cases"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    const auto hypotheses = split(expected["hypotheses"]), references = split(expected["references"]);
    EXPECT_NEAR(bleu(hypotheses, references), expected["bleu"].get<double>(), 1e-9);
    EXPECT_NEAR(chrf(hypotheses, references), expected["chrf"].get<double>(), 1e-9);
    EXPECT_EQ(in_bleu_words(hypotheses, BleuWords::mteval_13a), expected["words_13a"].get<std::vector<Sentence>>());
    EXPECT_NEAR(
        bleu(in_bleu_words(hypotheses, BleuWords::mteval_13a), in_bleu_words(references, BleuWords::mteval_13a)),
        expected["bleu_13a"].get<double>(), 1e-9);
  }
}

TEST(Metrics, HaveTheSignaturesOfSacrebleu) {
  const auto reference = nlohmann::json::parse(read_file(QKV_SOURCE_DIR "/tests/reference/metrics.json"));
  EXPECT_EQ(bleu_signature(BleuWords::as_given), reference["bleu"]);
  EXPECT_EQ(bleu_signature(BleuWords::mteval_13a), reference["bleu_13a"]);
  EXPECT_EQ(chrf_signature(), reference["chrf"]);
}

// By hand, Papineni et al. 2002, section 2.1: 2 of 7 unigrams, the rest nothing; exp smoothing makes the others
// 1/(2·6), 1/(4·5), 1/(8·4).
TEST(Metrics, ClipRepeatedWords) {
  const double expected = 100 * std::pow(2.0 / 7 / 12 / 20 / 32, 0.25);
  EXPECT_NEAR(bleu(split({"the the the the the the the"}), split({"the cat sat on a mat the"})), expected, 1e-12);
}

TEST(Metrics, CountExactMatches) {
  EXPECT_EQ(exact_match(split({"a b", "a", "", "b a"}), split({"a b", "b", "c", "a b"})), 0.25);
  EXPECT_EQ(exact_match(split({"a b"}), split({"a b"})), 1);
}

TEST(Metrics, ScoreByTheLengthOfTheSource) {
  std::vector<Sentence> sources, hypotheses, references;
  for (const std::size_t words : {1, 2, 4, 4, 5, 7, 11, 16, 17, 24, 25, 36, 37, 55, 90}) {
    sources.push_back(Sentence(words, "w"));
    references.push_back(split_words("a b c d e"));
    hypotheses.push_back(words == 4 ? split_words("x") : references.back());
  }
  const auto by_length = scores_by_length(sources, hypotheses, references);
  std::vector<std::string> names;
  std::vector<std::size_t> counts;
  for (const auto& part : by_length) {
    names.push_back(part.name());
    counts.push_back(part.scores.sentences);
    EXPECT_DOUBLE_EQ(part.scores.exact_match, part.name() == "2-4" ? 1.0 / 3 : 1);
    EXPECT_EQ(part.scores.bleu == 100, part.name() != "2-4");
    EXPECT_EQ(part.scores.chrf == 100, part.name() != "2-4");
  }
  EXPECT_EQ(names, (std::vector<std::string>{"1", "2-4", "5-7", "11-16", "17-24", "25-36", "37-54", "55+"}));
  EXPECT_EQ(counts, (std::vector<std::size_t>{1, 3, 2, 2, 2, 2, 1, 2}));
  const Scores whole = score(hypotheses, references);
  EXPECT_EQ(whole.sentences, 15u);
  EXPECT_DOUBLE_EQ(whole.exact_match, 13. / 15);
}

TEST(Metrics, RefuseSentencesWithoutPartners) {
  EXPECT_THROW(bleu(split({"a"}), split({"a", "b"})), std::invalid_argument);
  EXPECT_THROW(chrf({}, {}), std::invalid_argument);
  EXPECT_THROW(exact_match(split({"a", "b"}), split({"a"})), std::invalid_argument);
  EXPECT_THROW(scores_by_length(split({"a", "b"}), split({"a"}), split({"a"})), std::invalid_argument);
}

}  // namespace
}  // namespace qkv
