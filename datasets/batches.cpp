#include "qkv/datasets/batches.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"

namespace qkv {
namespace {

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace

std::int64_t longer_side(const EncodedPairs& pairs, std::size_t i) {
  return static_cast<std::int64_t>(std::max(pairs.source(i).size(), pairs.target(i).size())) + 1;
}

Batches::Batches(EncodedPairs pairs, int batch_size, Order order, std::uint64_t seed)
    : pairs_(std::move(pairs)), batch_size_(static_cast<std::uint64_t>(batch_size)), order_(order), seed_(seed) {
  check(batch_size >= 1, "batches: the batch size is {}; it must be 1 or more", batch_size);
  make_room(batches_per_pool * batch_size_);
  chosen_.reserve(largest_batch());
  if (order == Order::shuffled) batch_order_.resize(count(0));
}

Batches::Batches(EncodedPairs pairs, WordsPerBatch words, Order order, std::uint64_t seed)
    : pairs_(std::move(pairs)), most_words_(words.most), order_(order), seed_(seed) {
  check(order != Order::cyclic, "batches: a batch by words ends with the data, so there is no cyclic order of them");
  for (std::size_t i = 0; i < pairs_.size(); ++i)
    check(longer_side(pairs_, i) <= words.most,
          "batches: pair {} has {} words on a side, `<eos>` counted; a batch has {}", pairs_.number(i),
          longer_side(pairs_, i), words.most);
  make_room(pairs_.size());
  cut();
  chosen_.reserve(largest_batch());
  batch_order_.resize(count(0));
}

// Room for the order of an epoch, in which pools of so many pairs are sorted.
void Batches::make_room(std::size_t pool) {
  if (pairs_.size() == 0) {
    throw std::invalid_argument(
        pairs_.left_out() == 0
            ? "batches: there are no pairs"
            : fmt::format("batches: no pairs are left; all {} are longer than the limit", pairs_.left_out()));
  }
  pool_ = std::min(pool, pairs_.size());
  if (order_ == Order::shuffled) {
    shuffled_.resize(pairs_.size());
    sorted_.resize(pairs_.size());
    keys_.reserve(pool_);
  }
}

// Cuts the pairs where one more would make a batch too large.
void Batches::cut() {
  Random any_order(0);
  if (order_ == Order::shuffled) sort_pairs(any_order);
  std::int64_t widest = 0;
  std::uint32_t begin = 0;
  for (std::uint32_t i = 0; i < pairs_.size(); ++i) {
    const std::int64_t width = longer_side(pairs_, order_ == Order::shuffled ? sorted_[i] : i);
    if ((i - begin + 1) * std::max(widest, width) > most_words_) {
      ends_.push_back(i);
      begin = i;
      widest = 0;
    }
    widest = std::max(widest, width);
  }
  ends_.push_back(static_cast<std::uint32_t>(pairs_.size()));
}

// In cyclic order the batches are numbered through all epochs, and batch k begins with pair k · batch size, counted on
// through all epochs as well. Its epoch is the pass that this pair belongs to.
std::uint64_t Batches::first_of(std::uint64_t epoch) const { return divide_up(epoch * pairs_.size(), batch_size_); }

std::uint64_t Batches::count(std::uint64_t epoch) const {
  if (order_ == Order::cyclic) return first_of(epoch + 1) - first_of(epoch);
  return most_words_ > 0 ? ends_.size() : divide_up(pairs_.size(), batch_size_);
}

// The places of a batch's pairs, among the sorted ones or as they stand in the data set.
std::pair<std::uint64_t, std::uint64_t> Batches::range_of(std::uint64_t batch) const {
  if (most_words_ > 0) return {batch == 0 ? 0 : ends_[batch - 1], ends_[batch]};
  return {batch * batch_size_, std::min<std::uint64_t>((batch + 1) * batch_size_, pairs_.size())};
}

std::uint64_t Batches::count_before(std::uint64_t epoch) const {
  return order_ == Order::cyclic ? first_of(epoch) : epoch * count(0);
}

std::size_t Batches::largest_batch() const {
  if (most_words_ > 0) {
    std::uint64_t largest = 0;
    for (std::uint64_t batch = 0; batch < ends_.size(); ++batch) {
      const auto [begin, end] = range_of(batch);
      largest = std::max(largest, end - begin);
    }
    return largest;
  }
  return order_ == Order::cyclic ? batch_size_ : std::min<std::size_t>(batch_size_, pairs_.size());
}

Position Batches::next(Position position) const {
  if (position.batch + 1 < count(position.epoch)) return {position.epoch, position.batch + 1};
  if (order_ != Order::cyclic) return {position.epoch + 1, 0};
  // A batch larger than the whole cyclic data set leaves epochs in which none begins.
  return {first_of(position.epoch + 1) * batch_size_ / pairs_.size(), 0};
}

void Batches::fill(Position position, Batch& batch) {
  check(position.batch < count(position.epoch), "batches: epoch {} has {} batches, so none with number {}",
        position.epoch, count(position.epoch), position.batch);
  choose(position, batch);
  pad(batch);
}

void Batches::choose(Position position, Batch& batch) {
  chosen_.clear();
  if (order_ == Order::cyclic) {
    const std::uint64_t begin = (first_of(position.epoch) + position.batch) * batch_size_;
    for (std::uint64_t i = 0; i < batch_size_; ++i) {
      chosen_.push_back(static_cast<std::int32_t>((begin + i) % pairs_.size()));
    }
  } else {
    const bool shuffled = order_ == Order::shuffled;
    if (shuffled) shuffle(position.epoch);
    const auto [begin, end] = range_of(shuffled ? batch_order_[position.batch] : position.batch);
    for (std::uint64_t i = begin; i < end; ++i) {
      chosen_.push_back(static_cast<std::int32_t>(shuffled ? sorted_[i] : i));
    }
  }
  batch.size = static_cast<int>(chosen_.size());
}

void Batches::shuffle(std::uint64_t epoch) {
  if (is_shuffled_ && shuffled_epoch_ == epoch) return;
  Random random(mix64(seed_) + epoch);
  sort_pairs(random);
  std::iota(batch_order_.begin(), batch_order_.end(), 0u);
  random.shuffle(batch_order_);
  is_shuffled_ = true;
  shuffled_epoch_ = epoch;
}

// All pairs at random, and then each pool of them by length.
void Batches::sort_pairs(Random& random) {
  std::iota(shuffled_.begin(), shuffled_.end(), 0u);
  random.shuffle(shuffled_);
  for (std::size_t begin = 0; begin < shuffled_.size(); begin += pool_)
    sort_pool(begin, std::min(begin + pool_, shuffled_.size()));
}

// Sorts integers that differ in their last bits, so that sentences of the same lengths stay in their random order with
// any implementation of std::sort.
void Batches::sort_pool(std::size_t begin, std::size_t end) {
  keys_.clear();
  for (std::size_t i = begin; i < end; ++i) keys_.push_back(sort_key(i));
  std::sort(keys_.begin(), keys_.end());
  for (std::size_t i = begin; i < end; ++i) sorted_[i] = shuffled_[keys_[i - begin] & 0xffffffffu];
}

std::uint64_t Batches::sort_key(std::size_t position) const {
  const auto length = [](std::size_t words) { return std::min<std::uint64_t>(words, 0xffff); };
  const std::uint32_t pair = shuffled_[position];
  return length(pairs_.target(pair).size()) << 48 | length(pairs_.source(pair).size()) << 32 | position;
}

void Batches::pad(Batch& batch) const {
  batch.source_lengths.clear();
  batch.target_lengths.clear();
  batch.numbers.clear();
  for (const std::int32_t pair : chosen_) {
    batch.source_lengths.push_back(static_cast<std::int32_t>(pairs_.source(pair).size()) + 1);
    batch.target_lengths.push_back(static_cast<std::int32_t>(pairs_.target(pair).size()) + 1);
    batch.numbers.push_back(pairs_.number(pair));
  }
  batch.source_width = *std::max_element(batch.source_lengths.begin(), batch.source_lengths.end());
  batch.target_width = *std::max_element(batch.target_lengths.begin(), batch.target_lengths.end());
  batch.target_tokens = std::accumulate(batch.target_lengths.begin(), batch.target_lengths.end(), std::int64_t{0});

  const std::size_t sources = batch.source_width, targets = batch.target_width;
  batch.source.assign(chosen_.size() * sources, pad_id);
  batch.target_input.assign(chosen_.size() * targets, pad_id);
  batch.target_output.assign(chosen_.size() * targets, pad_id);
  for (std::size_t b = 0; b < chosen_.size(); ++b) {
    const auto source = pairs_.source(chosen_[b]);
    const auto target = pairs_.target(chosen_[b]);
    std::int32_t* const source_row = batch.source.data() + b * sources;
    std::int32_t* const input_row = batch.target_input.data() + b * targets;
    std::int32_t* const output_row = batch.target_output.data() + b * targets;
    *std::copy(source.begin(), source.end(), source_row) = eos_id;
    input_row[0] = bos_id;
    std::copy(target.begin(), target.end(), input_row + 1);
    *std::copy(target.begin(), target.end(), output_row) = eos_id;
  }
}

void Batches::reserve(Batch& batch) const {
  const auto largest = [&](auto side) {
    std::size_t words = 0;
    for (std::size_t i = 0; i < pairs_.size(); ++i) words = std::max(words, side(i).size());
    const std::size_t size = largest_batch() * (words + 1);
    return most_words_ > 0 ? std::min(size, static_cast<std::size_t>(most_words_)) : size;
  };
  const std::size_t rows = largest_batch();
  batch.source.reserve(largest([&](std::size_t i) { return pairs_.source(i); }));
  const std::size_t target = largest([&](std::size_t i) { return pairs_.target(i); });
  batch.target_input.reserve(target);
  batch.target_output.reserve(target);
  for (auto* vector : {&batch.source_lengths, &batch.target_lengths, &batch.numbers}) vector->reserve(rows);
}

}  // namespace qkv
