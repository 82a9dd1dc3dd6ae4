// Constructors of the targets of this build.
#ifndef GEMMAC_TARGETS_TARGETS_H
#define GEMMAC_TARGETS_TARGETS_H

#include "targets/cpu/CpuTarget.h"

namespace gemmac {
std::unique_ptr<CpuTarget> createX86LinuxTarget();
std::unique_ptr<CpuTarget> createAarch64LinuxTarget();

/// The one of that name, or of this machine for "native"; null when there is none.
std::unique_ptr<CpuTarget> createCpuTarget(llvm::StringRef name);
} // namespace gemmac

#endif // GEMMAC_TARGETS_TARGETS_H
