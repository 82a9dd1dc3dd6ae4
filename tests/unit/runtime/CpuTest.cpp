#include "engine/Cpu.h"

#include "FakeProgram.h"

#include <gtest/gtest.h>

using namespace gemmac;
using namespace gemmac::runtime;

static std::string chosen(std::string_view name, uint64_t features) {
  const gemmac_program program = test::fakeProgram();
  const gemmac_code *level = nullptr;
  Status status = chooseLevel(program, name, features, level);
  return status.ok() ? level->name : "error " + std::to_string(static_cast<int>(status.code()));
}

TEST(Cpu, ChoosesTheBestLevelThatIsWhollySupported) {
  EXPECT_EQ(chosen("", 0), "base");
  EXPECT_EQ(chosen("", 1), "better");
  EXPECT_EQ(chosen("", 2), "base"); // "best" needs 1 as well
  EXPECT_EQ(chosen("", 3), "best");
}

TEST(Cpu, ForcedLevels) {
  EXPECT_EQ(chosen("base", 3), "base");
  EXPECT_EQ(chosen("better", 3), "better");
  EXPECT_EQ(chosen("best", 1), "error 5");
  EXPECT_EQ(chosen("fastest", 3), "error 2");
}

TEST(Cpu, SaysWhatIsMissing) {
  gemmac_program program = test::fakeProgram();
  const gemmac_code needy = {"avx2", GEMMAC_CODE_CPU, GEMMAC_CPU_X86_AVX2, nullptr};
  program.code = &needy;
  program.code_count = 1;
  const gemmac_code *level = nullptr;
  Status status = chooseLevel(program, "", 0, level);
  EXPECT_EQ(status.code(), ExitCode::cpu);
  EXPECT_NE(status.message().find("AVX2, FMA"), std::string::npos) << status.message();
  EXPECT_EQ(level, nullptr);
}

TEST(Cpu, ThisMachineHasItsBase) {
#if defined(__aarch64__)
  EXPECT_TRUE(cpuFeatures() & GEMMAC_CPU_ARM_NEON);
#else
  EXPECT_EQ((cpuFeatures() & GEMMAC_CPU_X86_AVX2) != 0,
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"));
  EXPECT_EQ((cpuFeatures() & GEMMAC_CPU_X86_AVX512_VNNI) != 0,
            __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512cd"));
#endif
}
