#include "qkv/train/ranks.h"

#include <gtest/gtest.h>
#include <map>
#include <mutex>

#include "qkv/autograd/ops.h"
#include "qkv/layers/linear.h"
#include "qkv/layers/model.h"
#include "qkv/train/adam.h"
#include "qkv/train/learner.h"
#include "qkv/train/table.h"
#include "tests/train/thread_ranks.h"

namespace qkv {
namespace {

template <class T>
struct Mlp {
  explicit Mlp(const Path<T>& path) : inner(path / "inner", 2, 8), outer(path / "outer", 8, 1) {}
  Var<T> operator()(Var<T> x) const { return outer(dropout(tanh(inner(x)), 0.3)); }
  Linear<T> inner, outer;
};

template <class T>
struct OneLinear {
  explicit OneLinear(const Path<T>& path) : only(path / "only", 1, 1) {}
  Var<T> operator()(Var<T> x) const { return only(x); }
  Linear<T> only;
};

/// What some steps over nine rows come to: the losses, the norms and the parameters at the end.
struct Learnt {
  std::vector<double> losses, norms;
  std::vector<double> parameters;
  bool operator==(const Learnt&) const = default;
};

template <class T>
Learnt learn(Ranks& ranks, int workers, Gradients second_batch = Gradients::anew) {
  std::vector<T> numbers, sums;
  for (int i = 0; i < 9; ++i) {
    numbers.insert(numbers.end(), {T(i % 3), T(i / 3)});
    sums.push_back(T(i % 3 - i / 3));
  }
  const Table<T> x({9, 2}, numbers), y({9, 1}, sums);
  Model<Mlp, T> model(1);
  Learner<T> learner(
      model.parameters(),
      {.workers = workers, .seed = 5, .ranks = &ranks, .batches_a_step = second_batch == Gradients::added ? 2 : 1});
  Adam<T> adam(model.parameters(), {.lr = 0.05});
  const auto loss_of = [&](const Shard& shard) { return mean_squared_error(model(x.of(shard)), y.of(shard)); };
  Learnt learnt;
  for (int i = 0; i < 6; ++i) {
    learnt.losses.push_back(learner.differentiate(x.rows(), loss_of));
    if (second_batch == Gradients::added) learner.differentiate(x.rows(), loss_of, Gradients::added);
    learnt.norms.push_back(learner.norm());
    learner.clip(0.5);
    adam.step(learner.gradient());
  }
  learner.check_same_parameters();
  for (const T number : std::as_const(model).parameters().values()) learnt.parameters.push_back(number);
  return learnt;
}

template <class T>
std::map<int, Learnt> learn_on(int ranks, int workers, Gradients second_batch = Gradients::anew) {
  std::mutex mutex;
  std::map<int, Learnt> learnt;
  const auto thrown = run_on_ranks(ranks, [&](Ranks& rank) {
    Learnt mine = learn<T>(rank, workers, second_batch);
    const std::lock_guard lock(mutex);
    learnt[rank.rank()] = std::move(mine);
  });
  for (const std::exception_ptr& one : thrown) EXPECT_EQ(message_in(one), "");
  return learnt;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << i;
}

TEST(Ranks, LearnAsOneProcessWithAllTheWorkersDoes) {
  for (const Gradients second : {Gradients::anew, Gradients::added})
    for (const auto& [ranks, workers] : {std::pair(2, 1), std::pair(2, 2), std::pair(4, 1), std::pair(3, 4)}) {
      const Learnt one = learn<double>(one_rank, 1, second);
      for (const auto& [rank, several] : learn_on<double>(ranks, workers, second)) {
        expect_near(several.losses, one.losses, 1e-14);
        expect_near(several.norms, one.norms, 1e-14);
        expect_near(several.parameters, one.parameters, 1e-13);
      }
    }
  expect_near(learn_on<float>(2, 2).at(1).parameters, learn<float>(one_rank, 1).parameters, 1e-5);
}

TEST(Ranks, SumAGradientOnceAStep) {
  for (const std::exception_ptr& thrown : run_on_ranks(2, [](ThreadRanks& ranks) {
         learn<float>(ranks, 1, Gradients::added);
         EXPECT_EQ(ranks.sums_of_floats, 6) << "six steps of two batches, each looked at three times";
       }))
    EXPECT_EQ(message_in(thrown), "");
}

TEST(Ranks, CountWhatIsSummedAlreadyOnce) {
  const auto learn_twice = [](Ranks& ranks, bool looks_between) {
    Model<Mlp, double> model(1);
    Learner<double> learner(model.parameters(), {.ranks = &ranks});
    const Table<double> x({4, 2}, std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
    const auto loss_of = [&](const Shard& shard) { return mean(model(x.of(shard))); };
    learner.differentiate(4, loss_of);
    if (looks_between) learner.norm();
    learner.differentiate(4, loss_of, Gradients::added);
    return learner.norm();
  };
  const double expected = learn_twice(one_rank, false);
  for (const std::exception_ptr& thrown :
       run_on_ranks(3, [&](Ranks& ranks) { EXPECT_NEAR(learn_twice(ranks, true), expected, 1e-14); }))
    EXPECT_EQ(message_in(thrown), "");
}

TEST(Ranks, SayThatOnlyTheSumIsNotFinite) {
  for (const int batches : {1, 2}) {  // whether the only one is summed while it runs backward, or when asked for
    const auto thrown = run_on_ranks(2, [&](Ranks& ranks) {
      Model<OneLinear, float> model(1);
      Learner<float> learner(model.parameters(), {.ranks = &ranks, .batches_a_step = batches});
      const Table<float> x({2, 1}, {0.1f, 0.1f});
      learner.differentiate_sum(2, [&](const Shard& shard) { return 3e38 * mean(model(x.of(shard))); });
      EXPECT_EQ(batches, 2);
      learner.gradient();
    });
    const std::string message = message_in(thrown[0]);
    EXPECT_NE(message.find("the gradient of only.bias is not finite, though the loss is"), std::string::npos)
        << message;
  }
}

/// 600,000 numbers, which are summed in three parts.
template <class T>
struct Large {
  explicit Large(const Path<T>& path) : inner(path / "inner", 2, 1000), outer(path / "outer", 1000, 600) {}
  Var<T> operator()(Var<T> x) const { return outer(tanh(inner(x))); }
  Linear<T> inner, outer;
};

/// Ranks that count the sums of gradients, and of these such as are started before the first layer has one.
struct CountingRanks final : ThreadRanks {
  using ThreadRanks::ThreadRanks;
  void start_sum(std::span<float> numbers) override {
    ++sums;
    if (sums % 3 != 0 && !is_first_layer_written()) ++before_the_first_layer;
    sum(numbers);
  }
  static bool is_first_layer_written() {
    for (const Node<float>* node = Tape<float>::current().last_node(); node != nullptr; node = node->previous)
      if (node->name == std::string_view("inner.weight")) return node->written;
    return true;
  }
  int sums = 0, before_the_first_layer = 0;
};

TEST(Ranks, SumWhatIsCompleteWhileTheRestRunsBackward) {
  const Table<float> x({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto learn_in = [&](Ranks& ranks) {
    Model<Large, float> model(1);
    Learner<float> learner(model.parameters(), {.ranks = &ranks});
    const auto loss_of = [&](const Shard& shard) { return mean(tanh(model(x.of(shard)))); };
    learner.differentiate(4, loss_of);
    learner.differentiate(4, loss_of, Gradients::added);
    const std::span<const float> gradient = learner.gradient().numbers;
    return std::vector<float>(gradient.begin(), gradient.end());
  };
  const std::vector<float> expected = learn_in(one_rank);
  ThreadRanks::Meeting meeting(2);
  CountingRanks ranks[] = {{meeting, 0}, {meeting, 1}};
  std::vector<float> gradients[2];
  std::thread other([&] { gradients[1] = learn_in(ranks[1]); });
  gradients[0] = learn_in(ranks[0]);
  other.join();
  EXPECT_EQ(gradients[0], gradients[1]);
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(gradients[0][i], expected[i], 1e-6) << i;
  for (const CountingRanks& rank : ranks) {
    EXPECT_EQ(rank.sums, 6) << "three of each batch";
    EXPECT_EQ(rank.before_the_first_layer, 4) << "of each batch all but the part with the first layer";
  }
}

TEST(Ranks, KeepTheSameBits) {
  const std::map<int, Learnt> learnt = learn_on<float>(4, 2), again = learn_on<float>(4, 2);
  for (const auto& [rank, of_rank] : learnt) EXPECT_EQ(of_rank, learnt.at(0)) << rank;
  EXPECT_EQ(again, learnt);
}

TEST(Ranks, TakePartEvenWithoutRows) {
  EXPECT_EQ(learn_on<double>(5, 3).size(), 5u) << "nine rows for fifteen workers";
}

TEST(Ranks, FailTogether) {
  const auto thrown = run_on_ranks(3, [](Ranks& ranks) {
    ranks.together([&] {
      if (ranks.rank() > 0) throw std::invalid_argument("of " + std::to_string(ranks.rank()));
    });
  });
  EXPECT_EQ(message_in(thrown[1]), "of 1");
  EXPECT_THROW(std::rethrow_exception(thrown[1]), std::invalid_argument);
  for (const std::size_t other : {0, 2}) {
    EXPECT_EQ(message_in(thrown[other]), "process 1 of 3 has failed, and says why itself");
    EXPECT_THROW(std::rethrow_exception(thrown[other]), RankLost);
  }
}

template <template <class> class Net>
void expect_to_hear_of_a_loss_that_throws() {
  const auto thrown = run_on_ranks(2, [](Ranks& ranks) {
    Model<Net, float> model(1);
    Learner<float> learner(model.parameters(), {.workers = 2, .ranks = &ranks});
    const Table<float> x({8, 2}, std::vector<float>(16, 1));
    learner.differentiate(8, [&](const Shard& shard) -> Var<float> {
      if (shard.first >= 6) throw std::runtime_error("no row 6");
      return mean(model(x.of(shard)));
    });
  });
  EXPECT_EQ(message_in(thrown[1]), "no row 6");
  EXPECT_EQ(message_in(thrown[0]), "process 1 of 2 has failed, and says why itself");
}

TEST(Ranks, HearOfALossThatThrowsOnOneOfThem) {
  expect_to_hear_of_a_loss_that_throws<Mlp>();
  expect_to_hear_of_a_loss_that_throws<Large>();
}

TEST(Ranks, NameTheOperationOfANumberThatIsNotFiniteOnAnyOfThem) {
  const auto thrown = run_on_ranks(3, [](Ranks& ranks) {
    Model<Mlp, float> model(1);
    Learner<float> learner(model.parameters(), {.ranks = &ranks});
    std::vector<float> numbers(12, 1);
    numbers[10] = INFINITY;
    const Table<float> x({6, 2}, numbers);
    learner.differentiate(6, [&](const Shard& shard) { return mean(exp(model(x.of(shard)))); });
  });
  EXPECT_NE(message_in(thrown[2]).find("is in table"), std::string::npos) << message_in(thrown[2]);
  EXPECT_EQ(message_in(thrown[0]), "process 2 of 3 has failed, and says why itself");
}

TEST(Ranks, RefuseToLearnDifferentThings) {
  Model<OneLinear, float> any(1);
  EXPECT_THROW((Learner<float>(any.parameters(), {.batches_a_step = 0})), std::invalid_argument);
  const auto workers = run_on_ranks(2, [](Ranks& ranks) {
    Model<Mlp, float> model(1);
    Learner<float> learner(model.parameters(), {.workers = 1 + ranks.rank(), .ranks = &ranks});
    learner.differentiate(4, [](const Shard&) -> Var<float> { throw std::logic_error("not reached"); });
  });
  EXPECT_EQ(message_in(workers[0]),
            "learner: the number of workers differs between the processes that train together; give all of them the "
            "same");
  const auto seeds = run_on_ranks(2, [](Ranks& ranks) {
    Model<Mlp, float> model(static_cast<std::uint64_t>(ranks.rank()));
    const Learner<float> learner(model.parameters(), {.ranks = &ranks});
    learner.check_same_parameters();
  });
  EXPECT_NE(message_in(seeds[0]).find("a parameter differs between the processes"), std::string::npos);
  for (const auto& thrown : {workers, seeds}) EXPECT_THROW(std::rethrow_exception(thrown[1]), RankLost);
}

TEST(Ranks, AgreeOnWhatTheFirstOneKnows) {
  for (const std::exception_ptr& thrown : run_on_ranks(3, [](Ranks& ranks) {
         double numbers[] = {10.0 + ranks.rank(), 1.5 * ranks.rank()};
         ranks.share_first(numbers);
         EXPECT_EQ(numbers[0], 10);
         EXPECT_EQ(numbers[1], 0);
         EXPECT_TRUE(ranks.any(ranks.rank() == 2));
         EXPECT_FALSE(ranks.any(false));
         ranks.check_same(0xffffffff00000001u, "the number", "none");
       }))
    EXPECT_EQ(message_in(thrown), "");
}

}  // namespace
}  // namespace qkv
