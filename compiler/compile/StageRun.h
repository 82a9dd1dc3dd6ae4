// Running one stage of a compilation on a module.
#ifndef GEMMAC_COMPILER_COMPILE_STAGERUN_H
#define GEMMAC_COMPILER_COMPILE_STAGERUN_H

#include "compiler/base/Progress.h"
#include "compiler/pipeline/Stages.h"

namespace gemmac {

/// Runs the passes of any stage but import, then dumps. \returns stageFailed() after diagnostics of a pass.
llvm::Error runStage(Stage stage, mlir::ModuleOp module, const CompileOptions &options, Progress &progress);

/// Writes the module that a stage left behind where options.dumpDirectory asks for it.
llvm::Error dumpAfter(Stage stage, mlir::ModuleOp module, const CompileOptions &options);

llvm::Error stageFailed(Stage stage);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_STAGERUN_H
