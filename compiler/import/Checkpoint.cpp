// Which reader a checkpoint needs.
#include "compiler/import/Model.h"

#include "llvm/Support/FileSystem.h"

using namespace gemmac;

llvm::Expected<Checkpoint> gemmac::importCheckpoint(llvm::StringRef path) {
  bool isGguf = path.ends_with_insensitive(".gguf") && !llvm::sys::fs::is_directory(path);
  return isGguf ? importGguf(path) : importHuggingFace(path);
}
