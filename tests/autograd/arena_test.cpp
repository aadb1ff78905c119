#include "qkv/autograd/detail/arena.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>

#include "qkv/autograd/detail/free_lists.h"

namespace qkv {
namespace {

TEST(Arena, StartsEverythingOn64BytesAndApart) {
  Arena arena;
  std::byte* last_end = nullptr;
  for (std::size_t bytes : {1, 63, 64, 65, 1000, 5, 0, 4096}) {
    auto* memory = static_cast<std::byte*>(arena.allocate(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0U);
    EXPECT_TRUE(memory >= last_end);
    std::memset(memory, 1, bytes);
    last_end = memory + bytes;
  }
}

TEST(Arena, GrowsAndGivesTheSameMemoryAgainAfterARewind) {
  Arena arena;
  const auto fill = [&arena] {
    for (int i = 0; i < 100; ++i) std::memset(arena.allocate(100'000), 7, 100'000);
  };
  fill();
  const std::size_t used = arena.used();
  EXPECT_GE(used, 100U * 100'000U);
  arena.rewind({});
  EXPECT_EQ(arena.used(), 0U);
  EXPECT_EQ(arena.peak(), used);
  const std::size_t capacity = arena.capacity();
  void* first = arena.allocate(1);
  arena.rewind({});
  for (int step = 0; step < 3; ++step) {  // blocks were joined: the same steps need no new memory
    fill();
    EXPECT_EQ(arena.capacity(), capacity);
    arena.rewind({});
  }
  EXPECT_EQ(arena.allocate(1), first);
}

TEST(Arena, RewindsToAMarkInAnyBlock) {
  Arena arena;
  auto* kept = static_cast<int*>(arena.allocate(sizeof(int)));
  *kept = 42;
  for (std::size_t bytes : {1000, 300'000, 2'000'000}) {
    const Arena::Mark mark = arena.mark();
    const std::size_t used = arena.used();
    void* later = arena.allocate(bytes);
    EXPECT_TRUE(arena.is_after(mark, later));
    EXPECT_FALSE(arena.is_after(mark, kept));
    arena.rewind(mark);
    EXPECT_EQ(arena.used(), used);
    arena.allocate(500'000);  // so that the next mark lies further on
  }
  EXPECT_EQ(*kept, 42);
}

TEST(Arena, UsesABlockThatWasLeftBehindAMarkAgain) {
  Arena arena;
  arena.allocate(64);
  const Arena::Mark mark = arena.mark();
  for (int i = 0; i < 10; ++i) arena.allocate(200'000);
  const std::size_t capacity = arena.capacity();
  for (int repeat = 0; repeat < 5; ++repeat) {
    arena.rewind(mark);
    for (int i = 0; i < 10; ++i) arena.allocate(200'000);
  }
  EXPECT_EQ(arena.capacity(), capacity);
}

#if !defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
TEST(Arena, FillsRewoundMemoryWithNanInDebugBuilds) {
  Arena arena;
  auto* numbers = arena.array<float>(16);
  std::fill_n(numbers, 16, 1.0F);
  arena.rewind({});
  EXPECT_TRUE(std::isnan(numbers[0]) && std::isnan(numbers[15]));
}
#endif

#if defined(__SANITIZE_ADDRESS__)
TEST(ArenaDeathTest, PoisonsRewoundMemoryAndWhatLiesBehindAPiece) {
  Arena arena;
  volatile auto* numbers = arena.array<float>(3);
  EXPECT_DEATH(numbers[3] = 1, "use-after-poison");
  arena.rewind({});
  EXPECT_DEATH(numbers[0] = 1, "use-after-poison");
}
#endif

TEST(FreeLists, GiveAPieceAgainToWhoeverNeedsAsMuch) {
  Arena arena;
  FreeLists lists;
  for (std::size_t bytes : {1, 64, 65, 200, 300, 1000, 4096, 5000, 1 << 20}) {
    void* first = lists.take(arena, bytes);
    std::memset(first, 1, bytes);
    lists.give_back(first, bytes);
    const std::size_t used = arena.used();
    EXPECT_EQ(lists.take(arena, bytes), first);
    EXPECT_EQ(arena.used(), used);
  }
}

TEST(FreeLists, WasteAtMostAQuarterAndNeverGiveTooLittle) {
  Arena arena;
  for (std::size_t bytes = 1; bytes < 100'000; bytes += 37) {
    arena.rewind({});
    FreeLists lists;
    lists.take(arena, bytes);
    EXPECT_GE(arena.used(), bytes);
    EXPECT_LE(arena.used(), bytes + bytes / 4 + 64);
    // Every size that shares the list must fit into the piece: the largest of its class is what was taken.
    void* piece = lists.take(arena, arena.used());
    lists.give_back(piece, bytes);
    EXPECT_EQ(lists.take(arena, bytes), piece);
  }
}

}  // namespace
}  // namespace qkv
