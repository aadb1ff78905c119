#include "qkv/study/report/report_sentences.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "qkv/files/message.h"
#include "qkv/study/report/head_switched_off.h"
#include "qkv/translation/alignment_error.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/decoding.h"
#include "qkv/translation/judged_links.h"
#include "qkv/translation/sentence_attention.h"

namespace qkv {
namespace {

using nlohmann::ordered_json;

/// A number with so many significant digits, so that the page is not larger than what it shows.
double rounded(double number, int digits = 6) {
  return std::isfinite(number) ? std::stod(fmt::format("{:.{}g}", number, digits)) : number;
}

/// A weight with three decimals; 0 and 1 take one byte.
ordered_json rounded_weight(float weight) {
  const double decimals = std::round(1e3 * static_cast<double>(weight)) / 1e3;
  if (decimals == 0 || decimals == 1) return static_cast<int>(decimals);
  return decimals;
}

/// A source with its translation, as ids.
struct Ids {
  std::vector<int> source, read, predicted;
};

Ids ids_of(const TrainedModel& trained, const Sentence& source, const Translation& translation) {
  Ids ids{trained.source.encode_with_eos(source), {bos_id}, {translation.words.begin(), translation.words.end()}};
  if (!translation.cut) ids.predicted.push_back(eos_id);
  ids.read.insert(ids.read.end(), ids.predicted.begin(), ids.predicted.end());
  ids.read.pop_back();
  return ids;
}

/// Sentences side by side, padded.
Batch batch_of(const std::vector<Ids>& sentences) {
  Batch batch;
  batch.size = static_cast<int>(sentences.size());
  for (const Ids& ids : sentences) {
    batch.source_lengths.push_back(static_cast<int>(ids.source.size()));
    batch.target_lengths.push_back(static_cast<int>(ids.read.size()));
    batch.target_tokens += static_cast<std::int64_t>(ids.read.size());
  }
  batch.source_width = *std::max_element(batch.source_lengths.begin(), batch.source_lengths.end());
  batch.target_width = *std::max_element(batch.target_lengths.begin(), batch.target_lengths.end());
  const auto add = [](std::vector<std::int32_t>& rows, const std::vector<int>& ids, int width) {
    rows.insert(rows.end(), ids.begin(), ids.end());
    rows.insert(rows.end(), static_cast<std::size_t>(width) - ids.size(), pad_id);
  };
  for (const Ids& ids : sentences) {
    add(batch.source, ids.source, batch.source_width);
    add(batch.target_input, ids.read, batch.target_width);
    add(batch.target_output, ids.predicted, batch.target_width);
  }
  return batch;
}

/// The cross-entropy of each predicted word, sentence by sentence: log Σ exp z − z_word.
std::vector<std::vector<double>> losses_of(const Seq2Seq<float>& model, const Batch& batch) {
  Tape<float> tape;
  const Recording recording(tape);
  const NoGrad no_grad(tape);
  const Var<float> logits = model.logits(source_of(batch, whole(batch)), target_of(batch, whole(batch)));
  std::vector<std::vector<double>> losses(static_cast<std::size_t>(batch.size));
  for (int b = 0; b < batch.size; ++b)
    for (int i = 0; i < batch.target_lengths[b]; ++i) {
      const int row = b * batch.target_width + i;
      const std::span<const float> z(logits.rows().row_block(row, 1).data, static_cast<std::size_t>(logits.last()));
      const double largest = *std::max_element(z.begin(), z.end());
      double sum = 0;
      for (const float one : z) sum += std::exp(static_cast<double>(one) - largest);
      const auto word = static_cast<std::size_t>(batch.target_output[row]);
      losses[b].push_back(largest + std::log(sum) - static_cast<double>(z[word]));
    }
  return losses;
}

double mean(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum / static_cast<double>(numbers.size());
}

std::vector<Translation> translations_of(const Seq2Seq<float>& model, const Batch& batch) {
  std::vector<int> limits;
  for (const int length : batch.source_lengths) limits.push_back(most_words(length - 1));
  return translate(model, source_of(batch, whole(batch)), limits);
}

Translation translation_of(const TrainedModel& trained, const Sentence& source) {
  const std::vector<int> ids = trained.source.encode_with_eos(source);
  return translate(*trained.model, OneSequence(ids), most_words(static_cast<int>(source.size())));
}

/// The alignment error of each head of an attention over the source, the reference fed in, read where a word is
/// predicted (offset 0) or one step later (1). null where no target word has a link.
ordered_json alignment_errors(const AttentionMap<float>& map, const JudgedLinks& judged, int offset) {
  ordered_json errors = ordered_json::array();
  const auto keys = static_cast<std::size_t>(map.keys);
  for (int head = 0; head < map.heads; ++head) {
    const auto weights = map.of(0, head).subspan(static_cast<std::size_t>(offset) * keys);
    errors.push_back(rounded(
        judge_attention(judged.weights(weights, keys), judged.pair().source.size(), judged.pair()).error_rate()));
  }
  return errors;
}

ordered_json attentions_of(const TrainedModel& trained, const ReportSentence& sentence, const Ids& ids) {
  std::map<std::string_view, AttentionMap<float>> with_reference;
  if (sentence.reference && !sentence.links.empty()) {
    std::vector<int> read = trained.target.encode(*sentence.reference);
    read.insert(read.begin(), bos_id);
    for (SentenceAttention& attention : attention_of_sentence(*trained.model, ids.source, read))
      if (attention.kind == AttentionKind::cross) with_reference[attention.map.layer] = std::move(attention.map);
  }
  ordered_json list = ordered_json::array();
  for (const auto& [kind, layer, map] : attention_of_sentence(*trained.model, ids.source, ids.read)) {
    ordered_json& json = list.emplace_back(ordered_json{{"name", map.layer},
                                                        {"kind", name_of(kind)},
                                                        {"layer", layer},
                                                        {"heads", map.heads},
                                                        {"weights", ordered_json::array()},
                                                        {"aer", nullptr},
                                                        {"aer_next", nullptr}});
    for (int head = 0; head < map.heads; ++head) {
      ordered_json& rows = json["weights"].emplace_back(ordered_json::array());
      const std::span<const float> weights = map.of(0, head);
      for (int row = 0; row < map.queries; ++row) {
        ordered_json& columns = rows.emplace_back(ordered_json::array());
        for (int column = 0; column < map.keys; ++column)
          columns.push_back(rounded_weight(weights[row * map.keys + column]));
      }
    }
    const auto found = with_reference.find(map.layer);
    if (found == with_reference.end()) continue;
    const JudgedLinks judged({sentence.source, *sentence.reference, sentence.links, sentence.link_unit},
                             trained.tokenisers);
    json["aer"] = alignment_errors(found->second, judged, 0);
    json["aer_next"] = alignment_errors(found->second, judged, 1);
  }
  return list;
}

ordered_json json_of(const TrainedModel& trained, const ReportSentence& sentence, const Ids& ids) {
  const std::vector<double> losses = losses_of(*trained.model, batch_of({ids})).front();
  const Sentence words = trained.target.decode(ids.predicted);
  Sentence translation = words;
  if (ids.predicted.back() == eos_id) translation.pop_back();
  Sentence source = sentence.source;
  source.emplace_back("<eos>");
  const Tokeniser& tokeniser = *trained.tokenisers.target;
  ordered_json json{{"source", source},
                    {"unknown", sentence.unknown},
                    {"read", trained.target.decode(ids.read)},
                    {"predicted", words},
                    {"reference", nullptr},
                    {"text",
                     {{"source", text_of(*trained.tokenisers.source, sentence.source)},
                      {"reference", nullptr},
                      {"translation", text_of(tokeniser, translation)}}},
                    {"given", sentence.given},
                    {"exact", false},
                    {"edits", 0},
                    {"links", nullptr},
                    {"attentions", attentions_of(trained, sentence, ids)},
                    {"switched_off", ordered_json::array()},
                    {"loss", rounded(mean(losses))},
                    {"loss_of_words", ordered_json::array()},
                    {"explained", ordered_json::array()}};  // with `qkv explain`, one for each attention and head
  for (const double loss : losses) json["loss_of_words"].push_back(rounded(loss));
  if (!sentence.reference) return json;
  json["reference"] = *sentence.reference;
  json["text"]["reference"] = text_of(tokeniser, *sentence.reference);
  json["exact"] = tokeniser.words(translation) == tokeniser.words(*sentence.reference);
  json["edits"] = word_edits(tokeniser.words(translation), tokeniser.words(*sentence.reference));
  if (sentence.links.empty()) return json;
  json["links"] = ordered_json::array();
  for (const Link& link : sentence.links)
    json["links"].push_back(ordered_json::array({link.source, link.target, link.sure}));
  return json;
}

/// Switches each head off in turn, for all sentences at once.
void add_switched_off(TrainedModel& trained, const std::vector<Ids>& ids, ordered_json& sentences) {
  const Batch batch = batch_of(ids);
  for (const ordered_json& attention : ordered_json(sentences.front()["attentions"])) {
    const auto name = attention["name"].get<std::string>();
    const int heads = attention["heads"].get<int>();
    for (int head = 0; head < heads; ++head) {
      const HeadSwitchedOff switched_off(*trained.model, name, head);
      const auto losses = losses_of(*trained.model, batch);
      const auto without = translations_of(*trained.model, batch);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string text = text_of(*trained.tokenisers.target, trained.target.decode(without[i].words));
        sentences[i]["switched_off"].push_back({{"name", name},
                                                {"head", head},
                                                {"text", text},
                                                {"changed", text != sentences[i]["text"]["translation"]},
                                                {"loss", rounded(mean(losses[i]))}});
      }
    }
  }
}

}  // namespace

std::size_t word_edits(const Sentence& a, const Sentence& b) {
  std::map<std::string_view, char32_t> numbers;
  const auto letters = [&](const Sentence& words) {  // a letter for each word
    std::u32string text;
    for (const std::string& word : words) text += numbers.try_emplace(word, numbers.size()).first->second;
    return text;
  };
  const std::u32string first = letters(a);
  return edit_distance(first, letters(b));
}

nlohmann::ordered_json report_sentences(TrainedModel& trained, const std::vector<ReportSentence>& sentences) {
  ordered_json result = ordered_json::array();
  std::vector<Ids> ids;
  for (const ReportSentence& sentence : sentences) {
    ids.push_back(ids_of(trained, sentence.source, translation_of(trained, sentence.source)));
    result.push_back(json_of(trained, sentence, ids.back()));
  }
  if (!sentences.empty()) add_switched_off(trained, ids, result);
  return result;
}

}  // namespace qkv
