#include "base/ChildProcess.h"

#include "base/Clock.h"
#include "base/Signals.h"
#include "base/Text.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char **environ;

namespace gemmac::runtime {

static bool canRun(const std::string &path) {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::string findProgram(const std::string &name) {
  if (name.find('/') != name.npos)
    return canRun(name) ? name : "";
  const char *path = getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty() && !rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    // A relative folder would be one of whatever folder people happen to be in.
    if (const std::string file = std::string(folder) + "/" + name; folder.starts_with('/') && canRun(file))
      return file;
  }
  return "";
}

namespace {
/// Two ends of a pipe that no program inherits unless told.
struct Pipe {
  int reading = -1, writing = -1;

  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return false;
    reading = ends[0];
    writing = ends[1];
    return true;
  }
  int takeReading() { return std::exchange(reading, -1); }
  ~Pipe() {
    for (int end : {reading, writing})
      if (end >= 0)
        ::close(end);
  }
};
} // namespace

/// Starts it with these descriptors as its standard ones. \returns an error number, or 0.
static int spawn(const std::string &path, const std::vector<std::string> &arguments, int input, int output, int errors,
                 pid_t &pid) {
  std::vector<char *> words{const_cast<char *>(path.c_str())};
  for (const std::string &argument : arguments)
    words.push_back(const_cast<char *>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  for (int signal : {SIGPIPE, SIGXFSZ}) // which this program ignores
    sigaddset(&usual, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

Status ChildProcess::start(const std::string &path, const std::vector<std::string> &arguments, double seconds) {
  kill();
  program = path;
  patience = seconds;
  firstErrors.clear();
  lastErrors.clear();
  Pipe toInput, fromOutput, fromErrors;
  int error = 0;
  if (!toInput.open() || !fromOutput.open() || !fromErrors.open())
    error = errno;
  if (error == 0)
    error = spawn(path, arguments, toInput.reading, fromOutput.writing, fromErrors.writing, pid);
  if (error != 0) {
    pid = -1;
    return {ExitCode::inputOutput, format("cannot run %s: %s", path.c_str(), strerror(error))};
  }
  output = fromOutput.takeReading();
  errorOutput = fromErrors.takeReading();
  return {};
}

/// Takes what there is of its standard error. \returns false at the end of it.
bool ChildProcess::collectErrors() {
  constexpr size_t kept = 1024;
  char bytes[4096];
  const ssize_t got = ::read(errorOutput, bytes, sizeof(bytes));
  if (got < 0)
    return errno == EINTR || errno == EAGAIN;
  const std::string_view piece(bytes, static_cast<size_t>(got));
  firstErrors += piece.substr(0, kept - std::min(kept, firstErrors.size()));
  lastErrors += piece;
  if (lastErrors.size() > kept)
    lastErrors.erase(0, lastErrors.size() - kept);
  return got > 0;
}

Status ChildProcess::stop(Status status) {
  kill();
  return status;
}

Status ChildProcess::read(char *bytes, size_t size, size_t &got) {
  got = 0;
  const double begin = monotonicSeconds();
  while (output >= 0) {
    pollfd ready[] = {{output, POLLIN, 0}, {errorOutput, POLLIN, 0}};
    if (!waitForAny(ready, 1000))
      return stop({ExitCode::interrupted, ""});
    if (ready[1].revents != 0 && !collectErrors()) {
      ::close(errorOutput);
      errorOutput = -1; // which poll() passes over
    }
    if (ready[0].revents == 0) {
      if (monotonicSeconds() - begin < patience)
        continue;
      return stop({ExitCode::inputOutput, format("%s wrote nothing for %.0f seconds and was stopped", program.c_str(),
                                                 patience)});
    }
    const ssize_t count = ::read(output, bytes, size);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (count < 0)
      return stop({ExitCode::inputOutput, format("cannot read what %s writes: %s", program.c_str(), strerror(errno))});
    got = static_cast<size_t>(count);
    return {};
  }
  return {};
}

/// The first line of `first` and the last one of `last` that have something in them, or the only one.
static std::string firstAndLast(std::string_view first, std::string_view last) {
  first = trim(first);
  last = trim(last);
  first = trim(first.substr(0, first.find('\n')));
  last = trim(last.substr(last.rfind('\n') + 1));
  return std::string(first) + (first == last ? "" : " ... " + std::string(last));
}

Status ChildProcess::finish() {
  if (pid < 0)
    return {};
  ::close(std::exchange(output, -1));
  const double begin = monotonicSeconds();
  while (errorOutput >= 0 && monotonicSeconds() - begin < patience) {
    pollfd ready[] = {{errorOutput, POLLIN, 0}};
    if (!waitForAny(ready, 1000))
      return stop({ExitCode::interrupted, ""});
    if (ready[0].revents != 0 && !collectErrors())
      ::close(std::exchange(errorOutput, -1));
  }
  siginfo_t ended;
  while (::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    if (interruptRequested())
      return stop({ExitCode::interrupted, ""});
  ::kill(-pid, SIGKILL); // what it may have left; the group is surely its own until it was waited for
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  pid = -1;
  kill();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return {};
  const std::string lines = firstAndLast(firstErrors, lastErrors);
  std::string how = WIFSIGNALED(status) ? format("was ended by signal %d", WTERMSIG(status))
                                        : format("ended with %d", WEXITSTATUS(status));
  if (!lines.empty())
    how += ": " + lines;
  return {ExitCode::inputOutput, program + " " + how};
}

void ChildProcess::kill() {
  if (pid >= 0) {
    ::kill(-pid, SIGKILL); // its group
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  pid = -1;
  for (int *end : {&output, &errorOutput})
    if (*end >= 0)
      ::close(std::exchange(*end, -1));
}

} // namespace gemmac::runtime
