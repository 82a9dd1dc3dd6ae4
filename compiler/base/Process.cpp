#include "compiler/base/Process.h"

#include "compiler/base/ExitCodes.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <unistd.h>

namespace gemmac {

static std::error_code lastError() { return {errno, std::generic_category()}; }

std::error_code secureStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0)
      continue;
    // The end of a pipe that nobody writes to.
    int ends[2];
    if (::pipe(ends) != 0)
      return lastError();
    int reading = ::fcntl(ends[0], F_DUPFD, STDERR_FILENO + 1); // both ends may lie on 0 to 2 themselves
    std::error_code failed = lastError();
    ::close(ends[0]);
    ::close(ends[1]);
    if (reading < 0)
      return failed;
    if (::dup2(reading, fd) < 0)
      return lastError();
    ::close(reading);
  }
  return {};
}

static std::error_code writeAll(int fd, llvm::StringRef text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text = text.drop_front(written);
      continue;
    }
    if (errno == EAGAIN) {
      pollfd one = {fd, POLLOUT, 0};
      (void)::poll(&one, 1, -1);
    } else if (errno != EINTR) {
      return lastError();
    }
  }
  return {};
}

std::error_code writeStandardOutput(llvm::StringRef text) { return writeAll(STDOUT_FILENO, text); }

static const char *programName = "gemmac";
static void (*cleanUpProcess)() = nullptr;

[[noreturn]] static void endProcess(ExitCode code, llvm::StringRef message) {
  if (cleanUpProcess)
    cleanUpProcess();
  for (llvm::StringRef part :
       {llvm::StringRef(programName), llvm::StringRef(": error: "), message, llvm::StringRef("\n")})
    if (writeAll(STDERR_FILENO, part))
      break;
  ::_exit(static_cast<int>(code));
}

[[noreturn]] static void endWithoutMemory() {
  endProcess(ExitCode::inputOutput, "out of memory; free some, or raise the limit (ulimit -v)");
}

static void onFatalError(void *, const char *reason, bool) {
  llvm::StringRef text = reason;
  if (text.consume_front("IO failure on output stream: "))
    endProcess(ExitCode::inputOutput, text);
  endProcess(ExitCode::internal, text);
}

ProcessGuard::ProcessGuard(const char *program, void (*cleanUp)()) {
  programName = program;
  cleanUpProcess = cleanUp;
  std::set_new_handler(endWithoutMemory);
  std::set_terminate([] { endProcess(ExitCode::internal, "cannot go on: out of threads or a defect of gemmac"); });
  llvm::install_fatal_error_handler(onFatalError);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { endWithoutMemory(); });
}

// The streams' own ends would stop the process with a message of LLVM's.
ProcessGuard::~ProcessGuard() {
  llvm::errs().flush();
  llvm::errs().clear_error();
}

} // namespace gemmac
