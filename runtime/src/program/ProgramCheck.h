// Whether a program keeps what gemmac/abi.h promises.
#ifndef GEMMAC_RUNTIME_PROGRAMCHECK_H
#define GEMMAC_RUNTIME_PROGRAMCHECK_H

#include "base/Status.h"
#include "gemmac/program.h"

namespace gemmac::runtime {

/// Checks what this runtime relies on: the version, sizes, functions, code, tables. \returns internal.
Status checkProgram(const gemmac_program &program);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROGRAMCHECK_H
