// Reading files of a checkpoint directory: whole small ones, parts of large ones.
#ifndef GEMMAC_COMPILER_IMPORT_FILEACCESS_H
#define GEMMAC_COMPILER_IMPORT_FILEACCESS_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <cstdint>
#include <string>

namespace gemmac {

/// Whether these first bytes of a file are those of a Git LFS pointer: what git leaves in place of a large file that
/// was not fetched.
bool isLfsPointer(llvm::StringRef start);

/// Whether `directory` has a file of this name, through symbolic links.
bool fileExists(llvm::StringRef directory, llvm::StringRef name);

/// A regular file open for reading; errors name it without its directory. A Git LFS pointer is an error.
class InputFile {
public:
  static llvm::Expected<InputFile> open(llvm::StringRef directory, llvm::StringRef name);
  InputFile(InputFile &&other) noexcept;
  InputFile &operator=(InputFile &&) = delete;
  ~InputFile();

  uint64_t bytes() const { return size; }
  /// Reads [offset, offset + count), which must lie inside the file, into `result`.
  llvm::Error read(uint64_t offset, uint64_t count, std::string &result) const;

private:
  InputFile(std::string name, llvm::sys::fs::file_t handle, uint64_t size)
      : name(std::move(name)), handle(handle), size(size) {}

  std::string name;
  llvm::sys::fs::file_t handle;
  uint64_t size;
};

/// The whole of a file that people can read, up to 512 MiB.
llvm::Expected<std::string> readTextFile(llvm::StringRef directory, llvm::StringRef name);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_FILEACCESS_H
