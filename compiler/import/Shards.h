// The files that hold a checkpoint's tensors, by their names alone.
#ifndef GEMMAC_COMPILER_IMPORT_SHARDS_H
#define GEMMAC_COMPILER_IMPORT_SHARDS_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace gemmac {

/// The files "NAME-00001-of-00003.safetensors" to "NAME-00003-of-00003.safetensors" of a directory without an index, in
/// order; empty when there is none of the kind. An error when one is missing or there are several sets.
llvm::Expected<std::vector<std::string>> findShards(llvm::StringRef directory);

/// What else a directory without safetensors files holds, as an error that says what to do.
llvm::Error noTensorFiles(llvm::StringRef directory);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_SHARDS_H
