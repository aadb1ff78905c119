#include "qkv/translation/snapshots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>

#include "qkv/translation/sentence_attention.h"

namespace qkv {
namespace {

constexpr int longest_sentence = 24;
constexpr std::array<int, 3> wanted_lengths{3, 5, 8};
constexpr std::size_t most_numbers = 50'000;  // of a line; with its lists it stays below what parse_json takes

/// Adds the weights of one sentence: [head][row][column] in thousandths. Returns whether all are finite.
bool add_weights(std::string& text, const AttentionMap<float>& map) {
  for (int head = 0; head < map.heads; ++head) {
    text += head == 0 ? "[" : ",[";
    const std::span<const float> weights = map.of(0, head);
    for (int row = 0; row < map.queries; ++row) {
      text += row == 0 ? "[" : ",[";
      for (int column = 0; column < map.keys; ++column) {
        const float weight = weights[row * map.keys + column];
        if (!std::isfinite(weight)) return false;
        fmt::format_to(std::back_inserter(text), "{}{}", column == 0 ? "" : ",", std::lround(1000 * weight));
      }
      text += ']';
    }
    text += ']';
  }
  return true;
}

}  // namespace

bool is_snapshot_step(std::int64_t step) {
  if (step == 0) return true;
  while (step >= 100 && step % 10 == 0) step /= 10;
  constexpr std::array<std::int64_t, 4> kept{10, 20, 30, 50};
  return std::find(kept.begin(), kept.end(), step) != kept.end();
}

std::vector<Pair> snapshot_sentences(const Seq2Seq<float>& model, const std::vector<Pair>& pairs) {
  const std::size_t most_source = std::min(longest_sentence, model.most_source_words());
  const std::size_t most_target = std::min(longest_sentence, model.most_target_words());
  std::vector<Pair> chosen;
  std::vector<const Pair*> left;
  for (const Pair& pair : pairs)
    if (pair.source.size() <= most_source && pair.target.size() <= most_target) left.push_back(&pair);
  for (const int wanted : wanted_lengths) {
    const auto distance = [wanted](const Pair* pair) {
      return std::abs(static_cast<int>(pair->source.size()) - wanted);
    };
    const auto nearest = std::min_element(left.begin(), left.end(),
                                          [&](const Pair* a, const Pair* b) { return distance(a) < distance(b); });
    if (nearest == left.end()) break;
    chosen.push_back(**nearest);
    left.erase(nearest);
  }
  return chosen;
}

Snapshots::Snapshots(const std::string& path, std::int64_t last_step, const Seq2Seq<float>& model,
                     const Vocabulary& source, const Vocabulary& target, const std::vector<Pair>& pairs)
    : model_(model), source_(source), target_(target), sentences_(snapshot_sentences(model, pairs)) {
  const std::size_t numbers = line(0).numbers;
  if (numbers == 0 || numbers > most_numbers) return;
  lines_.emplace(path, last_step);
  last_step_ = lines_->last_step();
}

void Snapshots::take(std::int64_t step) {
  if (!lines_ || step <= last_step_) return;
  const Line snapshot = line(step);
  if (!snapshot.is_finite) return;
  lines_->write(snapshot.text);
  last_step_ = step;
}

void Snapshots::flush() {
  if (lines_) lines_->flush();
}

Snapshots::Line Snapshots::line(std::int64_t step) const {
  Line line;
  line.text = fmt::format("{{\"step\":{},\"sentences\":[", step);
  for (const Pair& pair : sentences_) {
    const std::vector<int> source = source_.encode_with_eos(pair.source), read = target_.encode_with_bos(pair.target);
    line.text +=
        fmt::format("{}{{\"source\":{},\"target\":{},\"attentions\":[", &pair == &sentences_.front() ? "" : ",",
                    nlohmann::json(pair.source).dump(), nlohmann::json(pair.target).dump());
    bool is_first = true;
    for (const SentenceAttention& attention : attention_of_sentence(model_, source, read)) {
      line.text += fmt::format("{}{{\"name\":\"{}\",\"kind\":\"{}\",\"layer\":{},\"thousandths\":[",
                               is_first ? "" : ",", attention.map.layer, name_of(attention.kind), attention.layer);
      line.is_finite = add_weights(line.text, attention.map) && line.is_finite;
      line.numbers += attention.map.weights.size();
      line.text += "]}";
      is_first = false;
    }
    line.text += "]}";
  }
  line.text += "]}\n";
  return line;
}

}  // namespace qkv
