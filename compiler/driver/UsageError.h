// The user asked for something that this checkpoint cannot give.
#ifndef GEMMAC_COMPILER_DRIVER_USAGEERROR_H
#define GEMMAC_COMPILER_DRIVER_USAGEERROR_H

#include "llvm/Support/Error.h"

#include <string>

namespace gemmac {

class UsageError : public llvm::ErrorInfo<UsageError> {
public:
  static inline char ID = 0;
  explicit UsageError(std::string message) : text(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string text;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_USAGEERROR_H
