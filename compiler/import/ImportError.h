// The error class of everything that reads a checkpoint: a finished one-line message.
#ifndef GEMMAC_COMPILER_IMPORT_IMPORTERROR_H
#define GEMMAC_COMPILER_IMPORT_IMPORTERROR_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"

#include <string>

namespace gemmac {

/// "<file>: error: <message>"; the driver prints it as it is and exits with ExitCode::badInput.
class ImportError : public llvm::ErrorInfo<ImportError> {
public:
  static char ID;
  explicit ImportError(std::string message) : text(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string text;
};

/// importError("config.json", "unknown field '{0}'", name)
template <typename... Args> llvm::Error importError(llvm::StringRef file, const char *format, Args &&...args) {
  return llvm::make_error<ImportError>(file.str() +
                                       ": error: " + llvm::formatv(format, std::forward<Args>(args)...).str());
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_IMPORTERROR_H
