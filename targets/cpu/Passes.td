#ifndef GEMMAC_TARGETS_CPU_PASSES_TD
#define GEMMAC_TARGETS_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerSteps : Pass<"gemma-lower-steps", "::mlir::ModuleOp"> {
  let summary = "Make one module of tile kernels and functions per ISA level of the target";
  let description = [{
    Before: planned gemma.function ops with placed buffers. After: beside them, for each ISA level of `target`, a
    nested module named as the level with a function `gemmac_<function>_<level>(%call: !llvm.ptr, %thread: i64)` per
    function, straight code that calls kernels, and one private function per kind and shape of step: steps of one shape
    share it. The body of a kernel is scf, arith, math, vector and llvm loads and stores; what differs between
    levels comes from the target's TileOps.
    The gemma ops stay as they are: the artifact writer reads packed weights and sizes from them.
  }];
  let options = [Option<"target", "target", "std::string", /*default=*/"\"native\"", "Name of the target">,
                 ListOption<"levels", "levels", "std::string", "ISA levels of the target; none: all of them">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::vector::VectorDialect", "::mlir::func::FuncDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

#endif // GEMMAC_TARGETS_CPU_PASSES_TD
