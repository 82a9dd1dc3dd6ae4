// How large keys and values may become, from the weights of a checkpoint. KV caches hold f16 numbers by default, and
// some fine-tunes have values beyond them.
#ifndef GEMMAC_COMPILER_ARTIFACT_CACHEBOUNDS_H
#define GEMMAC_COMPILER_ARTIFACT_CACHEBOUNDS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace gemmac {

/// Sets `key_bound` and `value_bound` of the caches of an imported module (level 0). A normed row of n elements
/// has length sqrt(n), so that keys and normed values need the weight of a norm only; values that are not normed
/// (Gemma 3) are products with the normed input, at most sqrt(width) times the length of a weight row. Rotation
/// keeps the length of a pair: another factor of sqrt(2) for keys. Reads these weights, one matrix at a time.
/// Errors: ImportError, as the packer's.
llvm::Error setCacheBounds(mlir::ModuleOp module, llvm::StringRef directory);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_CACHEBOUNDS_H
