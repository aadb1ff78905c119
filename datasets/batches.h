#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "qkv/autograd/random.h"
#include "qkv/datasets/encoded_pairs.h"

namespace qkv {

/// Sentences as ids, each row padded with <pad> to the longest of the batch; matrices are row-major.
struct Batch {
  int size = 0;                              ///< B, the number of sentences
  int source_width = 0;                      ///< S, the longest source with its <eos>
  int target_width = 0;                      ///< T, the longest target with its <eos>
  std::vector<std::int32_t> source;          ///< [B, S] words and <eos>
  std::vector<std::int32_t> target_input;    ///< [B, T] <bos> and words: what the decoder reads
  std::vector<std::int32_t> target_output;   ///< [B, T] words and <eos>: what it is to predict
  std::vector<std::int32_t> source_lengths;  ///< [B] with <eos>
  std::vector<std::int32_t> target_lengths;  ///< [B] with <eos>, and as well with <bos>: both targets are as long
  std::vector<std::int32_t> numbers;         ///< [B] which pair of the data set each is
  std::int64_t target_tokens = 0;            ///< the sum of target_lengths: what the loss divides by
};

/// In which order batches take the pairs.
enum class Order {
  shuffled,     ///< at random, sentences of similar length together; each pair once an epoch, for training
  cyclic,       ///< as in the data set, starting again at the top: a batch may hold the last pairs and the first
  consecutive,  ///< as in the data set, the last batch as small as it comes, for evaluation; every epoch is the same
};

/// So many words a batch at most: its sentences times the longer of its two widths, padding and `<eos>` counted, which
/// is what memory and time follow from.
struct WordsPerBatch {
  std::int64_t most = 0;
};

/// How many words the longer side of pair i has, with its `<eos>`.
std::int64_t longer_side(const EncodedPairs& pairs, std::size_t i);

/// Where training stands: which pass through the data, and which batch of it, both from 0.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t batch = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

/// Cuts a data set into batches. The position alone decides what is in a batch, so that to resume it is enough to know
/// the position: nothing depends on the batches that were made before.
///
/// The shuffled order of an epoch is drawn from the seed and the epoch: all pairs are shuffled and cut into pools of
/// `batches_per_pool` batches; each pool is sorted by the lengths of target and source and cut into batches; then the
/// batches of all pools are shuffled. One batch of the epoch may be smaller. In cyclic order every batch is full, and
/// belongs to the epoch in which it begins.
///
/// Batches by words are as many sentences in a row as keep to the limit. Shuffled, all pairs are one pool, so that the
/// sorted lengths, and with them the cuts, are the same in every epoch: pairs of the same lengths change places at
/// random, and the batches come in random order.
class Batches {
 public:
  static constexpr std::size_t batches_per_pool = 50;

  /// Throws std::invalid_argument where there are no pairs or the batch size is below 1. The pairs are copied in; move
  /// them. `seed` matters only to the shuffled order.
  Batches(EncodedPairs pairs, int batch_size, Order order, std::uint64_t seed = 0);

  /// Batches by words, shuffled or consecutive. Throws std::invalid_argument for the cyclic order, which they do not
  /// have, where there are no pairs, or if one by itself has more words.
  Batches(EncodedPairs pairs, WordsPerBatch words, Order order, std::uint64_t seed = 0);

  /// How many batches the epoch has. In cyclic order epochs may differ by one.
  std::uint64_t count(std::uint64_t epoch) const;

  /// How many batches all epochs before this one have together.
  std::uint64_t count_before(std::uint64_t epoch) const;

  /// The position after this one.
  Position next(Position position) const;

  /// Makes the batch at a position. Once the batch has been through reserve(), this allocates nothing.
  /// Throws std::invalid_argument where the epoch has no such batch.
  void fill(Position position, Batch& batch);

  /// Makes room in the batch for the largest one that can come.
  void reserve(Batch& batch) const;

  const EncodedPairs& pairs() const { return pairs_; }

 private:
  void make_room(std::size_t pool);
  void cut();
  std::uint64_t first_of(std::uint64_t epoch) const;
  std::pair<std::uint64_t, std::uint64_t> range_of(std::uint64_t batch) const;
  std::size_t largest_batch() const;
  void shuffle(std::uint64_t epoch);
  void sort_pairs(Random& random);
  void sort_pool(std::size_t begin, std::size_t end);
  std::uint64_t sort_key(std::size_t position) const;
  void choose(Position position, Batch& batch);
  void pad(Batch& batch) const;

  EncodedPairs pairs_;
  std::uint64_t batch_size_ = 0;     // in sentences; 0 if they are cut by words, …
  std::int64_t most_words_ = 0;      // … so many in each, …
  std::vector<std::uint32_t> ends_;  // … behind these places among the sorted pairs
  std::size_t pool_ = 0;             // how many pairs are sorted together
  Order order_;
  std::uint64_t seed_;

  bool is_shuffled_ = false;
  std::uint64_t shuffled_epoch_ = 0;
  std::vector<std::uint32_t> shuffled_;     // the pairs of shuffled_epoch_ at random …
  std::vector<std::uint64_t> keys_;         // … what each pool is sorted by …
  std::vector<std::uint32_t> sorted_;       // … sorted within pools …
  std::vector<std::uint32_t> batch_order_;  // … and the order of the batches cut from them
  std::vector<std::int32_t> chosen_;        // the pairs of the batch being made
};

}  // namespace qkv
