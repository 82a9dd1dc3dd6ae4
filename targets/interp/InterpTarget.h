// The interpreter as a target: its code is the planned module itself, as text.
#ifndef GEMMAC_TARGETS_INTERP_INTERPTARGET_H
#define GEMMAC_TARGETS_INTERP_INTERPTARGET_H

#include "targets/TargetBackend.h"

namespace gemmac {

/// Named "interp", of one level, "scalar".
std::unique_ptr<TargetBackend> createInterpTarget();

} // namespace gemmac

#endif // GEMMAC_TARGETS_INTERP_INTERPTARGET_H
