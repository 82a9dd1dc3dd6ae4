// How many threads calls get: estimates, and what is learnt from a machine that is simulated here.
#include "engine/ThreadChoice.h"
#include "engine/ThreadPlan.h"

#include "FakeProgram.h"

#include <gtest/gtest.h>

#include <functional>

using namespace gemmac;
using namespace gemmac::runtime;

// A token of E2B in q4, of Gemma 3 270M in q4, of a model of two million values.
constexpr FunctionWork large = {1240 << 20, 2'000'000'000, 420}, middle = {150 << 20, 270'000'000, 150},
                       tiny = {800 << 10, 1'700'000, 60};

TEST(ThreadChoice, Candidates) {
  EXPECT_EQ(threadCandidates(1), (std::vector<int64_t>{1}));
  EXPECT_EQ(threadCandidates(2), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(threadCandidates(6), (std::vector<int64_t>{1, 2, 4, 6}));
  EXPECT_EQ(threadCandidates(8), (std::vector<int64_t>{1, 2, 4, 8}));
}

TEST(ThreadChoice, LargeWorkNeedsNoMeasurement) {
  for (int64_t processors : {2, 4, 16, 64}) {
    EXPECT_FALSE(barriersMatter(large, processors));
    EXPECT_FALSE(barriersMatter(middle, processors));
    EXPECT_TRUE(barriersMatter(tiny, processors));
  }
  EXPECT_FALSE(barriersMatter(tiny, 1)); // nothing to choose
  FunctionWork prompt = tiny;
  prompt.multiplyAdds *= 512;
  EXPECT_FALSE(barriersMatter(prompt, 2));
}

TEST(ThreadChoice, BarriersAreWeighedAgainstWhatIsSaved) {
  auto chosen = [](const FunctionWork &work, double barrier) {
    return chooseThreads(work, {{1, 0}, {2, barrier}, {4, 2 * barrier}, {8, 4 * barrier}});
  };
  EXPECT_EQ(chosen(tiny, 10e-6), 1);
  EXPECT_EQ(chosen(tiny, 0.5e-6), 2);
  EXPECT_EQ(chosen(tiny, 0.05e-6), 8);
  EXPECT_EQ(chosen(middle, 10e-6), 4); // 8 would wait 6 ms
  EXPECT_EQ(chooseThreads(tiny, {{1, 0}}), 1);
}

namespace {
/// A machine on which a call with so many threads takes so long.
struct Simulation {
  ThreadTuner tuner;
  double spent = 0;

  int64_t run(int calls, const std::function<double(int64_t)> &seconds) {
    for (int i = 0; i < calls; ++i) {
      const double time = seconds(tuner.next());
      spent += time;
      tuner.took(time);
    }
    return tuner.best();
  }
};
} // namespace

TEST(ThreadTuner, LeavesAWrongFirstChoice) {
  auto slowBarriers = [](int64_t threads) { return threads == 1 ? 52e-6 : 1e-3; };
  auto quickBarriers = [](int64_t threads) { return 52e-6 / static_cast<double>(threads); };
  Simulation wrong{ThreadTuner({1, 2, 4}, 2)};
  EXPECT_EQ(wrong.run(100, slowBarriers), 1);
  EXPECT_EQ(Simulation{ThreadTuner({1, 2, 4}, 1)}.run(100, quickBarriers), 4);
  EXPECT_EQ(Simulation{ThreadTuner({1}, 1)}.run(100, quickBarriers), 1);
}

TEST(ThreadTuner, TriesCostLittle) {
  auto slowBarriers = [](int64_t threads) { return threads == 1 ? 52e-6 : 1e-3; };
  Simulation right{ThreadTuner({1, 2}, 1)};
  right.run(20000, slowBarriers);
  EXPECT_LT(right.spent, 20000 * 52e-6 * 1.015);
}

TEST(ThreadTuner, NoticesThatTheMachineChanges) {
  auto idle = [](int64_t threads) { return threads == 1 ? 100e-6 : 60e-6; };
  auto busy = [](int64_t threads) { return threads == 1 ? 130e-6 : 900e-6; };
  Simulation machine{ThreadTuner({1, 2}, 2)};
  EXPECT_EQ(machine.run(200, idle), 2);
  EXPECT_EQ(machine.run(40, busy), 1);    // at once
  EXPECT_EQ(machine.run(20000, idle), 2); // in time
}

TEST(ThreadTuner, OneInterruptedCallChangesNothing) {
  int call = 0;
  auto noisy = [&](int64_t threads) { return ++call % 50 == 0 ? 10e-3 : threads == 1 ? 100e-6 : 60e-6; };
  Simulation machine{ThreadTuner({1, 2}, 2)};
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(machine.run(25, noisy), 2);
}

TEST(ThreadPlan, ObeysAndExplains) {
  gemmac_program program = test::fakeProgram();
  std::array<gemmac_function, 3> functions = test::fakeFunctions;
  for (gemmac_function &function : functions) {
    function.weight_bytes = 1000;
    function.multiply_adds = 2000;
    function.barriers = 4;
  }
  program.functions = functions.data();
  const TextFunctions text = {functions[0], functions[1], functions[2]};
  ThreadPlan asked(program, 3, 2), single(program, 0, 1), small(program, 0, 2);
  EXPECT_EQ(asked.poolSize(), 3);
  EXPECT_EQ(asked.threads(text.decode), 3);
  EXPECT_EQ(asked.reason(text.decode), "asked for");
  EXPECT_EQ(single.threads(text.prefill), 1);
  EXPECT_EQ(single.describe(text), "1 thread");
  ThreadPool pool;
  ASSERT_TRUE(pool.start(small.poolSize()).ok());
  small.measure(pool);
  EXPECT_EQ(small.threads(text.decode), 1); // 125 ns of work
  EXPECT_NE(small.reason(text.decode).find("4 barriers of "), std::string::npos);
  functions[2].multiply_adds = 1'000'000'000;
  ThreadPlan mixed(program, 0, 2);
  EXPECT_EQ(mixed.threads(text.prefill), 2);
  EXPECT_EQ(mixed.describe(text), "1 thread, 2 for prompts");
}
