// What positions are for: the small Transformer of docs/checkpoint, trained as it is, without positions in the decoder,
// without them in the encoder, and without any. Nothing else differs.
// without_positions [SEED]

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "qkv/autograd/ops/slice.h"
#include "qkv/datasets/batches.h"
#include "qkv/datasets/csv.h"
#include "qkv/layers/embedding.h"
#include "qkv/layers/positional_encoding.h"
#include "qkv/layers/transformer_decoder.h"
#include "qkv/layers/transformer_encoder.h"
#include "qkv/train/adam.h"
#include "qkv/train/learner.h"
#include "qkv/train/schedule.h"
#include "qkv/translation/batch_loss.h"
#include "qkv/translation/evaluation.h"
#include "qkv/translation/transformer.h"

using namespace qkv;

/// The Transformer, with or without positions on either side.
class Ablated : public Seq2Seq<float> {
 public:
  Ablated(const TransformerConfig& config, bool in_encoder, bool in_decoder)
      : source_embedding_(at("source_embedding"), config.source_vocabulary, config.d_model, std::sqrt(config.d_model)),
        target_embedding_(at("target_embedding"), config.target_vocabulary, config.d_model, std::sqrt(config.d_model)),
        positions_(at("positions"), Positions::sinusoidal, config.max_positions, config.d_model),
        encoder_(at("encoder"), config.stack()),
        decoder_(at("decoder"), config.stack()),
        generator_(at("generator"), config.d_model, config.target_vocabulary),
        in_encoder_(in_encoder),
        in_decoder_(in_decoder) {}

  Var<float> logits(const Tokens& source, const Tokens& target) const override {
    Var<float> words = source_embedding_(source);
    if (in_encoder_) words = positions_(words);
    const Var<float> memory = encoder_(words, source.padding());
    words = target_embedding_(target);
    if (in_decoder_) words = positions_(words);
    return generator_(decoder_(words, memory, Mask::causal_padding(target.lengths), source.padding()));
  }

  std::unique_ptr<Decoding<float>> decode(const Tokens& source, int) const override {
    return std::make_unique<Anew>(*this, source);
  }

 private:
  Path<float> at(const std::string& name) { return parameters().root() / name; }

  /// Produces words without a cache: each step computes all words again.
  class Anew : public Decoding<float> {
   public:
    Anew(const Ablated& model, const Tokens& source)
        : model_(model),
          source_(source.ids.begin(), source.ids.end()),
          lengths_(source.lengths.begin(), source.lengths.end()),
          so_far_(lengths_.size()) {}

    Var<float> next(std::span<const int> words) override {
      NoGrad<float> no_grad(Tape<float>::current());
      std::vector<int> target;
      for (std::size_t row = 0; row < words.size(); ++row) {
        so_far_[row].push_back(words[row]);
        target.insert(target.end(), so_far_[row].begin(), so_far_[row].end());
      }
      const int sentences = static_cast<int>(words.size()), length = static_cast<int>(so_far_.front().size());
      const std::vector<int> lengths(words.size(), length);
      const Var<float> all = model_.logits({source_, sentences, static_cast<int>(source_.size()) / sentences, lengths_},
                                           {target, sentences, length, lengths});
      return slice(all, 1, length - 1, 1);
    }

    void select(std::span<const int> rows) override {
      const std::size_t width = source_.size() / lengths_.size();
      std::vector<int> source, lengths;
      std::vector<std::vector<int>> so_far;
      for (const int row : rows) {
        const auto first = source_.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * width);
        source.insert(source.end(), first, first + static_cast<std::ptrdiff_t>(width));
        lengths.push_back(lengths_[static_cast<std::size_t>(row)]);
        so_far.push_back(so_far_[static_cast<std::size_t>(row)]);
      }
      source_ = source, lengths_ = lengths, so_far_ = so_far;
    }

   private:
    const Ablated& model_;
    std::vector<int> source_, lengths_;
    std::vector<std::vector<int>> so_far_;  // the words of each sentence
  };

  Embedding<float> source_embedding_, target_embedding_;
  PositionalEncoding<float> positions_;
  TransformerEncoder<float> encoder_;
  TransformerDecoder<float> decoder_;
  Linear<float> generator_;
  bool in_encoder_, in_decoder_;
};

/// Trains as the README of docs/checkpoint says.
void train(Ablated& model, EncodedPairs pairs, std::uint64_t seed) {
  model.parameters().initialise(seed);
  Learner learner(model.parameters(), {.training = false});
  Adam adam(model.parameters(), {.beta2 = 0.98});
  Batches batches(std::move(pairs), 16, Order::shuffled, seed);
  Batch batch;
  Position position;
  constexpr std::int64_t steps = 1800;
  const Schedule schedule{ScheduleKind::cosine, 0.01, 400, steps};
  for (std::int64_t step = 1; step <= steps; ++step) {
    batches.fill(position, batch);
    learner.differentiate_sum(batch.size, [&](const Shard& shard) { return loss_of(model, batch, shard); });
    learner.clip(1);
    adam.step(learner.gradient(), schedule(step));
    position = batches.next(position);
  }
}

/// The pairs of one clause, or those of two.
std::vector<Pair> with_clauses(int clauses, const std::vector<Pair>& pairs) {
  std::vector<Pair> found;
  for (const Pair& pair : pairs)
    if (std::count(pair.source.begin(), pair.source.end(), ".") == clauses) found.push_back(pair);
  return found;
}

int main(int count, char** arguments) try {
  const std::string text = count > 1 ? arguments[1] : "1";
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument("SEED is a whole number, not " + text);
  const std::vector<Pair> known = read_pairs("docs/checkpoint/train.csv"),
                          test = read_pairs("docs/checkpoint/test.csv");
  const Vocabulary source(known, &Pair::source), target(known, &Pair::target);
  const TransformerConfig config{.source_vocabulary = source.size(),
                                 .target_vocabulary = target.size(),
                                 .d_model = 16,
                                 .heads = 2,
                                 .layers = 1,
                                 .ff = 64};
  const struct {
    const char* name;
    bool in_encoder, in_decoder;
  } variants[] = {
      {"in both", true, true}, {"encoder only", true, false}, {"decoder only", false, true}, {"nowhere", false, false}};
  const std::vector<Pair> sets[] = {with_clauses(1, known), with_clauses(2, known), with_clauses(1, test),
                                    with_clauses(2, test)};

  fmt::print("exact match       training             test\n");
  fmt::print("positions      1 clause 2 clauses  1 clause 2 clauses\n");
  Team team(1);
  for (const auto& [name, in_encoder, in_decoder] : variants) {
    Ablated model(config, in_encoder, in_decoder);
    train(model, {known, source, target}, seed);
    fmt::print("{:<13}", name);
    for (const std::vector<Pair>& pairs : sets)
      fmt::print(" {:>7.1f} %", 100 * evaluate(model, source, target, pairs, team).scores.exact_match);
    fmt::print("\n");
  }
} catch (const std::exception& error) {
  fmt::print(stderr, "without_positions: {}\n", error.what());
  return 1;
}
