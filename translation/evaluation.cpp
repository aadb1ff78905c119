#include "qkv/translation/evaluation.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "qkv/datasets/batches.h"
#include "qkv/datasets/csv.h"
#include "qkv/files/message.h"
#include "qkv/train/not_finite.h"
#include "qkv/translation/alignment_error.h"
#include "qkv/translation/attention_maps.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/judged_links.h"

namespace qkv {
namespace {

constexpr int batch_size = 64;

/// The sums of one batch, kept apart so that they can be added in a fixed order.
struct BatchResult {
  double loss = 0;
  std::int64_t tokens = 0;
  std::vector<int> right;                  // of each sentence
  std::vector<AlignmentCounts> alignment;  // [layer][head][offset]
  int heads = 0;
};

/// The pairs with sentences of similar length together, and where each was.
std::pair<std::vector<Pair>, std::vector<std::size_t>> by_similar_length(const std::vector<Pair>& pairs) {
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(pairs[a].source.size(), pairs[a].target.size()) <
           std::pair(pairs[b].source.size(), pairs[b].target.size());
  });
  std::vector<Pair> sorted;
  for (std::size_t i : order) sorted.push_back(pairs[i]);
  return {std::move(sorted), std::move(order)};
}

std::vector<Batch> all_batches(const std::vector<Pair>& sorted, const Vocabulary& source, const Vocabulary& target) {
  Batches batches(EncodedPairs(sorted, source, target), batch_size, Order::consecutive);
  std::vector<Batch> filled(batches.count(0));
  for (std::size_t i = 0; i < filled.size(); ++i) batches.fill({0, i}, filled[i]);
  return filled;
}

/// Loss, accuracy and attention with the reference fed in. `links` are those of each pair, or none.
BatchResult read_with_reference(const Seq2Seq<float>& model, const Batch& batch,
                                const std::vector<JudgedLinks>& links) {
  Tape<float> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  const Var<float> logits = model.logits(source_of(batch, whole(batch)), target_of(batch, whole(batch)));
  BatchResult result;
  result.tokens = batch.target_tokens;
  result.loss = static_cast<double>(loss_of_logits(logits, batch, whole(batch), 0, 1).item());
  if (!std::isfinite(result.loss)) {
    const std::string first = first_not_finite_on(tape);
    throw std::runtime_error(fmt::format("the loss is {}{}{}", result.loss, first.empty() ? "" : ": ", first));
  }
  result.right.resize(batch.size);
  for (int row = 0; row < logits.shape().rows(); ++row) {
    const std::int32_t reference = batch.target_output[row];
    const float* words = logits.rows().row_block(row, 1).data;
    if (reference != pad_id && std::max_element(words, words + logits.last()) - words == reference)
      ++result.right[row / batch.target_width];
  }
  if (links.empty()) return result;
  for (const auto& map : attention_maps(tape, AttentionKind::cross)) {
    result.heads = map.heads;
    for (int head = 0; head < map.heads; ++head)
      for (int offset = 0; offset < 2; ++offset) {
        AlignmentCounts& counts = result.alignment.emplace_back();
        for (int b = 0; b < batch.size; ++b) {
          const JudgedLinks& judged = links[batch.numbers[b]];
          const auto weights = judged.weights(map.of(b, head).subspan(offset * map.keys), map.keys);
          counts += judge_attention(weights, judged.pair().source.size(), judged.pair());
        }
      }
  }
  return result;
}

AlignmentScores alignment_scores(const std::vector<BatchResult>& results, const std::vector<JudgedLinks>& links) {
  AlignmentScores scores;
  AlignmentCounts uniform, diagonal, best;
  for (const JudgedLinks& judged : links) {
    uniform += judge_uniform(judged.pair());
    diagonal += judge_diagonal(judged.pair());
    best += judge_best(judged.pair());
  }
  scores.uniform = uniform.error_rate();
  scores.diagonal = diagonal.error_rate();
  scores.floor = best.error_rate();
  const int heads = results.front().heads;
  for (int i = 0; i < std::ssize(results.front().alignment); ++i) {
    AlignmentCounts counts;
    for (const BatchResult& result : results) counts += result.alignment[i];
    scores.entries.push_back({{i / 2 / heads, i / 2 % heads, i % 2}, counts.error_rate()});
  }
  return scores;
}

}  // namespace

const AlignmentScores::Entry& AlignmentScores::best() const {
  return *std::min_element(entries.begin(), entries.end(),
                           [](const Entry& a, const Entry& b) { return a.aer < b.aer; });
}

double Evaluation::perplexity() const { return std::exp(loss); }

