// The error class of everything that writes: a finished one-line message.
#ifndef GEMMAC_COMPILER_ARTIFACT_OUTPUTERROR_H
#define GEMMAC_COMPILER_ARTIFACT_OUTPUTERROR_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"

#include <string>

namespace gemmac {

/// "<path>: error: <message>"; the driver prints it as it is and exits with ExitCode::inputOutput.
class OutputError : public llvm::ErrorInfo<OutputError> {
public:
  static char ID;
  explicit OutputError(std::string message) : text(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string text;
};

/// outputError("gemma", "cannot write: {0}", reason)
template <typename... Args> llvm::Error outputError(llvm::StringRef path, const char *format, Args &&...args) {
  return llvm::make_error<OutputError>(path.str() +
                                       ": error: " + llvm::formatv(format, std::forward<Args>(args)...).str());
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_OUTPUTERROR_H
