// LLVM dialect to LLVM IR, assembly or object: with compiler/artifact/ProgramObject.cpp the only files that know LLVM's
// code generator.
#ifndef GEMMAC_TARGETS_CPU_EMITCODE_H
#define GEMMAC_TARGETS_CPU_EMITCODE_H

#include "targets/TargetBackend.h"
#include "targets/cpu/IsaLevel.h"

namespace gemmac {

/// Translates the lowered module of one ISA level and optimizes it.
llvm::Expected<std::string> emitCode(mlir::ModuleOp module, llvm::StringRef triple, const IsaLevel &level,
                                     CodeKind kind);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_EMITCODE_H
