// The interpreter as a target: its code is the planned module itself, as text.
#ifndef GEMMAC_TARGETS_INTERP_INTERPTARGET_H
#define GEMMAC_TARGETS_INTERP_INTERPTARGET_H

#include "targets/TargetBackend.h"

namespace gemmac {

/// Named "interp", of one level, "scalar". Its plans are serial: no row is replicated, no attention divided by keys.
std::unique_ptr<TargetBackend> createInterpTarget();

/// Named "interp-spmd": the same with the plans of CPUs, which are so run as they are.
std::unique_ptr<TargetBackend> createSpmdInterpTarget();

} // namespace gemmac

#endif // GEMMAC_TARGETS_INTERP_INTERPTARGET_H
