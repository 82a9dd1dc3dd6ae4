// The signal handler may allocate nothing, so it finds names in plain memory.
#include "compiler/artifact/ScratchDirectory.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace gemmac {

constexpr int mostFiles = 16;

/// Complete names only: `count` is raised after a name is written.
static struct {
  char directory[PATH_MAX];
  char files[mostFiles][PATH_MAX];
  std::atomic<int> count{0};
  std::atomic<int> process{0};
} scratch;

static void remove() {
  for (int i = 0; i < scratch.count; ++i)
    ::unlink(scratch.files[i]);
  if (scratch.directory[0])
    ::rmdir(scratch.directory);
}

void removeScratchOnSignal() {
  if (int process = scratch.process)
    ::kill(process, SIGKILL);
  remove();
}

void killOnSignal(int process) { scratch.process = process; }

llvm::Expected<ScratchDirectory> ScratchDirectory::create(llvm::StringRef output) {
  std::string path = (output + ".scratch-" + llvm::Twine(::getpid())).str();
  if (path.size() + NAME_MAX >= PATH_MAX)
    return outputError(output, "the name is too long");
  if (::mkdir(path.c_str(), 0700) != 0)
    return outputError(output, "cannot make directory '{0}' for intermediate files: {1}", path, std::strerror(errno));
  std::strcpy(scratch.directory, path.c_str());
  return ScratchDirectory(std::move(path));
}

ScratchDirectory::ScratchDirectory(ScratchDirectory &&other) noexcept : path(std::move(other.path)) {
  other.path.clear();
}

ScratchDirectory::~ScratchDirectory() {
  if (path.empty())
    return;
  remove();
  scratch.count = 0;
  scratch.directory[0] = 0;
}

std::string ScratchDirectory::file(llvm::StringRef name) const {
  std::string result = path + "/" + name.str();
  for (int i = 0; i < scratch.count; ++i)
    if (result == scratch.files[i])
      return result;
  int place = scratch.count;
  if (place == mostFiles || result.size() >= PATH_MAX)
    llvm::report_fatal_error("scratch directory: too many or too long names");
  std::strcpy(scratch.files[place], result.c_str());
  scratch.count = place + 1;
  return result;
}

llvm::Error ScratchDirectory::move(const std::string &file, const std::string &path) {
  if (::rename(file.c_str(), path.c_str()) != 0)
    return outputError(path, "cannot name the file: {0}", std::strerror(errno));
  return llvm::Error::success();
}

} // namespace gemmac
