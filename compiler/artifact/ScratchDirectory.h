// A directory for files that live as long as a compilation, beside its output: what is finished there moves
// to its final name in one step.
#ifndef GEMMAC_COMPILER_ARTIFACT_SCRATCHDIRECTORY_H
#define GEMMAC_COMPILER_ARTIFACT_SCRATCHDIRECTORY_H

#include "compiler/base/Errors.h"

#include <string>

namespace gemmac {

/// One at a time per process: the signal handler (OutputFile.h) removes it and ends the program that runs from it.
/// Only SIGKILL leaves it behind. Not copyable; the destructor removes what is left.
class ScratchDirectory {
public:
  /// Makes `<output>.scratch-<pid>`, readable by its owner alone.
  static llvm::Expected<ScratchDirectory> create(llvm::StringRef output);
  ScratchDirectory(ScratchDirectory &&other) noexcept;
  ScratchDirectory &operator=(ScratchDirectory &&) = delete;
  ~ScratchDirectory();

  /// Path of a file in it that is removed with it. At most 16 different names.
  std::string file(llvm::StringRef name) const;
  /// Gives a finished file its final name, replacing what has it.
  static llvm::Error move(const std::string &file, const std::string &path);

private:
  explicit ScratchDirectory(std::string path) : path(std::move(path)) {}
  std::string path; ///< empty once moved from
};

/// For the signal handler: removes the directory, kills the program noted last. Async-signal-safe.
void removeScratchOnSignal();
/// Notes the process to be killed on a signal; 0 for none.
void killOnSignal(int process);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_SCRATCHDIRECTORY_H
