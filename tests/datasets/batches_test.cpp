#include "qkv/datasets/batches.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <stdexcept>
#include <tuple>

#include "qkv/autograd/random.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

using Ids = std::vector<std::int32_t>;

/// `count` pairs of 1 to 12 words; pair i contains the word "i", so that each is known again.
std::vector<Pair> random_pairs(int count) {
  Random random(7);
  std::vector<Pair> pairs;
  for (int i = 0; i < count; ++i) {
    Pair pair;
    pair.source.assign(1 + random.below(12), std::to_string(i));
    pair.target.assign(1 + random.below(12), std::to_string(i));
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

EncodedPairs encode(const std::vector<Pair>& pairs, int max_length = 0) {
  return EncodedPairs(pairs, Vocabulary(pairs, &Pair::source), Vocabulary(pairs, &Pair::target), max_length);
}

auto contents(const Batch& batch) {
  return std::tuple(batch.size, batch.source_width, batch.target_width, batch.source, batch.target_input,
                    batch.target_output, batch.source_lengths, batch.target_lengths, batch.numbers,
                    batch.target_tokens);
}

Batch batch_at(Batches& batches, std::uint64_t epoch, std::uint64_t number) {
  Batch batch;
  batches.fill({epoch, number}, batch);
  return batch;
}

/// The rows of all batches of an epoch, one batch behind the other.
Ids rows_of_epoch(Batches& batches, std::uint64_t epoch) {
  Ids rows;
  for (std::uint64_t number = 0; number < batches.count(epoch); ++number) {
    const Batch batch = batch_at(batches, epoch, number);
    rows.insert(rows.end(), batch.numbers.begin(), batch.numbers.end());
  }
  return rows;
}

Ids counting(int count) {
  Ids numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

TEST(Batches, PadsAndMarksSentences) {
  const std::vector<Pair> pairs = {{{"a", "b", "c"}, {"x"}, {}}, {{"a"}, {"x", "y"}, {}}, {{"a", "z"}, {"x"}, {}}};
  const std::vector<Pair> known = {{{"a", "b", "c"}, {"x", "x", "y"}, {}}};
  const Vocabulary source(known, &Pair::source), target(known, &Pair::target);  // a 4, b 5, c 6; x 4, y 5
  Batches batches(EncodedPairs(pairs, source, target), 3, Order::consecutive);
  const Batch batch = batch_at(batches, 0, 0);
  EXPECT_EQ(batch.size, 3);
  EXPECT_EQ(batch.source_width, 4);
  EXPECT_EQ(batch.target_width, 3);
  EXPECT_EQ(batch.source, (Ids{4, 5, 6, eos_id, 4, eos_id, pad_id, pad_id, 4, unknown_id, eos_id, pad_id}));
  EXPECT_EQ(batch.target_input, (Ids{bos_id, 4, pad_id, bos_id, 4, 5, bos_id, 4, pad_id}));
  EXPECT_EQ(batch.target_output, (Ids{4, eos_id, pad_id, 4, 5, eos_id, 4, eos_id, pad_id}));
  EXPECT_EQ(batch.source_lengths, (Ids{4, 2, 3}));
  EXPECT_EQ(batch.target_lengths, (Ids{2, 3, 2}));
  EXPECT_EQ(batch.numbers, (Ids{0, 1, 2}));
  EXPECT_EQ(batch.target_tokens, 7);
}

TEST(Batches, BelongToTheRowsTheyName) {
  const auto pairs = random_pairs(333);
  const Vocabulary source(pairs, &Pair::source), target(pairs, &Pair::target);
  Batches batches(EncodedPairs(pairs, source, target), 16, Order::shuffled, 1);
  for (std::uint64_t number = 0; number < batches.count(0); ++number) {
    const Batch batch = batch_at(batches, 0, number);
    for (int b = 0; b < batch.size; ++b) {
      const auto i = static_cast<std::size_t>(b);
      const Pair& pair = pairs[static_cast<std::size_t>(batch.numbers[i])];
      Ids expected = source.encode(pair.source);
      expected.push_back(eos_id);
      expected.resize(static_cast<std::size_t>(batch.source_width), pad_id);
      const auto row = batch.source.begin() + b * batch.source_width;
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), row));
      ASSERT_EQ(static_cast<std::size_t>(batch.source_lengths[i]), pair.source.size() + 1);
      ASSERT_EQ(static_cast<std::size_t>(batch.target_lengths[i]), pair.target.size() + 1);
    }
  }
}

