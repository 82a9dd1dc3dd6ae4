#include "Files.h"

#include "Signals.h"
#include "Text.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gemmac::runtime {

// Writes all of `bytes`; false with errno set when it cannot.
static bool writeFully(int fd, const char *data, size_t bytes) {
  while (bytes > 0) {
    ssize_t written = ::write(fd, data, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0) {
      errno = written == 0 ? EIO : errno;
      return false;
    }
    data += written;
    bytes -= static_cast<size_t>(written);
  }
  return true;
}

Status readAll(int fd, std::string_view name, std::string &text) {
  constexpr size_t step = 1 << 16;
  for (;;) {
    if (!waitForInput(fd))
      return {ExitCode::interrupted, ""};
    size_t before = text.size();
    text.resize(before + step);
    ssize_t got = ::read(fd, text.data() + before, step);
    int error = errno;
    text.resize(before + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0)
      return {};
    if (got > 0)
      continue;
    if (error == EINTR)
      continue;
    return {ExitCode::inputOutput,
            format("cannot read %.*s: %s", static_cast<int>(name.size()), name.data(), strerror(error))};
  }
}

Status readFile(const std::string &path, std::string &text) {
  if (path == "-")
    return readAll(STDIN_FILENO, "standard input", text);
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {ExitCode::inputOutput, format("cannot open '%s': %s", path.c_str(), strerror(errno))};
  Status status = readAll(fd, "'" + path + "'", text);
  ::close(fd);
  return status;
}

Output::Output(int fd, std::string name) : fd(fd), name(std::move(name)), buffer(1 << 16) {}

void Output::writeNow(std::string_view text) {
  if (!error && !writeFully(fd, text.data(), text.size()))
    error = errno;
}

void Output::write(std::string_view text) {
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
  return writeFully(fd, static_cast<const char *>(data), bytes) ? Status() : failure("write");
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
