// Steps -> tile kernels and phase functions, per ISA level.
#ifndef GEMMAC_PASSES_LOWER_PASSES_H
#define GEMMAC_PASSES_LOWER_PASSES_H

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

class TargetBackend;

#define GEN_PASS_DECL
#include "passes/lower/Passes.h.inc"

/// gemma-lower-steps for `target`, then the conversion of the nested modules to the LLVM dialect.
void buildLowerPipeline(mlir::OpPassManager &pm, const TargetBackend &target);

/// The pass, and `gemma-lower{target=...}` for the whole pipeline.
void registerLowerPasses();

} // namespace gemmac

#endif // GEMMAC_PASSES_LOWER_PASSES_H
