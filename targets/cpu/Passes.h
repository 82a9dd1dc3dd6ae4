// gemma-lower-steps: tile kernels and functions for each ISA level.
#ifndef GEMMAC_TARGETS_CPU_PASSES_H
#define GEMMAC_TARGETS_CPU_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace gemmac {

class CpuTarget;

#define GEN_PASS_DECL
#include "targets/cpu/Passes.h.inc"

/// For a target that outlives the pass.
std::unique_ptr<mlir::Pass> createLowerSteps(const CpuTarget &target);

/// The pass by its name, with target and levels as text.
void registerCpuPasses();

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_PASSES_H
