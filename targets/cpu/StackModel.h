// The stack of a thread, which the memory contract counts.
#ifndef GEMMAC_TARGETS_CPU_STACKMODEL_H
#define GEMMAC_TARGETS_CPU_STACKMODEL_H

#include "targets/TargetBackend.h"
#include "targets/cpu/IsaLevel.h"

#include "mlir/IR/BuiltinOps.h"

namespace gemmac {

/// Bytes that a thread may touch of its stack in the functions of a planned module: a bound that is known before there
/// is code. What the C library keeps for a thread is in it.
StackBytes stackBound(mlir::ModuleOp planned, const IsaLevel &level);

/// Bytes that the kernels of a lowered level keep on the stack, along the chain of calls that keeps most.
int64_t stackTaken(mlir::ModuleOp level);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_STACKMODEL_H
