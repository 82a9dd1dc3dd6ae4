// What gemmac says on standard error when something is wrong.
#ifndef GEMMAC_COMPILER_BASE_MESSAGES_H
#define GEMMAC_COMPILER_BASE_MESSAGES_H

#include "compiler/base/ExitCodes.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <system_error>

namespace gemmac {

/// `text` as valid UTF-8 with all control characters but line breaks and tabs spelled out: names in a checkpoint are
/// anybody's bytes, and a terminal would obey them.
std::string printable(llvm::StringRef text);

/// Why nothing more can be written to standard output; without a message when it is a pipe that was closed.
llvm::Error standardOutputError(std::error_code code);

/// Prints an error's text as it is and tells the exit code that it stands for.
ExitCode reportError(llvm::Error error);

} // namespace gemmac

#endif // GEMMAC_COMPILER_BASE_MESSAGES_H
