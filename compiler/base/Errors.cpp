#include "compiler/base/Errors.h"

namespace gemmac {

char ImportError::ID = 0;
char OutputError::ID = 0;
char UsageError::ID = 0;

} // namespace gemmac
