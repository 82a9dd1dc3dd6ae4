// The files of a checkpoint while weights are packed.
#ifndef GEMMAC_COMPILER_ARTIFACT_SOURCEFILES_H
#define GEMMAC_COMPILER_ARTIFACT_SOURCEFILES_H

#include "compiler/artifact/PackedMatrix.h"

#include "llvm/Support/Error.h"

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace gemmac {

/// Bytes of one file, as an error names them.
struct FilePlace {
  llvm::StringRef file, tensor;
  uint64_t offset, bytes;
};

/// Read from any thread. A few files are kept open, those read last: checkpoints may have more files than a process may
/// open.
class SourceFiles {
public:
  /// Checks that the files of all sources can be opened and that each is long enough.
  llvm::Error open(llvm::ArrayRef<PackedMatrix> matrices, llvm::StringRef directory);
  llvm::Error read(const FilePlace &place, uint8_t *result) const;

private:
  struct OpenFile;
  using Handle = std::shared_ptr<OpenFile>;

  llvm::Error check(const PackSource &source);
  llvm::Error check(const FilePlace &place);
  llvm::Expected<Handle> handleOf(llvm::StringRef file) const;

  std::string directory;
  mutable std::mutex mutex;
  mutable std::list<Handle> handles; ///< the one used last in front; a file may stay open longer, while it is read
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_SOURCEFILES_H
