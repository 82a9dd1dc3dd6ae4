// Barrier and ThreadPool under more threads than processors; also built with the thread sanitizer.
#include "Barrier.h"
#include "ThreadPool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

using namespace gemmac::runtime;

// Each round, every thread writes its own plain (not atomic) cell and then reads everyone's: any early release shows.
static void countTogether(uint32_t threads, uint32_t spins, int rounds) {
  Barrier barrier;
  barrier.configure(threads, spins);
  std::vector<int> cells(threads), mistakes(threads);
  auto body = [&](uint32_t self) {
    for (int round = 1; round <= rounds; ++round) {
      cells[self] = round;
      barrier.arrive();
      for (int cell : cells)
        mistakes[self] += cell != round;
      barrier.arrive();
    }
  };
  std::vector<std::thread> group;
  for (uint32_t i = 1; i < threads; ++i)
    group.emplace_back(body, i);
  body(0);
  for (std::thread &thread : group)
    thread.join();
  for (int count : mistakes)
    EXPECT_EQ(count, 0);
}

TEST(Barrier, OneThreadNeverWaits) { countTogether(1, 0, 1000); }
TEST(Barrier, TwoThreadsSpinning) { countTogether(2, 2000, 1000); }
TEST(Barrier, ThreeThreadsSleeping) { countTogether(3, 0, 2000); }
TEST(Barrier, ManyThreadsOnFewProcessors) { countTogether(16, 20, 300); }

TEST(Barrier, SpinsGrowWithTime) {
  EXPECT_GE(Barrier::spinsFor(0), 1u);
  EXPECT_GT(Barrier::spinsFor(100), Barrier::spinsFor(1));
}

// Adds up over all threads between barriers, as emitted code does with partial results.
static void sumPhase(const gemmac_call *call, int64_t thread) {
  auto *values = reinterpret_cast<int64_t *>(call->arena);
  values[thread] = thread + call->position;
  gemmac_barrier(call, thread);
  int64_t sum = 0;
  for (int64_t i = 0; i < call->threads; ++i)
    sum += values[i];
  gemmac_barrier(call, thread);
  values[thread] = sum;
}

TEST(ThreadPool, RunsEveryThreadOnceAndWaits) {
  for (int64_t threads : {1, 2, 3, 9}) {
    ThreadPool pool;
    ASSERT_TRUE(pool.start(threads).ok());
    EXPECT_EQ(pool.size(), threads);
    std::vector<int64_t> values(static_cast<size_t>(threads));
    gemmac_call call = {};
    call.arena = reinterpret_cast<uint8_t *>(values.data());
    for (call.position = 0; call.position < 200; ++call.position) {
      pool.run(sumPhase, call);
      for (int64_t value : values)
        ASSERT_EQ(value, threads * (threads - 1) / 2 + threads * call.position);
    }
  }
}

TEST(ThreadPool, UnusedPoolEnds) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(4).ok());
}

TEST(ThreadPool, KnowsProcessors) { EXPECT_GE(availableCpus(), 1); }
