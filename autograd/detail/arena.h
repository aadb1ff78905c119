#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qkv {

/// Memory that is handed out by moving a pointer and taken back all at once. Everything in it starts on 64 bytes and
/// is trivially destructible. Rewinding to the start joins the blocks that growth added into one, so that a loop of
/// equal steps soon allocates nothing. Debug builds fill rewound memory with NaN; sanitizer builds poison it, so that
/// a Var kept for too long is found out.
class Arena {
 public:
  static constexpr std::size_t alignment = 64;

  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A position to rewind to.
  struct Mark {
    std::size_t block = 0;
    std::size_t used = 0;
  };

  /// At least `bytes` bytes, uninitialised. Throws std::bad_alloc when the machine has no more.
  void* allocate(std::size_t bytes) {
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    if (current_ < blocks_.size() && used_ + rounded <= blocks_[current_].size) [[likely]] {
      std::byte* place = blocks_[current_].memory + used_;
      used_ += rounded;
      return unpoisoned(place, bytes);  // the rest up to 64 stays poisoned, to find writes beyond the end
    }
    return allocate_in_next_block(bytes, rounded);
  }

  template <class T>
  T* array(std::int64_t count) {
    return static_cast<T*>(allocate(count * sizeof(T)));
  }

  Mark mark() const { return {current_, used_}; }
  void rewind(Mark mark);

  /// Whether this memory was handed out after the mark was taken, so that rewinding to it takes it back.
  bool is_after(Mark mark, const void* memory) const;

  /// Bytes in use, and the most that were ever in use.
  std::size_t used() const;
  std::size_t peak() const;

  /// Bytes held from the system.
  std::size_t capacity() const;

 private:
  struct Block {
    std::byte* memory;
    std::size_t size;
  };

  void* allocate_in_next_block(std::size_t bytes, std::size_t rounded);
  static void* unpoisoned(std::byte* place, std::size_t bytes);
  static void spoil(std::byte* place, std::size_t bytes);
  void add_block(std::size_t bytes);
  void release_blocks();

  std::vector<Block> blocks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;
  mutable std::size_t peak_ = 0;
};

}  // namespace qkv
