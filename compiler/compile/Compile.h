// The story of one compilation, from a checkpoint to a program.
#ifndef GEMMAC_COMPILER_COMPILE_COMPILE_H
#define GEMMAC_COMPILER_COMPILE_COMPILE_H

#include "compiler/pipeline/CompileOptions.h"

namespace gemmac {

/// Runs it. Progress, notes and the report go to standard error; nothing of the output exists unless it is complete.
llvm::Error compileCheckpoint(CompileOptions options);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_COMPILE_H
