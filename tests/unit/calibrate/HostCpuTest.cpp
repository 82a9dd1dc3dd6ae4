#include "targets/cpu/HostCpu.h"

#include "engine/Cpu.h"

#include "gtest/gtest.h"

namespace gemmac {

TEST(HostCpu, SeesWhatProgramsSee) { EXPECT_EQ(hostCpuFeatures(), runtime::cpuFeatures()); }

} // namespace gemmac
