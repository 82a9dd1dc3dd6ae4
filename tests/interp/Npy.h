// npy files of format 1.0: rows of f32 or i32.
#ifndef GEMMAC_TESTS_INTERP_NPY_H
#define GEMMAC_TESTS_INTERP_NPY_H

#include "targets/interp/Rows.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace gemmac::interp {

/// Writes `[rows, columns]` f32.
llvm::Error writeNpy(const std::string &path, llvm::ArrayRef<float> values, int64_t columns);

/// Reads `[rows, columns]` of `<f4` or `<i4`, row-major. Errors: a file that is something else.
llvm::Expected<Rows> readNpy(const std::string &path);

} // namespace gemmac::interp

#endif // GEMMAC_TESTS_INTERP_NPY_H
