// Barrier and ThreadPool under more threads than processors; also built with the thread sanitizer.
#include "engine/Barrier.h"
#include "engine/ThreadPool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sys/resource.h>
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

// Adds up over all threads between barriers, as emitted code does with partial results. The number of rows is any
// number here.
static void sumParts(const gemmac_call *call, int64_t thread) {
  auto *values = reinterpret_cast<int64_t *>(call->arena);
  values[thread] = thread + call->row_count;
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
    for (call.row_count = 0; call.row_count < 200; ++call.row_count) {
      pool.run(sumParts, call);
      for (int64_t value : values)
        ASSERT_EQ(value, threads * (threads - 1) / 2 + threads * call.row_count);
    }
  }
}

// More than threads usually have, from the top down.
static void takeStack(const gemmac_call *call, int64_t thread) {
  volatile uint8_t bytes[12 << 20];
  for (size_t end = sizeof(bytes); end > 0; end -= 4096)
    bytes[end - 1] = static_cast<uint8_t>(thread + 1);
  call->arena[thread] = bytes[4095];
}

TEST(ThreadPool, ThreadsHaveTheStackThatFunctionsTake) {
  rlimit usual = {}, low = {};
  ASSERT_EQ(getrlimit(RLIMIT_STACK, &usual), 0);
  low = {std::min<rlim_t>(usual.rlim_cur, 4 << 20), usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_STACK, &low), 0);
  ThreadPool pool;
  ASSERT_TRUE(pool.start(3, 13 << 20).ok());
  uint8_t taken[3] = {};
  gemmac_call call = {};
  call.arena = taken;
  pool.run(takeStack, call);
  EXPECT_EQ(std::vector<uint8_t>(taken, taken + 3), (std::vector<uint8_t>{1, 2, 3}));
  setrlimit(RLIMIT_STACK, &usual);
}

TEST(ThreadPool, UnusedPoolEnds) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(4).ok());
}

// Groups of changing size, as functions that pay for different numbers of threads need.
TEST(ThreadPool, RunsOnPartOfItsThreads) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(7).ok());
  std::vector<int64_t> values(7);
  gemmac_call call = {};
  call.arena = reinterpret_cast<uint8_t *>(values.data());
  for (call.row_count = 0; call.row_count < 500; ++call.row_count) {
    const int64_t threads = 1 + call.row_count * 5 % 7;
    values.assign(7, -1);
    pool.run(sumParts, call, threads);
    for (int64_t i = 0; i < 7; ++i)
      ASSERT_EQ(values[static_cast<size_t>(i)],
                i < threads ? threads * (threads - 1) / 2 + threads * call.row_count : -1);
  }
}

namespace {
/// Gives a call up when its threads are about to meet for the last-th time.
struct Watch final : CallWatch {
  int64_t met = 0, last = 0;
  bool goesOn() override { return ++met != last; }
};
} // namespace

// Counts each thread's meetings; the first one hurries ahead of the others, or lags behind.
static void meetTenTimes(const gemmac_call *call, int64_t thread) {
  auto *counts = reinterpret_cast<int64_t *>(call->arena);
  for (int round = 0; round < 10; ++round) {
    if ((thread + call->row_count) % 3 == 0)
      std::this_thread::yield();
    gemmac_barrier(call, thread);
    ++counts[thread];
  }
}

TEST(ThreadPool, AllThreadsLeaveACallAtTheSameBarrier) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(5).ok());
  std::vector<int64_t> counts(5);
  gemmac_call call = {};
  call.arena = reinterpret_cast<uint8_t *>(counts.data());
  for (int64_t round = 0; round < 300; ++round) {
    const int64_t threads = 1 + round % 5;
    Watch watch;
    watch.last = round % 12; // 0 and 11: never
    counts.assign(5, 0);
    call.row_count = round;
    const bool whole = watch.last == 0 || watch.last > 10;
    ASSERT_EQ(pool.run(meetTenTimes, call, threads, &watch), whole);
    for (int64_t thread = 0; thread < threads; ++thread)
      ASSERT_EQ(counts[static_cast<size_t>(thread)], whole ? 10 : watch.last - 1);
    ASSERT_TRUE(pool.run(meetTenTimes, call, threads)); // nobody watches: as if nothing had been
  }
}

TEST(ThreadPool, MeasuresItsBarrier) {
  ThreadPool pool;
  ASSERT_TRUE(pool.start(3).ok());
  EXPECT_EQ(pool.barrierSeconds(1), 0);
  for (int64_t threads : {2, 3}) {
    EXPECT_GT(pool.barrierSeconds(threads), 10e-9); // light is slower
    EXPECT_LT(pool.barrierSeconds(threads), 1);
  }
}

TEST(Signal, IsKeptUntilSomeoneWaits) {
  Signal signal;
  signal.give();
  signal.wait(0);
  int seen = 0, written = 0;
  std::thread waiter([&] {
    for (int round = 1; round <= 500; ++round) {
      signal.wait(round % 3 == 0 ? 1000 : 0);
      seen += written == round;
      signal.wait(0);
    }
  });
  for (int round = 1; round <= 500; ++round) {
    written = round;
    signal.give();
    // The second signal may come only after the first was taken.
    while (!signal.taken())
      std::this_thread::yield();
    signal.give();
    while (!signal.taken())
      std::this_thread::yield();
  }
  waiter.join();
  EXPECT_EQ(seen, 500);
}
