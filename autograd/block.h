#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <span>

#include "qkv/autograd/detail/arena.h"

namespace qkv {

/// A fixed number of T in one piece of memory that starts on 64 bytes, zero at first: the parameters of a model, their
/// gradients, an optimiser's moments, a cache of keys.
template <class T>
class Block {
 public:
  Block() = default;
  explicit Block(std::size_t size) : size_(size) {
    if (size == 0) return;
    void* memory = ::operator new(size * sizeof(T), std::align_val_t(Arena::alignment));
    numbers_.reset(static_cast<T*>(memory));
    std::uninitialized_value_construct_n(numbers_.get(), size);
  }

  T* data() { return numbers_.get(); }
  const T* data() const { return numbers_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }

 private:
  struct Release {
    void operator()(T* memory) const { ::operator delete(memory, std::align_val_t(Arena::alignment)); }
  };
  std::unique_ptr<T[], Release> numbers_;
  std::size_t size_ = 0;
};

}  // namespace qkv
