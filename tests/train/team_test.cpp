#include "qkv/train/team.h"

#include <csignal>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

namespace qkv {
namespace {

TEST(Team, CallsEveryWorkerOnceARound) {
  for (int size = 1; size <= 4; ++size) {
    Team team(size);
    EXPECT_EQ(team.size(), size);
    std::vector<int> calls(static_cast<std::size_t>(size));
    constexpr int rounds = 500;
    for (int round = 0; round < rounds; ++round) {
      team.run([&](int worker) { ++calls[static_cast<std::size_t>(worker)]; });
      for (const int count : calls) ASSERT_EQ(count, round + 1);  // run returned only when all were done
    }
  }
}

TEST(Team, HasTheCallerAsWorkerZeroAndKeepsItsThreads) {
  Team team(3);
  std::vector<std::thread::id> first(3), second(3);
  team.run([&](int worker) { first[static_cast<std::size_t>(worker)] = std::this_thread::get_id(); });
  team.run([&](int worker) { second[static_cast<std::size_t>(worker)] = std::this_thread::get_id(); });
  EXPECT_EQ(first[0], std::this_thread::get_id());
  EXPECT_NE(first[1], first[2]);
  EXPECT_EQ(first, second);
}

TEST(Team, WakesWorkersThatSleep) {
  Team team(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than waiting spins
    int called = 0;
    team.run([&](int worker) {
      if (worker == 1) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        called = round + 1;
      }
    });
    EXPECT_EQ(called, round + 1);
  }
}

TEST(Team, ThrowsTheFirstWorkersExceptionAndGoesOn) {
  for (int size = 1; size <= 4; ++size) {
    Team team(size);
    for (int round = 0; round < 20; ++round) {
      int done = 0;
      try {
        team.run([&](int worker) {
          if (worker == 0 && size > 1) {
            ++done;  // the others fail, this one finishes its work
            return;
          }
          throw std::runtime_error("worker " + std::to_string(worker));
        });
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), size == 1 ? "worker 0" : "worker 1");
      }
      EXPECT_EQ(done, size > 1 ? 1 : 0);
      EXPECT_NO_THROW(team.run([](int) {}));
    }
  }
}

TEST(Team, NeedsAWorker) {
  EXPECT_THROW(Team(0), std::invalid_argument);
  EXPECT_THROW(Team(-1), std::invalid_argument);
}

TEST(Team, NoSignalIsDeliveredToItsThreads) {
  Team team(3);
  bool interruptible[3] = {};
  team.run([&](int worker) {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    interruptible[worker] = sigismember(&mask, SIGINT) == 0;
  });
  EXPECT_TRUE(interruptible[0]) << "the caller is the program's own thread";
  EXPECT_FALSE(interruptible[1]);
  EXPECT_FALSE(interruptible[2]);
}

}  // namespace
}  // namespace qkv
