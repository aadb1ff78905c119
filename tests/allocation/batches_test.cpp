// Filling batches takes nothing from the heap once room is reserved, in any order and over several epochs.

#include "qkv/datasets/batches.h"

#include <gtest/gtest.h>
#include <vector>

#include "tests/allocation/heap.h"

namespace qkv {
namespace {

TEST(Batches, AllocateNothingOnceReserved) {
  std::vector<Pair> pairs(2000);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].source.assign(1 + i % 12, "a");
    pairs[i].target.assign(1 + i % 11, "b");
  }
  const EncodedPairs encoded(pairs, Vocabulary(pairs, &Pair::source), Vocabulary(pairs, &Pair::target), 0);
  std::vector<Batches> all;
  for (const Order order : {Order::shuffled, Order::cyclic, Order::consecutive})
    all.emplace_back(encoded, 32, order, 1);
  for (const Order order : {Order::shuffled, Order::consecutive})
    all.emplace_back(encoded, WordsPerBatch{300}, order, 1);
  for (Batches& batches : all) {
    Batch batch;
    batches.reserve(batch);
    start_counting();
    Position position;
    while (position.epoch < 3) {
      batches.fill(position, batch);
      position = batches.next(position);
    }
    EXPECT_EQ(stop_counting().own, 0);
  }
}

}  // namespace
}  // namespace qkv
