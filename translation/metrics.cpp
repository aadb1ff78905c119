#include "qkv/translation/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <span>
#include <string_view>

#include "qkv/autograd/check.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

void check_sizes(std::string_view what, std::size_t hypotheses, std::size_t references) {
  check(hypotheses == references && hypotheses > 0,
        "{}: {} hypotheses and {} references; there must be as many, and at least one", what, hypotheses, references);
}

/// All runs of n items, sorted.
template <class Item>
std::vector<std::span<const Item>> ngrams(std::span<const Item> items, std::size_t n) {
  std::vector<std::span<const Item>> runs;
  for (std::size_t i = 0; i + n <= items.size(); ++i) runs.push_back(items.subspan(i, n));
  std::sort(runs.begin(), runs.end(), [](auto a, auto b) { return std::ranges::lexicographical_compare(a, b); });
  return runs;
}

template <class Item>
NgramMatches count_matches(std::span<const Item> hypothesis, std::span<const Item> reference, std::size_t n) {
  const auto a = ngrams(hypothesis, n), b = ngrams(reference, n);
  NgramMatches matches{static_cast<double>(a.size()), static_cast<double>(b.size()), 0};
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (std::ranges::equal(*i, *j)) {
      ++matches.both, ++i, ++j;
    } else if (std::ranges::lexicographical_compare(*i, *j)) {
      ++i;
    } else {
      ++j;
    }
  }
  return matches;
}

std::u32string letters(const Sentence& sentence) {
  std::string text;
  for (const std::string& word : sentence) text += word;
  return code_points(text);
}

}  // namespace

NgramMatches& NgramMatches::operator+=(const NgramMatches& other) {
  hypothesis += other.hypothesis;
  reference += other.reference;
  both += other.both;
  return *this;
}

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) {
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i] += other.orders[i];
  return *this;
}

ChrfCounts& ChrfCounts::operator+=(const ChrfCounts& other) {
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i] += other.orders[i];
  return *this;
}

BleuCounts bleu_counts(const Sentence& hypothesis, const Sentence& reference) {
  BleuCounts counts;
  for (std::size_t n = 1; n <= counts.orders.size(); ++n)
    counts.orders[n - 1] = count_matches<std::string>(hypothesis, reference, n);
  return counts;
}

double bleu(const BleuCounts& counts) {
  const NgramMatches &first = counts.orders.front(), &longest = counts.orders.back();
  const bool nothing_right = first.both == 0, no_longest = longest.hypothesis == 0;
  if (nothing_right || no_longest) return 0;
  double sum_of_logarithms = 0, smoothing = 1;
  for (const NgramMatches& order : counts.orders) {
    if (order.both == 0) smoothing *= 2;
    const double right = order.both == 0 ? 1 / smoothing : order.both;
    sum_of_logarithms += std::log(right / order.hypothesis);
  }
  const double brevity_penalty = std::min(1.0, std::exp(1 - first.reference / first.hypothesis));
  return 100 * brevity_penalty * std::exp(sum_of_logarithms / static_cast<double>(counts.orders.size()));
}

double bleu(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  check_sizes("bleu", hypotheses.size(), references.size());
  BleuCounts counts;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) counts += bleu_counts(hypotheses[i], references[i]);
  return bleu(counts);
}

ChrfCounts chrf_counts(const Sentence& hypothesis, const Sentence& reference) {
  const std::u32string hypothesis_letters = letters(hypothesis), reference_letters = letters(reference);
  ChrfCounts counts;
  for (std::size_t n = 1; n <= counts.orders.size(); ++n) {
    NgramMatches& order = counts.orders[n - 1];
    order = count_matches<char32_t>(hypothesis_letters, reference_letters, n);
    // As sacrebleu: the n-grams of a hypothesis do not count where its reference is too short to have any.
    if (order.reference == 0) order.hypothesis = 0;
  }
  return counts;
}

double chrf(const ChrfCounts& counts) {
  double precision = 0, recall = 0, used_orders = 0;
  for (const NgramMatches& order : counts.orders) {
    if (order.hypothesis == 0 || order.reference == 0) continue;
    precision += order.both / order.hypothesis;
    recall += order.both / order.reference;
    ++used_orders;
  }
  if (precision + recall == 0) return 0;
  precision /= used_orders;
  recall /= used_orders;
  constexpr double beta_squared = 4;
  return 100 * (1 + beta_squared) * precision * recall / (beta_squared * precision + recall);
}

double chrf(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  check_sizes("chrf", hypotheses.size(), references.size());
  ChrfCounts counts;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) counts += chrf_counts(hypotheses[i], references[i]);
  return chrf(counts);
}

double exact_match(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  check_sizes("exact match", hypotheses.size(), references.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) right += hypotheses[i] == references[i];
  return static_cast<double>(right) / static_cast<double>(hypotheses.size());
}

Scores score(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references, BleuWords bleu_words) {
  return {hypotheses.size(), exact_match(hypotheses, references),
          bleu(in_bleu_words(hypotheses, bleu_words), in_bleu_words(references, bleu_words)),
          chrf(hypotheses, references)};
}

std::string LengthScores::name() const {
  if (longest == 0) return fmt::format("{}+", shortest);
  return shortest == longest ? fmt::to_string(shortest) : fmt::format("{}-{}", shortest, longest);
}

std::vector<LengthScores> scores_by_length(const std::vector<Sentence>& sources,
                                           const std::vector<Sentence>& hypotheses,
                                           const std::vector<Sentence>& references, BleuWords bleu_words) {
  check_sizes("scores by length", hypotheses.size(), references.size());
  check(sources.size() == hypotheses.size(), "scores by length: {} sources and {} hypotheses", sources.size(),
        hypotheses.size());
  constexpr std::array<std::array<std::size_t, 2>, 9> lengths = {
      {{1, 1}, {2, 4}, {5, 7}, {8, 10}, {11, 16}, {17, 24}, {25, 36}, {37, 54}, {55, 0}}};
  std::vector<LengthScores> result;
  for (const auto [shortest, longest] : lengths) {
    std::vector<Sentence> chosen_hypotheses, chosen_references;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].size() < shortest || (longest > 0 && sources[i].size() > longest)) continue;
      chosen_hypotheses.push_back(hypotheses[i]);
      chosen_references.push_back(references[i]);
    }
    if (chosen_hypotheses.empty()) continue;
    result.push_back({shortest, longest, score(chosen_hypotheses, chosen_references, bleu_words)});
  }
  return result;
}

}  // namespace qkv