Evaluation evaluate(const Seq2Seq<float>& model, const Vocabulary& source, const Vocabulary& target,
                    const std::vector<Pair>& pairs, Team& team, const DecodingOptions& decoding, const StopFlag& stop,
                    const Tokenisers& tokenisers, BleuWords bleu_words) {
  check(!pairs.empty(), "evaluation: there are no sentences");
  const auto [sorted, order] = by_similar_length(pairs);
  std::vector<JudgedLinks> links;  // of the sorted pairs, if any pair has some
  if (std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return !pair.links.empty(); }))
    for (const Pair& pair : sorted) links.emplace_back(pair, tokenisers);
  const std::vector<Batch> filled = all_batches(sorted, source, target);
  std::vector<BatchResult> results(filled.size());
  std::vector<std::vector<Translation>> translations(filled.size());
  team.run([&](int worker) {
    for (std::size_t i = worker; i < filled.size(); i += team.size()) {
      end_if(stop);
      const Batch& batch = filled[i];
      results[i] = read_with_reference(model, batch, links);
      std::vector<int> limits;
      for (int length : batch.source_lengths) limits.push_back(most_words(length - 1));
      translations[i] = translate(model, source_of(batch, whole(batch)), limits, decoding, stop);
    }
  });

  Evaluation evaluation;
  std::int64_t tokens = 0, right = 0;
  evaluation.translations.resize(pairs.size());
  evaluation.right_tokens.resize(pairs.size());
  evaluation.is_cut.resize(pairs.size());
  for (std::size_t i = 0; i < filled.size(); ++i) {
    evaluation.loss += results[i].loss;
    tokens += results[i].tokens;
    for (std::size_t b = 0; b < translations[i].size(); ++b) {
      const std::size_t pair = order[filled[i].numbers[b]];
      evaluation.translations[pair] = target.decode(translations[i][b].words);
      evaluation.right_tokens[pair] = results[i].right[b];
      right += results[i].right[b];
      evaluation.is_cut[pair] = translations[i][b].cut;
      evaluation.cut += translations[i][b].cut ? 1 : 0;
    }
  }
  evaluation.loss /= static_cast<double>(tokens);
  evaluation.token_accuracy = static_cast<double>(right) / static_cast<double>(tokens);
  std::vector<Sentence> sources, references, translated;  // as words
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    sources.push_back(tokenisers.source->words(pairs[i].source));
    references.push_back(tokenisers.target->words(pairs[i].target));
    translated.push_back(tokenisers.target->words(evaluation.translations[i]));
  }
  evaluation.bleu_words = bleu_words;
  evaluation.scores = score(translated, references, bleu_words);
  evaluation.by_length = scores_by_length(sources, translated, references, bleu_words);
  if (!links.empty() && !results.front().alignment.empty()) evaluation.alignment = alignment_scores(results, links);
  return evaluation;
}

double mean_loss(const Seq2Seq<float>& model, const Vocabulary& source, const Vocabulary& target,
                 const std::vector<Pair>& pairs, Team& team, const StopFlag& stop) {
  check(!pairs.empty(), "loss: there are no sentences");
  const std::vector<Pair> sorted = by_similar_length(pairs).first;
  const std::vector<Batch> batches = all_batches(sorted, source, target);
  std::vector<BatchResult> results(batches.size());
  team.run([&](int worker) {
    for (std::size_t i = worker; i < batches.size(); i += team.size()) {
      end_if(stop);
      results[i] = read_with_reference(model, batches[i], {});
    }
  });
  double loss = 0;
  std::int64_t tokens = 0;
  for (const BatchResult& result : results) {
    loss += result.loss;
    tokens += result.tokens;
  }
  return loss / static_cast<double>(tokens);
}

void check_lengths(const Seq2Seq<float>& model, const std::vector<Pair>& pairs, const std::string& path,
                   const Tokenisers& tokenisers) {
  const auto check_side = [&](const char* side, std::size_t tokens, std::size_t most, std::size_t row) {
    if (tokens <= most) return;
    throw std::runtime_error(
        fmt::format("{}:{}: the {} has {}, but this model has positions for {}; take the pair out, or train a "
                    "model with a larger `max_length`",
                    path, line_of_pair(row), side, counted(tokens, name_of_token(*tokenisers.source)), most));
  };
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    check_side("source", pairs[row].source.size(), model.most_source_words(), row);
    check_side("target", pairs[row].target.size(), model.most_target_words(), row);
  }
}

namespace {

nlohmann::ordered_json to_json(const Scores& scores) {
  return {{"sentences", scores.sentences},
          {"exact_match", scores.exact_match},
          {"bleu", scores.bleu},
          {"chrf", scores.chrf}};
}

}  // namespace

nlohmann::ordered_json to_json(const Evaluation& evaluation) {
  if (!std::isfinite(evaluation.perplexity()))
    throw std::runtime_error(fmt::format(
        "the loss is {:.6g} per token, and the perplexity, e to that power, is more than a number in JSON can hold",
        evaluation.loss));
  nlohmann::ordered_json json{{"loss", evaluation.loss},
                              {"perplexity", evaluation.perplexity()},
                              {"token_accuracy", evaluation.token_accuracy}};
  json.update(to_json(evaluation.scores));
  json["bleu_signature"] = bleu_signature(evaluation.bleu_words);
  json["chrf_signature"] = chrf_signature();
  json["cut"] = evaluation.cut;
  for (const LengthScores& length : evaluation.by_length) {
    nlohmann::ordered_json row{{"source_words", length.name()}};
    row.update(to_json(length.scores));
    json["by_length"].push_back(row);
  }
  if (evaluation.alignment) {
    for (const auto& [reading, aer] : evaluation.alignment->entries)
      json["aer"].push_back(
          {{"layer", reading.layer}, {"head", reading.head}, {"offset", reading.offset}, {"aer", aer}});
    json["aer_uniform"] = evaluation.alignment->uniform;
    json["aer_diagonal"] = evaluation.alignment->diagonal;
    json["aer_floor"] = evaluation.alignment->floor;
  }
  return json;
}

}  // namespace qkv
