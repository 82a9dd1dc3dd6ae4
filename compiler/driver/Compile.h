// The story of one compilation, from a checkpoint to a program.
#ifndef GEMMAC_COMPILER_DRIVER_COMPILE_H
#define GEMMAC_COMPILER_DRIVER_COMPILE_H

#include "compiler/base/ExitCodes.h"
#include "compiler/pipeline/Phases.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace gemmac {

/// Runs it. Messages, progress and the report go to standard error; nothing of the output exists unless it is complete.
/// \param context positions asked for; empty: the model's maximum, at most 4096.
ExitCode compileCheckpoint(CompileOptions options, std::optional<int64_t> context);

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_COMPILE_H
