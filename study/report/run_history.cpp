#include "qkv/study/report/run_history.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "qkv/files/durable_file.h"
#include "qkv/translation/parse_json.h"

namespace qkv {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t most_points = 600;

/// Calls read(line) for each line of a file of JSON; what that throws as JsonError or of nlohmann's is an error at this
/// line.
void for_each_line(const std::string& path, const std::function<void(const json&)>& read) {
  const std::string text = read_file(path);
  std::size_t begin = 0;
  for (int number = 1; begin < text.size(); ++number) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) return;
    try {
      read(parse_json(std::string_view(text).substr(begin, end - begin)));
    } catch (const JsonError& error) {
      throw std::runtime_error(fmt::format("{}:{}: not valid JSON: {}", path, number, error.what()));
    } catch (const json::exception&) {
      throw std::runtime_error(fmt::format("{}:{}: this is no line that training wrote", path, number));
    }
    begin = end + 1;
  }
}

/// Columns of numbers by name, the step's first.
struct Table {
  std::vector<const char*> names;
  std::vector<std::int64_t> steps;
  std::map<std::string, std::vector<double>> columns;

  void add(const json& line) {
    steps.push_back(line.at("step").get<std::int64_t>());
    for (const char* name : names) columns[name].push_back(line.at(name).get<double>());
  }

  /// At most so many rows: the means of rows that follow each other, with the last one's step.
  ordered_json thinned() const {
    const std::size_t rows = steps.size(), together = std::max<std::size_t>(1, (rows + most_points - 1) / most_points);
    ordered_json result{{"step", ordered_json::array()}};
    for (const char* name : names) result[name] = ordered_json::array();
    for (std::size_t begin = 0; begin < rows; begin += together) {
      const std::size_t end = std::min(rows, begin + together);
      result["step"].push_back(steps[end - 1]);
      for (const char* name : names) {
        double sum = 0;
        for (std::size_t row = begin; row < end; ++row) sum += columns.at(name)[row];
        const double mean = sum / static_cast<double>(end - begin);
        result[name].push_back(end - begin == 1 ? mean : std::stod(fmt::format("{:.6g}", mean)));
      }
    }
    return result;
  }
};

ordered_json with(std::vector<std::string> words, const char* first, const char* last) {
  if (first != nullptr) words.insert(words.begin(), first);
  if (last != nullptr) words.emplace_back(last);
  return words;
}

/// The weights of one head as [rows][columns] numbers from 0 to 1. Throws json::exception if they are others.
ordered_json weights_of(const json& thousandths, std::size_t rows, std::size_t columns) {
  const auto expect = [](bool is_right) {
    if (!is_right) throw json::other_error::create(501, "weights of another size", nullptr);
  };
  expect(thousandths.is_array() && thousandths.size() == rows);
  ordered_json result = ordered_json::array();
  for (const json& row : thousandths) {
    expect(row.is_array() && row.size() == columns);
    ordered_json& weights = result.emplace_back(ordered_json::array());
    for (const json& weight : row) {
      const int number = weight.get<int>();
      expect(number >= 0 && number <= 1000);
      if (number % 1000 == 0)
        weights.push_back(number / 1000);
      else
        weights.push_back(number / 1000.0);
    }
  }
  return result;
}

/// The sentences of a line and their attentions, without weights.
ordered_json outline_of(const json& line) {
  ordered_json sentences = ordered_json::array();
  for (const json& sentence : line.at("sentences")) {
    const auto source = sentence.at("source").get<std::vector<std::string>>();
    const auto target = sentence.at("target").get<std::vector<std::string>>();
    ordered_json& outline = sentences.emplace_back(ordered_json{{"source", with(source, nullptr, "<eos>")},
                                                                {"read", with(target, "<bos>", nullptr)},
                                                                {"predicted", with(target, nullptr, "<eos>")},
                                                                {"attentions", ordered_json::array()}});
    for (const json& attention : sentence.at("attentions")) {
      const auto kind = attention.at("kind").get<std::string>();
      outline["attentions"].push_back({{"name", attention.at("name").get<std::string>()},
                                       {"kind", kind},
                                       {"layer", attention.at("layer").get<int>()},
                                       {"heads", attention.at("thousandths").size()},
                                       {"rows", kind == "self"    ? "source"
                                                : kind == "cross" ? "predicted"
                                                                  : "read"},
                                       {"columns", kind == "causal" ? "read" : "source"},
                                       {"weights", ordered_json::array()}});
    }
  }
  return sentences;
}

/// Adds the text that the tokens of a sentence make: "source", and "reference", which the model reads.
void add_text(ordered_json& sentence, const Tokenisers& tokenisers) {
  auto source = sentence["source"].get<std::vector<std::string>>();
  auto target = sentence["predicted"].get<std::vector<std::string>>();
  source.pop_back();  // <eos>
  target.pop_back();
  sentence["text"] = {{"source", text_of(*tokenisers.source, source)},
                      {"reference", text_of(*tokenisers.target, target)}};
}

/// Adds the weights of a line to an outline that fits it.
void add_weights(const json& line, ordered_json& sentences) {
  for (std::size_t i = 0; i < sentences.size(); ++i)
    for (std::size_t k = 0; k < sentences[i]["attentions"].size(); ++k) {
      ordered_json& attention = sentences[i]["attentions"][k];
      ordered_json heads = ordered_json::array();
      for (const json& head : line["sentences"][i]["attentions"][k]["thousandths"])
        heads.push_back(weights_of(head, sentences[i][attention["rows"].get<std::string>()].size(),
                                   sentences[i][attention["columns"].get<std::string>()].size()));
      attention["weights"].push_back(std::move(heads));
    }
}

}  // namespace

ordered_json training_history(const std::string& path) {
  Table steps{{"loss", "lr", "gradient_norm"}, {}, {}},
      validations{{"valid_loss", "valid_bleu", "valid_exact"}, {}, {}};
  for_each_line(path, [&](const json& line) { (line.contains("valid_loss") ? validations : steps).add(line); });
  return {{"steps", steps.thinned()}, {"validations", validations.thinned()}};
}

ordered_json test_scores(const std::string& path) {
  const std::string text = read_file(path);
  try {
    const json checked = parse_json(text);
    const auto is_object = [](const json& scores) { return scores.is_object(); };
    if (!checked.is_object() || !std::all_of(checked.begin(), checked.end(), is_object))
      throw std::runtime_error(fmt::format("{}: these are no scores by the names of test sets", path));
  } catch (const JsonError& error) {
    const auto read = static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    throw std::runtime_error(fmt::format("{}:{}: not valid JSON: {}", path,
                                         1 + std::count(text.begin(), text.begin() + read, '\n'), error.what()));
  }
  return ordered_json::parse(text);
}

ordered_json snapshot_history(const std::string& path, const Tokenisers& tokenisers) {
  ordered_json last, steps = ordered_json::array();
  for_each_line(path, [&](const json& line) {
    ordered_json outline = outline_of(line);
    add_weights(line, outline);  // whether it is whole
    for (ordered_json& sentence : outline)
      for (ordered_json& attention : sentence["attentions"]) attention["weights"] = ordered_json::array();
    last = std::move(outline);
  });
  if (last.is_null()) return nullptr;
  ordered_json sentences = last;
  for (ordered_json& sentence : sentences) add_text(sentence, tokenisers);
  for_each_line(path, [&](const json& line) {
    if (outline_of(line) != last) return;
    steps.push_back(line.at("step").get<std::int64_t>());
    add_weights(line, sentences);
  });
  return {{"steps", std::move(steps)}, {"sentences", std::move(sentences)}};
}

}  // namespace qkv
