#include "qkv/autograd/detail/arena.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace qkv {
namespace {
constexpr std::size_t first_block = std::size_t{1} << 18;
}

Arena::~Arena() { release_blocks(); }

void* Arena::unpoisoned(std::byte* place, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(place, bytes);
#endif
  return place;
}

void Arena::spoil([[maybe_unused]] std::byte* place, [[maybe_unused]] std::size_t bytes) {
#if !defined(NDEBUG)
  std::memset(place, 0xff, bytes);  // all bits set is NaN in float and double
#endif
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(place, bytes);
#endif
}

void Arena::add_block(std::size_t bytes) {
  blocks_.reserve(blocks_.size() + 1);  // so that push_back cannot fail and lose the memory
  auto* memory = static_cast<std::byte*>(::operator new(bytes, std::align_val_t(alignment)));
  blocks_.push_back({memory, bytes});
  spoil(memory, bytes);
}

void Arena::release_blocks() {
  for (const Block& block : blocks_) {
    unpoisoned(block.memory, block.size);
    ::operator delete(block.memory, std::align_val_t(alignment));
  }
  blocks_.clear();
}

void* Arena::allocate_in_next_block(std::size_t bytes, std::size_t rounded) {
  // A later block may be left from before a rewind; one that is too small is passed over until the next full rewind.
  std::size_t next = blocks_.empty() ? 0 : current_ + 1;
  while (next < blocks_.size() && blocks_[next].size < rounded) ++next;
  if (next == blocks_.size()) add_block(std::max({rounded, first_block, capacity()}));
  current_ = next;  // only now: if there was no memory, the arena is as it was
  used_ = rounded;
  return unpoisoned(blocks_[current_].memory, bytes);
}

void Arena::rewind(Mark mark) {
  peak_ = std::max(peak_, used());
  for (std::size_t i = mark.block; i <= current_ && i < blocks_.size(); ++i) {
    const std::size_t from = i == mark.block ? mark.used : 0;
    const std::size_t to = i == current_ ? used_ : blocks_[i].size;
    if (to > from) {
      unpoisoned(blocks_[i].memory + from, to - from);
      spoil(blocks_[i].memory + from, to - from);
    }
  }
  current_ = mark.block;
  used_ = mark.used;
  if (mark.block == 0 && mark.used == 0 && blocks_.size() > 1) {
    const std::size_t total = capacity();
    release_blocks();
    add_block(total);
  }
}

bool Arena::is_after(Mark mark, const void* memory) const {
  const auto* place = static_cast<const std::byte*>(memory);
  for (std::size_t i = mark.block; i < blocks_.size(); ++i) {
    const std::byte* from = blocks_[i].memory + (i == mark.block ? mark.used : 0);
    if (!std::less<>()(place, from) && std::less<>()(place, blocks_[i].memory + blocks_[i].size)) return true;
  }
  return false;
}

std::size_t Arena::used() const {
  std::size_t bytes = used_;
  for (std::size_t i = 0; i < current_ && i < blocks_.size(); ++i) bytes += blocks_[i].size;
  return bytes;
}

std::size_t Arena::peak() const { return std::max(peak_, used()); }

std::size_t Arena::capacity() const {
  std::size_t bytes = 0;
  for (const Block& block : blocks_) bytes += block.size;
  return bytes;
}

}  // namespace qkv
