#pragma once

#include "qkv/layers/kept_value.h"

namespace qkv {

/// The keys and values of the positions so far, kept while sequences are decoded, so that each new position costs one
/// query against them instead of the whole sequence again.
template <class T>
class KeyValueCache {
 public:
  KeyValueCache(int batch, int capacity, int width) : keys_(batch, capacity, width), values_(batch, capacity, width) {}

  /// Appends n positions of each sequence. Throws std::invalid_argument if they do not fit.   keys, values: [B, n, C]
  void append(Var<T> keys, Var<T> values) {
    check(keys.shape() == values.shape(), "cache: keys {} and values {} differ", keys.shape(), values.shape());
    keys_.append(keys);
    values_.append(values);
  }

  /// Goes on with these rows of the batch only, in this order; one may occur several times. Throws
  /// std::invalid_argument if there is no such row.
  void select(std::span<const int> rows) {
    keys_.select(rows);
    values_.select(rows);
  }

  /// As constants on the current tape, [B, capacity, C]; only the first length() positions of each sequence mean
  /// anything.
  Var<T> keys() const { return keys_.on_tape("cached_keys"); }
  Var<T> values() const { return values_.on_tape("cached_values"); }
  int length() const { return keys_.length(); }
  int batch() const { return keys_.batch(); }

 private:
  KeptValue<T> keys_, values_;
};

}  // namespace qkv
