// Constructors of the targets of this build; only TargetRegistry.cpp calls them.
#ifndef GEMMAC_TARGETS_TARGETS_H
#define GEMMAC_TARGETS_TARGETS_H

#include "targets/TargetBackend.h"

namespace gemmac {
std::unique_ptr<TargetBackend> createX86LinuxTarget();
std::unique_ptr<TargetBackend> createAarch64LinuxTarget();
} // namespace gemmac

#endif // GEMMAC_TARGETS_TARGETS_H
