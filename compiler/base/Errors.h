// What goes wrong, as finished messages: a kind for each exit code that is not a defect's.
#ifndef GEMMAC_COMPILER_BASE_ERRORS_H
#define GEMMAC_COMPILER_BASE_ERRORS_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"

#include <string>

namespace gemmac {

/// "<file>: error: <message>", which the driver prints as it is.
template <typename Kind> class LineError : public llvm::ErrorInfo<Kind> {
public:
  explicit LineError(std::string line) : line(std::move(line)) {}
  void log(llvm::raw_ostream &os) const override { os << line; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string line;
};

/// Of everything that reads a checkpoint: ExitCode::badInput.
class ImportError : public LineError<ImportError> {
public:
  static char ID;
  using LineError::LineError;
};

/// Of everything that writes: ExitCode::inputOutput.
class OutputError : public LineError<OutputError> {
public:
  static char ID;
  using LineError::LineError;
};

/// Of everything that was asked for and cannot be had: ExitCode::usage.
class UsageError : public LineError<UsageError> {
public:
  static char ID;
  using LineError::LineError;
};

template <typename... Args> std::string errorLine(llvm::StringRef file, const char *format, Args &&...args) {
  return file.str() + ": error: " + llvm::formatv(format, std::forward<Args>(args)...).str();
}

/// importError("config.json", "unknown field '{0}'", name)
template <typename... Args> llvm::Error importError(llvm::StringRef file, const char *format, Args &&...args) {
  return llvm::make_error<ImportError>(errorLine(file, format, std::forward<Args>(args)...));
}

/// outputError("gemma", "cannot write: {0}", reason)
template <typename... Args> llvm::Error outputError(llvm::StringRef path, const char *format, Args &&...args) {
  return llvm::make_error<OutputError>(errorLine(path, format, std::forward<Args>(args)...));
}

/// usageError("--cache: error: unknown format '{0}'", word): with the option's name, since there is no file.
template <typename... Args> llvm::Error usageError(const char *format, Args &&...args) {
  return llvm::make_error<UsageError>(llvm::formatv(format, std::forward<Args>(args)...).str());
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_BASE_ERRORS_H
