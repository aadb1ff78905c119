#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <new>

#include "qkv/autograd/detail/arena.h"

namespace qkv {

/// Memory of an arena that is used again before the arena is rewound: one list per size class, four classes to each
/// doubling, so that at most a quarter of a piece is wasted. Gradients come from here: at any time during backward
/// only a few are alive.
class FreeLists {
 public:
  /// A piece of at least `bytes` bytes: one that was given back, or new from the arena.
  void* take(Arena& arena, std::size_t bytes) {
    const SizeClass found = size_class(bytes);
    Piece*& list = lists_[found.index];
    if (list == nullptr) return arena.allocate(found.bytes);
    Piece* piece = list;
    list = piece->next;
    return piece;
  }

  /// Gives back a piece that was taken for `bytes` bytes.
  void give_back(void* memory, std::size_t bytes) {
    Piece*& list = lists_[size_class(bytes).index];
    list = new (memory) Piece{list};
  }

  /// Forgets all pieces; the arena is about to be rewound.
  void clear() { lists_.fill(nullptr); }

 private:
  struct Piece {
    Piece* next;
  };
  struct SizeClass {
    std::size_t index;
    std::size_t bytes;
  };

  /// Class 4·o + q holds up to (4 + q + 1) · 2ᵒ units of 64 bytes; the first four hold 1 to 4 units.
  static SizeClass size_class(std::size_t bytes) {
    const std::size_t units = (bytes + Arena::alignment - 1) / Arena::alignment;
    if (units <= 4) return {units == 0 ? 0 : units - 1, std::max<std::size_t>(units, 1) * Arena::alignment};
    const auto octave = static_cast<std::size_t>(std::bit_width(units - 1)) - 3;  // 4 · 2ᵒ < units ≤ 8 · 2ᵒ
    const std::size_t quarter = ((units - 1) >> octave) - 4;
    return {4 * (octave + 1) + quarter, ((quarter + 5) << octave) * Arena::alignment};
  }

  std::array<Piece*, 256> lists_{};
};

}  // namespace qkv