TEST(Batches, ShuffledHoldEveryPairOnceAnEpoch) {
  for (const int count : {1, 7, 16, 799, 800, 801, 2001}) {
    Batches batches(encode(random_pairs(count)), 16, Order::shuffled, 5);
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
      Ids rows = rows_of_epoch(batches, epoch);
      std::sort(rows.begin(), rows.end());
      EXPECT_EQ(rows, counting(count)) << "epoch " << epoch;
    }
  }
}

TEST(Batches, ShuffledDependOnSeedAndEpochAlone) {
  Batches a(encode(random_pairs(500)), 8, Order::shuffled, 1), same(encode(random_pairs(500)), 8, Order::shuffled, 1),
      other(encode(random_pairs(500)), 8, Order::shuffled, 2);
  EXPECT_EQ(rows_of_epoch(a, 0), rows_of_epoch(same, 0));
  EXPECT_NE(rows_of_epoch(a, 0), rows_of_epoch(a, 1));
  EXPECT_NE(rows_of_epoch(a, 0), rows_of_epoch(other, 0));
  EXPECT_NE(rows_of_epoch(a, 1), rows_of_epoch(other, 0));
}

// The numbers are the contract: another machine, compiler or standard library must draw the same batches.
TEST(Batches, ShuffledAreTheSameOnEveryMachine) {
  Batches batches(encode(random_pairs(40)), 5, Order::shuffled, 2024);
  EXPECT_EQ(batch_at(batches, 3, 0).numbers, (Ids{37, 36, 9, 24, 7}));
}

TEST(Batches, GoOnFromAnyPosition) {
  for (const Order order : {Order::shuffled, Order::cyclic, Order::consecutive}) {
    Batches whole(encode(random_pairs(101)), 8, order, 3);
    std::vector<std::pair<Position, Batch>> all;
    Position position;
    while (position.epoch < 3) {
      all.emplace_back(position, batch_at(whole, position.epoch, position.batch));
      position = whole.next(position);
    }
    for (const auto& [at, batch] : all) {
      Batches resumed(encode(random_pairs(101)), 8, order, 3);
      EXPECT_EQ(contents(batch_at(resumed, at.epoch, at.batch)), contents(batch));
    }
  }
}

TEST(Batches, ShuffledHoldSentencesOfSimilarLength) {
  const auto padding = [](Batches& batches) {
    double cells = 0, tokens = 0;
    for (std::uint64_t number = 0; number < batches.count(0); ++number) {
      const Batch batch = batch_at(batches, 0, number);
      cells += batch.size * batch.target_width;
      tokens += static_cast<double>(batch.target_tokens);
    }
    return 1 - tokens / cells;
  };
  Batches shuffled(encode(random_pairs(5000)), 32, Order::shuffled, 1);
  Batches consecutive(encode(random_pairs(5000)), 32, Order::consecutive);
  EXPECT_LT(padding(shuffled), 0.03);
  EXPECT_GT(padding(consecutive), 0.3);
}

TEST(Batches, ShuffledDoNotGoFromShortToLong) {
  Batches batches(encode(random_pairs(3200)), 32, Order::shuffled, 1);
  int longer = 0;
  for (std::uint64_t number = 1; number < batches.count(0); ++number) {
    longer += batch_at(batches, 0, number).target_width > batch_at(batches, 0, number - 1).target_width;
  }
  EXPECT_GT(longer, 30);
  EXPECT_LT(longer, 70);
}

TEST(Batches, ShuffledMixSentencesOfTheSameLength) {
  std::vector<Pair> pairs(1000, {{"a", "b"}, {"c"}, {}});
  Batches batches(encode(pairs), 10, Order::shuffled, 1);
  const Batch first = batch_at(batches, 0, 0), second = batch_at(batches, 1, 0);
  EXPECT_FALSE(std::is_sorted(first.numbers.begin(), first.numbers.end()));
  EXPECT_NE(first.numbers, second.numbers);
}

