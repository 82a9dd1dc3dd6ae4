// What the machine that gemmac runs on can do.
#ifndef GEMMAC_TARGETS_CPU_HOSTCPU_H
#define GEMMAC_TARGETS_CPU_HOSTCPU_H

#include <cstdint>

namespace gemmac {

/// The GEMMAC_CPU_* (gemmac/program.h) that this processor and its operating system have, as LLVM sees them: 0 on a
/// machine that no CPU target is for. Programs ask for themselves when they start (runtime/src/engine/Cpu.h).
uint64_t hostCpuFeatures();

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_HOSTCPU_H
