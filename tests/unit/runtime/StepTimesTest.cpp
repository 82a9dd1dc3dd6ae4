// StepTimes: marks of the first thread add up by kernel, and what they leave over is told.
#include "FakeProgram.h"
#include "engine/CpuEngine.h"
#include "engine/Sequence.h"

#include <gtest/gtest.h>

#include <ctime>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {

constexpr gemmac_step decodeSteps[] = {{"matmul a", "first", 100}, {"barrier", "", 0}, {"matmul a", "second", 100}};

void waitMilliseconds(long count) {
  const timespec duration = {0, count * 1'000'000};
  nanosleep(&duration, nullptr);
}

void runMarked(const gemmac_call *call, int64_t thread) {
  for (int64_t step = 0; step < 3; ++step) {
    waitMilliseconds(thread == 0 && step != 1 ? 2 : 0);
    gemmac_mark(call, thread, step);
  }
  waitMilliseconds(thread == 0 ? 1 : 0);
}

struct MarkedProgram {
  gemmac_function_fn runs[3] = {runMarked, runMarked, runMarked};
  gemmac_code code = {"base", GEMMAC_CODE_CPU, 0, runs};
  std::array<gemmac_function, 3> functions = test::fakeFunctions;
  gemmac_program program = test::fakeProgram();

  MarkedProgram() {
    functions[0].steps = {3, decodeSteps};
    program.functions = functions.data();
    program.code_count = 1;
    program.code = &code;
  }
};

} // namespace

TEST(StepTimes, StepsOfOneKernelAreAddedUp) {
  const MarkedProgram marked;
  ProgramFile file;
  CpuEngine engine;
  ASSERT_TRUE(engine.open(marked.program, file, {.threads = 2}).ok());
  Sequence sequence(engine, 0);
  Logits logits;
  StepTimes times(marked.program);
  auto feed = [&](int32_t token) { ASSERT_TRUE(sequence.decode(token, logits).ok()); };
  feed(1); // not counted
  engine.countSteps(&times);
  feed(2);
  feed(3);
  engine.countSteps(nullptr);
  feed(4);

  const auto &[decode, verify, prefill, block] = engine.functions();
  EXPECT_EQ(times.calls(decode), 2);
  EXPECT_EQ(times.calls(verify), 0);
  const std::vector<StepTimes::Kernel> kernels = times.kernels(decode);
  ASSERT_EQ(kernels.size(), 3u);
  EXPECT_EQ(kernels[0].what, "matmul a");
  EXPECT_EQ(kernels[0].steps, 2);
  EXPECT_EQ(kernels[0].weightBytes, 200);
  EXPECT_GE(kernels[0].seconds, 0.008);
  EXPECT_EQ(kernels[1].what, "barrier");
  EXPECT_EQ(kernels[2].what, "start and end");
  EXPECT_GE(kernels[2].seconds, 0.002);
  double sum = 0;
  for (const StepTimes::Kernel &kernel : kernels)
    sum += kernel.seconds;
  EXPECT_NEAR(sum, times.seconds(decode), 1e-9);
}

TEST(StepTimes, AProgramWithoutMarksHasNoKernels) {
  const gemmac_program program = test::fakeProgram();
  StepTimes times(program);
  ASSERT_EQ(times.kernels(program.functions[0]).size(), 1u);
}
