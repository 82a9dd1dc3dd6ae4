// What programs that run while compiling are compiled for.
#ifndef GEMMAC_COMPILER_CALIBRATE_MEASURINGTARGET_H
#define GEMMAC_COMPILER_CALIBRATE_MEASURINGTARGET_H

#include "targets/TargetBackend.h"

namespace gemmac {

/// The target of this machine cut down to one ISA level, the best that this machine has: generating the others' code
/// would take most of the time of a small model's calibration. Which level that is shows nowhere, as all give the
/// same bits.
/// Where the machine has none of the levels of `native` it is the base one: running the program will say what is
/// missing.
std::unique_ptr<TargetBackend> measuringTarget(const TargetBackend &native);

/// Whether programs for `target` run on this machine.
bool runsHere(const TargetBackend &target);

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_MEASURINGTARGET_H
