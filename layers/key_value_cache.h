#pragma once

#include <cstring>

#include "qkv/autograd/block.h"
#include "qkv/autograd/tape.h"

namespace qkv {

/// The keys and values of the words so far, kept while a sentence is decoded, so that each new word costs one query
/// against them instead of the whole sentence again. It lies outside the tape's scopes.
template <class T>
class KeyValueCache {
 public:
  KeyValueCache(int sentences, int capacity, int width)
      : sentences_(sentences), capacity_(capacity), width_(width), keys_(size()), values_(size()) {}

  /// Appends n words of each sentence. Throws std::invalid_argument if they do not fit.   keys, values: [B, n, C]
  void append(Var<T> keys, Var<T> values) {
    const int count = keys.dim(1);
    check(keys.shape() == values.shape() && keys.shape() == Shape({sentences_, count, width_}),
          "cache: keys {} and values {} do not fit a cache of {} sentences and width {}", keys.shape(), values.shape(),
          sentences_, width_);
    check(words_ + count <= capacity_, "cache: {} words do not fit a capacity of {}", words_ + count, capacity_);
    for (int b = 0; b < sentences_; ++b) {
      const std::int64_t from = std::int64_t{b} * count * width_, size = std::int64_t{count} * width_;
      std::copy_n(keys.data() + from, size, keys_.data() + at(b) + std::int64_t{words_} * width_);
      std::copy_n(values.data() + from, size, values_.data() + at(b) + std::int64_t{words_} * width_);
    }
    words_ += count;
  }

  /// Goes on with these sentences only, in this order; one may occur several times. Throws std::invalid_argument if
  /// there is no such sentence.
  void select(std::span<const int> rows) {
    for (int row : rows)
      check(row >= 0 && row < sentences_, "cache: there is no sentence {} among {}", row, sentences_);
    KeyValueCache chosen(static_cast<int>(rows.size()), capacity_, width_);
    chosen.words_ = words_;
    const std::int64_t used = std::int64_t{words_} * width_;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(keys_.data() + at(rows[i]), used, chosen.keys_.data() + chosen.at(static_cast<int>(i)));
      std::copy_n(values_.data() + at(rows[i]), used, chosen.values_.data() + chosen.at(static_cast<int>(i)));
    }
    *this = std::move(chosen);
  }

  /// As constants on the current tape, [B, capacity, C]; only the first words() of each sentence mean anything.
  Var<T> keys() const { return on_tape("cached_keys", keys_); }
  Var<T> values() const { return on_tape("cached_values", values_); }
  int words() const { return words_; }
  int sentences() const { return sentences_; }

 private:
  std::size_t size() const {
    return static_cast<std::size_t>(sentences_) * static_cast<std::size_t>(capacity_) *
           static_cast<std::size_t>(width_);
  }
  std::int64_t at(int sentence) const { return std::int64_t{sentence} * capacity_ * width_; }
  Var<T> on_tape(const char* name, const Block<T>& block) const {
    return Tape<T>::current().leaf(name, {sentences_, capacity_, width_}, block.data(), nullptr);
  }

  int sentences_, capacity_, width_;
  int words_ = 0;
  Block<T> keys_, values_;
};

}  // namespace qkv
