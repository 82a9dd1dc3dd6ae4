// The story of one compilation, from a checkpoint to a program.
#ifndef GEMMAC_COMPILER_DRIVER_COMPILE_H
#define GEMMAC_COMPILER_DRIVER_COMPILE_H

#include "compiler/driver/ExitCodes.h"
#include "compiler/pipeline/Phases.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace gemmac {

/// Runs it. Messages, progress and the report go to standard error; nothing of the output exists unless it is complete.
/// \param context positions asked for; empty: the model's maximum, at most 4096.
ExitCode compileCheckpoint(CompileOptions options, std::optional<int64_t> context);

/// `text` as valid UTF-8 with all control characters but line breaks and tabs spelled out: names in a checkpoint are
/// anybody's bytes, and a terminal would obey them.
std::string printable(llvm::StringRef text);

/// Why nothing more can be written to standard output; without a message when it is a pipe that was closed.
llvm::Error standardOutputError(std::error_code code);

/// Prints an error's text as it is and tells the exit code that it stands for.
ExitCode reportError(llvm::Error error);

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_COMPILE_H
