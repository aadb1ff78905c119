#include "qkv/translation/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <span>
#include <stdexcept>
#include <string_view>

#include "qkv/files/utf8.h"

namespace qkv {
namespace {

void check_sizes(std::string_view what, std::size_t hypotheses, std::size_t references) {
  if (hypotheses != references || hypotheses == 0) {
    throw std::invalid_argument(fmt::format(
        "{}: {} hypotheses and {} references; there must be as many, and at least one", what, hypotheses, references));
  }
}

/// How many n-grams the hypotheses and the references have, and how many of the hypotheses' are in the reference, each
/// counted at most as often as it is there.
struct Matches {
  double hypothesis = 0;
  double reference = 0;
  double both = 0;
};

/// All runs of n items, sorted.
template <class Item>
std::vector<std::span<const Item>> ngrams(std::span<const Item> items, std::size_t n) {
  std::vector<std::span<const Item>> runs;
  for (std::size_t i = 0; i + n <= items.size(); ++i) runs.push_back(items.subspan(i, n));
  std::sort(runs.begin(), runs.end(), [](auto a, auto b) { return std::ranges::lexicographical_compare(a, b); });
  return runs;
}

template <class Item>
Matches count_matches(std::span<const Item> hypothesis, std::span<const Item> reference, std::size_t n) {
  const auto a = ngrams(hypothesis, n), b = ngrams(reference, n);
  Matches matches{static_cast<double>(a.size()), static_cast<double>(b.size()), 0};
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

double bleu(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  check_sizes("bleu", hypotheses.size(), references.size());
  constexpr std::size_t orders = 4;
  std::array<Matches, orders> matches{};
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    for (std::size_t n = 1; n <= orders; ++n) {
      const auto [hypothesis, reference, both] = count_matches<std::string>(hypotheses[i], references[i], n);
      matches[n - 1].hypothesis += hypothesis;
      matches[n - 1].reference += reference;
      matches[n - 1].both += both;
    }
  }
  const bool nothing_right = matches[0].both == 0;
  const bool no_longest = matches[orders - 1].hypothesis == 0;
  if (nothing_right || no_longest) return 0;

  double sum_of_logarithms = 0, smoothing = 1;
  for (const Matches& order : matches) {
    if (order.both == 0) smoothing *= 2;
    const double right = order.both == 0 ? 1 / smoothing : order.both;
    sum_of_logarithms += std::log(right / order.hypothesis);
  }
  const double brevity_penalty = std::min(1.0, std::exp(1 - matches[0].reference / matches[0].hypothesis));
  return 100 * brevity_penalty * std::exp(sum_of_logarithms / static_cast<double>(orders));
}

double chrf(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  check_sizes("chrf", hypotheses.size(), references.size());
  constexpr std::size_t orders = 6;
  std::array<Matches, orders> matches{};
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const std::u32string hypothesis_letters = letters(hypotheses[i]), reference_letters = letters(references[i]);
    for (std::size_t n = 1; n <= orders; ++n) {
      const auto [hypothesis, reference, both] = count_matches<char32_t>(hypothesis_letters, reference_letters, n);
      // As sacrebleu: the n-grams of a hypothesis do not count where its reference is too short to have any.
      matches[n - 1].hypothesis += reference > 0 ? hypothesis : 0;
      matches[n - 1].reference += reference;
      matches[n - 1].both += both;
    }
  }
  double precision = 0, recall = 0, used_orders = 0;
  for (const Matches& order : matches) {
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

double exact_match(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  check_sizes("exact match", hypotheses.size(), references.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) right += hypotheses[i] == references[i];
  return static_cast<double>(right) / static_cast<double>(hypotheses.size());
}

Scores score(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  return {hypotheses.size(), exact_match(hypotheses, references), bleu(hypotheses, references),
          chrf(hypotheses, references)};
}

std::string LengthScores::name() const {
  if (longest == 0) return fmt::format("{}+", shortest);
  return shortest == longest ? fmt::to_string(shortest) : fmt::format("{}-{}", shortest, longest);
}

std::vector<LengthScores> scores_by_length(const std::vector<Sentence>& sources,
                                           const std::vector<Sentence>& hypotheses,
                                           const std::vector<Sentence>& references) {
  check_sizes("scores by length", hypotheses.size(), references.size());
  if (sources.size() != hypotheses.size()) {
    throw std::invalid_argument(
        fmt::format("scores by length: {} sources and {} hypotheses", sources.size(), hypotheses.size()));
  }
  constexpr std::array<std::array<std::size_t, 2>, 6> lengths = {{{1, 1}, {2, 4}, {5, 7}, {8, 10}, {11, 16}, {17, 0}}};
  std::vector<LengthScores> result;
  for (const auto [shortest, longest] : lengths) {
    std::vector<Sentence> chosen_hypotheses, chosen_references;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].size() < shortest || (longest > 0 && sources[i].size() > longest)) continue;
      chosen_hypotheses.push_back(hypotheses[i]);
      chosen_references.push_back(references[i]);
    }
    if (chosen_hypotheses.empty()) continue;
    result.push_back({shortest, longest, score(chosen_hypotheses, chosen_references)});
  }
  return result;
}

}  // namespace qkv
