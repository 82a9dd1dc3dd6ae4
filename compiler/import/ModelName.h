// What people call a checkpoint: a program shows this name.
#ifndef GEMMAC_COMPILER_IMPORT_MODELNAME_H
#define GEMMAC_COMPILER_IMPORT_MODELNAME_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace gemmac {

/// The last part of a directory's real path. Where that is a hash, as in the cache of
/// downloads, "models--ORG--NAME/snapshots/HASH", NAME.
/// \param given  what the checkpoint calls itself, taken where the path says nothing; "org/name" gives "name"
std::string directoryModelName(llvm::StringRef directory, llvm::StringRef given);

/// A file's name without ".gguf"; where that is a hash, "sha256-HASH", what the file calls itself.
std::string fileModelName(llvm::StringRef file, llvm::StringRef given);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_MODELNAME_H
