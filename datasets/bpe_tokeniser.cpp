#include "qkv/datasets/bpe_tokeniser.h"

#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <set>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"
#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

const std::string meta_space = "\u2581", stand_in = "\ue581";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// One side of the pairs, sentence by sentence, as SentencePiece asks for it.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  Sentences(const std::vector<Pair>& pairs, std::vector<std::string> Pair::*side) : pairs_(pairs), side_(side) {
    read();
  }
  bool done() const override { return next_ >= pairs_.size(); }
  void Next() override {
    ++next_;
    read();
  }
  const std::string& value() const override { return text_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void read() {
    if (!done()) text_ = replaced(join_words(pairs_[next_].*side_), meta_space, stand_in);
  }

  const std::vector<Pair>& pairs_;
  std::vector<std::string> Pair::*side_;
  std::size_t next_ = 0;
  std::string text_;
};

/// The characters of the texts, `▁` and the unknown piece: the least number of pieces that there must be.
std::size_t least_size(const std::vector<Pair>& pairs, std::vector<std::string> Pair::*side) {
  std::set<char32_t> characters;
  for (const Pair& pair : pairs)
    for (const std::string& word : pair.*side)
      for_each_character(word, [&](char32_t character, std::size_t, std::size_t) { characters.insert(character); });
  return characters.size() + 2;
}

// The end of a .bpe file: field 2000 of the message, eight bytes long, with a hash of what stands before it.
constexpr std::string_view tag_of_hash = "\x81\x7d";
constexpr std::size_t bytes_of_hash = 8;

std::string end_of_file(std::string_view model) {
  std::uint64_t hash = model.size();
  for (const char byte : model) hash = mix64(hash + static_cast<unsigned char>(byte) + 1);
  std::string end(tag_of_hash);
  for (std::size_t i = 0; i < bytes_of_hash; ++i) end += static_cast<char>(hash >> (8 * i));
  return end;
}

}  // namespace

struct BpeTokeniser::Model {
  explicit Model(std::string model) : bytes(std::move(model)) {
    const auto status = processor.LoadFromSerializedProto(bytes);
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }

  /// Cuts pieces that are neither among these nor a character into smaller ones.
  void keep_to(const std::vector<std::string>& pieces) {
    const std::vector<absl::string_view> views(pieces.begin(), pieces.end());
    const auto status = processor.SetVocabulary(views);
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }

  std::string bytes;
  sentencepiece::SentencePieceProcessor processor;
};

BpeTokeniser::BpeTokeniser(const std::vector<Pair>& pairs, std::vector<std::string> Pair::*side, int size,
                           int min_frequency) {
  check(!pairs.empty(), "bpe: there are no texts to learn pieces from");
  const std::size_t least = least_size(pairs, side);
  check(std::cmp_greater_equal(size, least),
        "`bpe_size` {} is too small: each of the {} characters of the texts is a piece, ▁ and <unk> are two "
        "more; it must be {} or more",
        size, least - 2, least);
  const std::unordered_map<std::string, std::string> options{
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(size)},
      {"hard_vocab_limit", "false"},
      {"character_coverage", "1.0"},
      {"normalization_rule_name", "identity"},  // text is in NFC already
      {"max_sentence_length", "16777216"},
      {"num_threads", "1"},
      {"unk_id", "0"},
      {"bos_id", "-1"},
      {"eos_id", "-1"},
      {"pad_id", "-1"},
      {"minloglevel", "2"},
  };
  Sentences sentences(pairs, side);
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &bytes);
  if (!status.ok()) throw std::runtime_error(fmt::format("SentencePiece cannot learn pieces: {}", status.ToString()));
  model_ = std::make_unique<Model>(std::move(bytes));
  std::map<std::string, std::int64_t> counts;
  for (const Pair& pair : pairs)
    for (const std::string& token : tokens(pair.*side)) ++counts[token];
  std::vector<std::string> kept;
  for (const auto& [token, count] : counts)
    if (count >= min_frequency) kept.push_back(token);
  model_->keep_to(kept);
}

BpeTokeniser::BpeTokeniser(const std::string& path, const Vocabulary& vocabulary) {
  const std::string bytes = read_file(path);
  const std::size_t end = tag_of_hash.size() + bytes_of_hash;
  const std::string model = bytes.substr(0, bytes.size() - std::min(bytes.size(), end));
  if (model.empty() || bytes.substr(model.size()) != end_of_file(model))
    throw std::runtime_error(fmt::format(
        "{}: it is damaged, or no file of pieces that qkv wrote; a copy of the run or a new training has it "
        "whole",
        path));
  try {
    model_ = std::make_unique<Model>(model);
    std::vector<std::string> pieces;
    for (std::int32_t id = special_tokens; id < vocabulary.size(); ++id) {
      const std::string& token = vocabulary.word(id);
      const auto is_piece = [&](std::string_view text) {
        return model_->processor.PieceToId({text.data(), text.size()}) != model_->processor.unk_id();
      };
      // What begins with a character that SentencePiece does not know is no piece, but a run of such characters.
      if (!is_piece(token) && is_piece(std::string_view(token).substr(0, first_character(token)->bytes)))
        throw std::runtime_error(
            fmt::format("it does not have the piece {} of the vocabulary beside it; is it of another run?", token));
      pieces.push_back(token);
    }
    model_->keep_to(pieces);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
  }
}

BpeTokeniser::~BpeTokeniser() = default;

void BpeTokeniser::save(const std::string& path) const {
  write_durably(path, model_->bytes + end_of_file(model_->bytes));
}

std::vector<std::string> BpeTokeniser::tokens(const std::vector<std::string>& words) const {
  std::vector<std::string> tokens;
  for (const std::string& word : words)
    for (std::string& piece : model_->processor.EncodeAsPieces(replaced(word, meta_space, stand_in)))
      tokens.push_back(std::move(piece));
  return tokens;
}

std::vector<std::string> BpeTokeniser::words(const std::vector<std::string>& tokens) const {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return split_words(compose(replaced(replaced(std::move(text), meta_space, " "), stand_in, meta_space)));
}

std::vector<TokenPlace> BpeTokeniser::places(const std::vector<std::string>& tokens) const {
  std::vector<TokenPlace> places;
  int word = -1, at = 0;
  for (const std::string& token : tokens) {
    const bool begins_word = token.starts_with(meta_space) || word < 0;
    if (begins_word && ++word > 0) ++at;  // the space
    const int count = static_cast<int>(code_points(token).size()) - (token.starts_with(meta_space) ? 1 : 0);
    places.push_back({word, at, count});
    at += count;
  }
  return places;
}

}  // namespace qkv
