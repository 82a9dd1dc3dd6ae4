// Output files by O_TMPFILE and linkat, with a named temporary file where the file system lacks them.
#include "compiler/artifact/OutputFile.h"

#include "compiler/artifact/ScratchDirectory.h"
#include "compiler/base/ExitCodes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace gemmac {

/// What the signal handler removes; those that begin with 0 are free. Plain memory, because a handler may touch nothing
/// else.
static char unfinished[16][PATH_MAX];

template <typename Change> static void withoutSignals(Change change) {
  sigset_t blocked, before;
  sigfillset(&blocked);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  change();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// False when there is no place for another one, or the name is too long.
static bool removeOnSignal(llvm::StringRef path) {
  auto *place = llvm::find_if(unfinished, [](const char *name) { return !name[0]; });
  if (place == std::end(unfinished) || path.size() >= PATH_MAX)
    return false;
  withoutSignals([&] {
    std::memcpy(*place, path.data(), path.size());
    (*place)[path.size()] = 0;
  });
  return true;
}

static void keepOnSignal(llvm::StringRef path) {
  for (auto &name : unfinished)
    if (path == name)
      withoutSignals([&] { name[0] = 0; });
}

void removeUnfinishedFiles() {
  for (const char *path : unfinished)
    if (path[0])
      ::unlink(path);
  removeScratchOnSignal();
}

static void onSignal(int signal) {
  removeUnfinishedFiles();
  const bool interrupts = signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
  if (interrupts && ::getpid() != 1) // who runs a container asks its first process which signal it was
    ::_exit(static_cast<int>(ExitCode::interrupted));
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);
}

/// What whoever started us chose to ignore (nohup, a background job) stays ignored.
static void handleSignal(int signal, void (*handler)(int)) {
  struct sigaction action = {}, before;
  if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN)
    return;
  action.sa_handler = handler;
  sigfillset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

void installInterruptHandler() {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO,
                     SIGPWR, SIGABRT})
    handleSignal(signal, onSignal);
  handleSignal(SIGPIPE, SIG_IGN);
  handleSignal(SIGXFSZ, SIG_IGN);
}

static std::string directoryOf(llvm::StringRef path) {
  llvm::StringRef parent = llvm::sys::path::parent_path(path);
  return parent.empty() ? "." : parent.str();
}

static llvm::Error freeSpaceError(llvm::StringRef path, uint64_t needed) {
  struct statvfs status;
  uint64_t available = 0;
  if (::statvfs(directoryOf(path).c_str(), &status) == 0)
    available = static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  return outputError(path, "no space left on the disk: {0} bytes needed, {1} available; free some or use -o elsewhere",
                     std::max<uint64_t>(needed, 1), available);
}

llvm::Error checkFreeSpace(llvm::StringRef path, uint64_t needed) {
  struct statvfs status;
  std::string directory = directoryOf(path);
  if (::statvfs(directory.c_str(), &status) != 0)
    return outputError(path, "cannot use directory '{0}': {1}", directory, std::strerror(errno));
  if (static_cast<uint64_t>(status.f_bavail) * status.f_frsize < needed)
    return freeSpaceError(path, needed);
  return llvm::Error::success();
}

llvm::Error writeAt(int fd, uint64_t offset, llvm::ArrayRef<uint8_t> bytes, llvm::StringRef name) {
  while (!bytes.empty()) {
    ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && (errno == ENOSPC || errno == EDQUOT))
      return freeSpaceError(name, bytes.size());
    if (written < 0)
      return outputError(name, "cannot write at byte {0}: {1}", offset, std::strerror(errno));
    offset += written;
    bytes = bytes.drop_front(written);
  }
  return llvm::Error::success();
}

llvm::Expected<OutputFile> OutputFile::create(llvm::StringRef path, TemporaryKind kind) {
  OutputFile file(path.str());
  struct stat status;
  if (::stat(file.finalPath.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return outputError(path, "exists and is no regular file; choose another name with -o");
  std::string directory = directoryOf(path);
  if (kind == TemporaryKind::automatic)
    file.fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file.fd >= 0)
    return file;
  file.temporaryPath = (path + ".tmp-" + llvm::Twine(::getpid())).str();
  if (!removeOnSignal(file.temporaryPath)) {
    file.temporaryPath.clear();
    return outputError(path, "the name is too long");
  }
  file.fd = ::open(file.temporaryPath.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file.fd < 0) {
    int reason = errno;
    keepOnSignal(file.temporaryPath);
    file.temporaryPath.clear();
    if (reason == ENOSPC || reason == EDQUOT)
      return freeSpaceError(path, 0);
    return outputError(path, "cannot create a file in directory '{0}': {1}", directory, std::strerror(reason));
  }
  return file;
}

OutputFile::OutputFile(OutputFile &&other) noexcept
    : finalPath(std::move(other.finalPath)), temporaryPath(std::move(other.temporaryPath)), fd(other.fd) {
  other.fd = -1;
  other.temporaryPath.clear();
}

OutputFile::~OutputFile() {
  if (fd >= 0)
    ::close(fd);
  if (temporaryPath.empty())
    return;
  ::unlink(temporaryPath.c_str());
  keepOnSignal(temporaryPath);
}

llvm::Error OutputFile::reserve(uint64_t bytes) {
  if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0)
    return llvm::Error::success();
  if (errno == ENOSPC || errno == EDQUOT)
    return freeSpaceError(finalPath, bytes);
  if (errno == EFBIG)
    return outputError(finalPath, "cannot write {0} bytes: {1} (see ulimit -f)", bytes, std::strerror(EFBIG));
  return checkFreeSpace(finalPath, bytes); // a file system without fallocate
}

llvm::Error OutputFile::commit(bool executable) {
  mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd, (executable ? 0777 : 0666) & ~mask) != 0 || ::fsync(fd) != 0) {
    if (errno == ENOSPC || errno == EDQUOT)
      return freeSpaceError(finalPath, 0);
    return outputError(finalPath, "cannot finish the file: {0}", std::strerror(errno));
  }
  std::string self = "/proc/self/fd/" + std::to_string(fd);
  if (temporaryPath.empty() && ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, finalPath.c_str(), AT_SYMLINK_FOLLOW) == 0)
    return llvm::Error::success();
  if (temporaryPath.empty()) {
    // linkat never replaces a file: give the complete file a name beside it, then rename.
    temporaryPath = finalPath + ".tmp-" + std::to_string(::getpid());
    (void)removeOnSignal(temporaryPath);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporaryPath.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return outputError(finalPath, "cannot name the file: {0}", std::strerror(errno));
  }
  if (::rename(temporaryPath.c_str(), finalPath.c_str()) != 0)
    return outputError(finalPath, "cannot name the file: {0}", std::strerror(errno));
  keepOnSignal(temporaryPath);
  temporaryPath.clear();
  return llvm::Error::success();
}

} // namespace gemmac
