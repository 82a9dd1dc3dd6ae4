// What a process has beside its work: standard descriptors that are surely there, output that tells of failure, and
// ends that say why.
#ifndef GEMMAC_COMPILER_BASE_PROCESS_H
#define GEMMAC_COMPILER_BASE_PROCESS_H

#include "llvm/ADT/StringRef.h"

#include <system_error>

namespace gemmac {

/// Puts something on descriptors 0 to 2 where they are closed, so that no file opened later can land there: what reads
/// as empty and cannot be written to. To be called first. \returns why it cannot.
std::error_code secureStandardDescriptors();

/// Writes all of `text` to standard output, waiting while it is full. \returns why it cannot.
std::error_code writeStandardOutput(llvm::StringRef text);

/// For as long as it lives, what goes wrong where nobody can return an error ends the process with one line
/// "<program>: error: ..." and a documented code: without memory and where one of LLVM's streams fails with
/// ExitCode::inputOutput, else with ExitCode::internal. Its end forgives standard error what was not written: messages
/// that nobody can get fail nothing.
class ProcessGuard {
public:
  /// \param program literal.
  /// \param cleanUp is called before such an end; may allocate nothing.
  ProcessGuard(const char *program, void (*cleanUp)());
  ~ProcessGuard();
  ProcessGuard(const ProcessGuard &) = delete;
  ProcessGuard &operator=(const ProcessGuard &) = delete;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_BASE_PROCESS_H