TEST(Batches, CyclicStartAgainAtTheTop) {
  Batches batches(encode(random_pairs(7)), 3, Order::cyclic);
  Ids rows;
  Position position;
  std::vector<Position> positions;
  for (int step = 0; step < 7; ++step) {
    const Batch batch = batch_at(batches, position.epoch, position.batch);
    EXPECT_EQ(batch.size, 3);
    rows.insert(rows.end(), batch.numbers.begin(), batch.numbers.end());
    positions.push_back(position);
    position = batches.next(position);
  }
  EXPECT_EQ(rows, (Ids{0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(positions, (std::vector<Position>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {2, 0}, {2, 1}}));
  EXPECT_EQ(position, (Position{3, 0}));
}

TEST(Batches, CyclicMayHoldTheWholeDataSetMoreThanOnce) {
  Batches batches(encode(random_pairs(2)), 5, Order::cyclic);
  EXPECT_EQ(batch_at(batches, 0, 0).numbers, (Ids{0, 1, 0, 1, 0}));
  const Position second = batches.next({0, 0});
  EXPECT_EQ(second, (Position{2, 0}));  // the first batch took all of pass 1 as well
  EXPECT_EQ(batch_at(batches, second.epoch, second.batch).numbers, (Ids{1, 0, 1, 0, 1}));
}

TEST(Batches, ConsecutiveEndWithTheData) {
  Batches batches(encode(random_pairs(7)), 3, Order::consecutive);
  EXPECT_EQ(batches.count(0), 3u);
  EXPECT_EQ(rows_of_epoch(batches, 0), counting(7));
  EXPECT_EQ(batch_at(batches, 0, 2).numbers, (Ids{6}));
}

TEST(Batches, LeaveOutAndCountLongSentences) {
  const std::vector<Pair> pairs = {
      {{"a", "b", "c"}, {"x"}, {}}, {{"a", "b"}, {"x"}, {}}, {{"a"}, {"x", "y", "z"}, {}}, {{"a"}, {"x", "y"}, {}}};
  const EncodedPairs encoded = encode(pairs, 2);
  EXPECT_EQ(encoded.size(), 2u);
  EXPECT_EQ(encoded.left_out(), 2u);
  Batches batches(encoded, 4, Order::consecutive);
  EXPECT_EQ(batch_at(batches, 0, 0).numbers, (Ids{1, 3}));  // numbered as in the data set
}

/// What batches by words promise, in this epoch.
void expect_words(Batches& batches, std::uint64_t epoch, std::int64_t most) {
  for (std::uint64_t number = 0; number < batches.count(epoch); ++number) {
    const Batch batch = batch_at(batches, epoch, number);
    ASSERT_LE(std::int64_t{batch.size} * std::max(batch.source_width, batch.target_width), most);
  }
}

TEST(Batches, ByWordsKeepToTheLimitAndHoldEveryPairOnceAnEpoch) {
  for (const Order order : {Order::shuffled, Order::consecutive})
    for (const int count : {1, 2, 60, 800})
      for (const std::int64_t most : {13, 50, 1000, 1'000'000}) {
        Batches batches(encode(random_pairs(count)), WordsPerBatch{most}, order, 5);
        for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
          expect_words(batches, epoch, most);
          Ids rows = rows_of_epoch(batches, epoch);
          if (order == Order::shuffled) std::sort(rows.begin(), rows.end());
          EXPECT_EQ(rows, counting(count)) << "epoch " << epoch;
          EXPECT_EQ(batches.count_before(epoch), epoch * batches.count(0));
        }
        if (most == 1'000'000) {
          EXPECT_EQ(batches.count(0), 1u);
        }
      }
}

TEST(Batches, ByWordsAreAsLargeAsTheLimitAllows) {
  Batches shuffled(encode(random_pairs(3000)), WordsPerBatch{400}, Order::shuffled, 1),
      consecutive(encode(random_pairs(3000)), WordsPerBatch{400}, Order::consecutive);
  double cells = 0;
  for (std::uint64_t number = 0; number < shuffled.count(0); ++number) {
    const Batch batch = batch_at(shuffled, 0, number);
    cells += batch.size * std::max(batch.source_width, batch.target_width);
  }
  EXPECT_GT(cells / static_cast<double>(shuffled.count(0)), 0.9 * 400);
  EXPECT_GT(static_cast<double>(consecutive.count(0)), 1.1 * static_cast<double>(shuffled.count(0)))
      << "sentences of similar length are together";
  for (std::uint64_t number = 0; number + 1 < consecutive.count(0); ++number) {  // one pair more would be too many
    const Batch batch = batch_at(consecutive, 0, number), next = batch_at(consecutive, 0, number + 1);
    const int width =
        std::max({batch.source_width, batch.target_width, next.source_lengths[0], next.target_lengths[0]});
    ASSERT_GT((batch.size + 1) * width, 400);
  }
}

TEST(Batches, ByWordsAreShuffledAndGoOnFromAnyPosition) {
  Batches whole(encode(random_pairs(300)), WordsPerBatch{60}, Order::shuffled, 3),
      other(encode(random_pairs(300)), WordsPerBatch{60}, Order::shuffled, 4);
  EXPECT_NE(rows_of_epoch(whole, 0), rows_of_epoch(whole, 1));
  EXPECT_NE(rows_of_epoch(whole, 0), rows_of_epoch(other, 0));
  Position position;
  while (position.epoch < 3) {
    const Batch batch = batch_at(whole, position.epoch, position.batch);
    Batches resumed(encode(random_pairs(300)), WordsPerBatch{60}, Order::shuffled, 3);
    ASSERT_EQ(contents(batch_at(resumed, position.epoch, position.batch)), contents(batch));
    position = whole.next(position);
  }
  int changed = 0;  // who is together with whom, not only the order of the batches
  std::vector<Ids> batches_of[2];
  for (const std::uint64_t epoch : {0, 1})
    for (std::uint64_t number = 0; number < whole.count(epoch); ++number) {
      Ids rows = batch_at(whole, epoch, number).numbers;
      std::sort(rows.begin(), rows.end());
      batches_of[epoch].push_back(rows);
    }
  for (const Ids& rows : batches_of[1])
    changed += std::find(batches_of[0].begin(), batches_of[0].end(), rows) == batches_of[0].end();
  EXPECT_GT(changed, 10);
}

TEST(Batches, SayWhatTheyCannotDo) {
  const auto message = [](auto call) { return message_of<std::invalid_argument>(call); };
  const auto pairs = random_pairs(20);
  EXPECT_EQ(message([&] { Batches(encode(pairs), 0, Order::shuffled); }),
            "batches: the batch size is 0; it must be 1 or more");
  EXPECT_EQ(message([&] { Batches(encode({}), 1, Order::shuffled); }), "batches: there are no pairs");
  EXPECT_EQ(message([&] {
              Batches(encode({{{"a", "b"}, {"c"}, {}}}, 1), 1, Order::shuffled);
            }),
            "batches: no pairs are left; all 1 are longer than the limit");
  EXPECT_EQ(message([&] { encode(pairs, -1); }), "encode pairs: the greatest length is -1; 0 means no limit");
  EXPECT_EQ(message([&] { encode({{{"a"}, {}, {}}}); }), "encode pairs: the target of pair 0 has no words");
  const auto longest = std::max_element(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::max(a.source.size(), a.target.size()) < std::max(b.source.size(), b.target.size());
  });
  const std::size_t words = std::max(longest->source.size(), longest->target.size());
  EXPECT_EQ(message([&] { Batches(encode(pairs), WordsPerBatch{static_cast<std::int64_t>(words)}, Order::shuffled); }),
            "batches: pair " + std::to_string(longest - pairs.begin()) + " has " + std::to_string(words + 1) +
                " words on a side, `<eos>` counted; a batch has " + std::to_string(words));
  EXPECT_EQ(message([&] { Batches(encode(pairs), WordsPerBatch{100}, Order::cyclic); }),
            "batches: a batch by words ends with the data, so there is no cyclic order of them");
  Batches batches(encode(pairs), 8, Order::consecutive);
  EXPECT_EQ(message([&] { batch_at(batches, 2, 3); }), "batches: epoch 2 has 3 batches, so none with number 3");
}

TEST(Batches, CountAndFollowEachOtherInAnyEpochWithoutGoingThroughThemAll) {
  for (const std::size_t pairs : {1, 2, 5, 12})
    for (const int batch_size : {1, 3, 5, 7, 40})
      for (const Order order : {Order::shuffled, Order::cyclic, Order::consecutive}) {
        const std::vector<Pair> all(pairs, Pair{{"a"}, {"b"}, {}});
        const Batches batches(EncodedPairs(all, Vocabulary(all, &Pair::source), Vocabulary(all, &Pair::target)),
                              batch_size, order);
        std::uint64_t steps = 0;
        Position position;
        for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
          ASSERT_EQ(batches.count_before(epoch), steps);
          for (std::uint64_t batch = 0; batch < batches.count(epoch); ++batch) {
            ASSERT_EQ(position, (Position{epoch, batch})) << pairs << " pairs in batches of " << batch_size;
            position = batches.next(position);
          }
          steps += batches.count(epoch);
        }
      }
}

}  // namespace
}  // namespace qkv
