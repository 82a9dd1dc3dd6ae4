// Which reader a checkpoint needs.
#include "compiler/import/Model.h"

#include "llvm/Support/FileSystem.h"

using namespace gemmac;

llvm::Expected<Checkpoint> gemmac::importCheckpoint(llvm::StringRef path, const ImportOptions &options) {
  bool isGguf = path.ends_with_insensitive(".gguf") && !llvm::sys::fs::is_directory(path);
  return isGguf ? importGguf(path, options) : importHuggingFace(path, options);
}
