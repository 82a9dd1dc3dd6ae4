// A file that appears under its name complete or not at all. Until commit() it has no name (O_TMPFILE), so that even a
// killed compiler leaves nothing; on file systems without that, it is called `<path>.tmp-<pid>` and is removed on
// errors, SIGINT, SIGTERM and SIGHUP.
#ifndef GEMMAC_COMPILER_ARTIFACT_OUTPUTFILE_H
#define GEMMAC_COMPILER_ARTIFACT_OUTPUTFILE_H

#include "compiler/base/Errors.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>

namespace gemmac {

/// How OutputFile keeps the file before commit(); `automatic` tries `unnamed` first.
enum class TemporaryKind { automatic, named };

/// At most 16 with a temporary name at a time per process: the signal handler knows no more. Not copyable; the
/// destructor discards what was not committed.
class OutputFile {
public:
  /// Fails when the directory is missing or not writable, or when `path` is something other than a regular file.
  static llvm::Expected<OutputFile> create(llvm::StringRef path, TemporaryKind kind = TemporaryKind::automatic);
  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&) = delete;
  ~OutputFile();

  int descriptor() const { return fd; }
  const std::string &path() const { return finalPath; }
  /// Takes `bytes` of disk space now, so that a full disk is found before the work. The file does not grow.
  llvm::Error reserve(uint64_t bytes);
  /// fsync, permissions, then the final name; an existing file is replaced in one step.
  llvm::Error commit(bool executable);

private:
  OutputFile(std::string path) : finalPath(std::move(path)) {}
  std::string finalPath, temporaryPath; ///< temporaryPath is empty while the file has no name
  int fd = -1;
};

/// Writes all of `bytes` at `offset`; `name` is for the message.
llvm::Error writeAt(int fd, uint64_t offset, llvm::ArrayRef<uint8_t> bytes, llvm::StringRef name);

/// Checks that the file system that will hold `path` has `needed` bytes free.
llvm::Error checkFreeSpace(llvm::StringRef path, uint64_t needed);

/// From now on signals that end the process first remove the temporary files and the scratch directory. SIGINT, SIGTERM
/// and SIGHUP exit with ExitCode::interrupted, others end the process as the system would. As process 1 of a container,
/// which the system does not let signals end, all of them exit with 128 + signal. SIGPIPE and SIGXFSZ are ignored:
/// writing reports EPIPE and EFBIG.
void installInterruptHandler();

/// What that handler removes. Async-signal-safe.
void removeUnfinishedFiles();

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_OUTPUTFILE_H
