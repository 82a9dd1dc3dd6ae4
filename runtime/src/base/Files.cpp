#include "base/Files.h"

#include "base/Signals.h"
#include "base/Text.h"
#include "base/Visible.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gemmac::runtime {

static void waitFor(int fd, short events) {
  pollfd one = {fd, events, 0};
  (void)::poll(&one, 1, -1); // whatever it says, the next try tells more
}

static bool wouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// The end of a pipe that nobody writes to: reading finds the end, writing is refused as on a closed descriptor. Needs
// neither /dev/null nor any other file, so it works in an empty root.
Status secureStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0)
      continue;
    int ends[2];
    if (::pipe(ends) != 0)
      return {ExitCode::inputOutput,
              format("descriptor %d is closed and nothing can take its place: %s", fd, strerror(errno))};
    int reading = ::fcntl(ends[0], F_DUPFD, STDERR_FILENO + 1); // both ends may lie on 0 to 2 themselves
    ::close(ends[0]);
    ::close(ends[1]);
    if (reading < 0 || ::dup2(reading, fd) < 0)
      return {ExitCode::inputOutput,
              format("descriptor %d is closed and nothing can take its place: %s", fd, strerror(errno))};
    ::close(reading);
  }
  return {};
}

bool writeFully(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && wouldBlock(errno)) {
      waitFor(fd, POLLOUT);
      continue;
    }
    if (written <= 0) {
      errno = written == 0 ? EIO : errno;
      return false;
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Input::~Input() {
  if (fd > STDERR_FILENO)
    ::close(fd);
}

Status Input::open(const std::string &path) {
  if (path == "-") {
    fd = STDIN_FILENO;
    shownName = "standard input";
    return {};
  }
  shownName = "'" + path + "'";
  fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {ExitCode::inputOutput, format("cannot open '%s': %s", path.c_str(), strerror(errno))};
  return {};
}

Status Input::read(std::string &text) {
  constexpr size_t step = 1 << 16;
  const size_t before = text.size();
  text.resize(before + step);
  for (;;) {
    const bool waited = waitForInput(fd);
    const ssize_t got = waited ? ::read(fd, text.data() + before, step) : 0;
    const int error = errno;
    if (got < 0 && (error == EINTR || wouldBlock(error)))
      continue;
    text.resize(before + (got > 0 ? static_cast<size_t>(got) : 0));
    if (!waited)
      return {ExitCode::interrupted, ""};
    if (got < 0)
      return {ExitCode::inputOutput, format("cannot read %s: %s", shownName.c_str(), strerror(error))};
    atEnd = got == 0;
    return {};
  }
}

Status Input::rest(std::string &text, uint64_t most) {
  const size_t before = text.size();
  while (!ended()) {
    if (Status status = read(text); !status.ok())
      return status;
    if (text.size() - before > most)
      return {ExitCode::inputOutput,
              format("%s has more than %s, the most that is read", shownName.c_str(), formatBytes(most).c_str())};
  }
  return {};
}

Status readFile(const std::string &path, std::string &text) {
  Input input;
  Status status = input.open(path);
  while (status.ok() && !input.ended())
    status = input.read(text);
  return status;
}

Output::Output(int fd, std::string name) : fd(fd), terminal(::isatty(fd)), name(std::move(name)), buffer(1 << 16) {}

void Output::writeNow(std::string_view text) {
  if (!error && !writeFully(fd, text))
    error = errno;
}

void Output::write(std::string_view text) {
  if (!terminal)
    return writeCode(text);
  while (!text.empty()) {
    const size_t plain = visiblePrefix(text);
    writeCode(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty())
      break;
    char shown[visibleBytes];
    size_t taken = 0;
    writeCode(showCharacter(text, taken, shown));
    text.remove_prefix(taken);
  }
}

void Output::writeCode(std::string_view text) {
  if (text.size() > buffer.size() - used)
    flush();
  if (text.size() > buffer.size())
    return writeNow(text);
  memcpy(buffer.data() + used, text.data(), text.size());
  used += text.size();
}

void Output::flush() {
  writeNow({buffer.data(), used});
  used = 0;
}

Status Output::finish() {
  flush();
  if (!error)
    return {};
  if (error == EPIPE)
    return {ExitCode::inputOutput, ""};
  return {ExitCode::inputOutput, format("cannot write to %s: %s", name.c_str(), strerror(error))};
}

Status NewFile::failure(const char *action) {
  return {ExitCode::inputOutput, format("cannot %s '%s': %s", action, path.c_str(), strerror(errno))};
}

Status NewFile::create(const std::string &target) {
  path = target;
  struct stat existing;
  bool special = ::stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode);
  if (special) {
    fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    return fd < 0 ? failure("write") : Status();
  }
  temporary = path + format(".partial-%ld", static_cast<long>(::getpid()));
  fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    temporary.clear();
    return failure("write");
  }
  removeOnSignal(temporary.c_str());
  return {};
}

Status NewFile::write(const void *data, size_t bytes) {
  return writeFully(fd, {static_cast<const char *>(data), bytes}) ? Status() : failure("write");
}

Status NewFile::commit() {
  int descriptor = fd;
  fd = -1;
  if (::close(descriptor) != 0)
    return failure("write");
  if (temporary.empty())
    return {};
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return failure("rename to");
  removeOnSignal(nullptr);
  temporary.clear();
  return {};
}

NewFile::~NewFile() {
  if (fd >= 0)
    ::close(fd);
  if (!temporary.empty()) {
    ::unlink(temporary.c_str());
    removeOnSignal(nullptr);
  }
}

} // namespace gemmac::runtime
