// File descriptors: standard ones that are surely there, input in pieces, checked output, and files that appear only
// when complete. Descriptors that somebody made non-blocking are waited for.
#ifndef GEMMAC_RUNTIME_FILES_H
#define GEMMAC_RUNTIME_FILES_H

#include "base/Status.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// Puts something on descriptors 0 to 2 where they are closed, so that no file opened later can land there: what reads
/// as empty and cannot be written to. Needs no file system. To be called before anything is opened.
Status secureStandardDescriptors();

/// Writes all of `text`, waiting while `fd` is full. \returns false with errno set when it cannot.
bool writeFully(int fd, std::string_view text);

/// A file, or standard input, read in pieces.
class Input {
public:
  Input() = default;
  ~Input();
  Input(const Input &) = delete;
  Input &operator=(const Input &) = delete;

  /// \param path "-": standard input.
  Status open(const std::string &path);
  /// Appends what comes next, at most 64 KiB; nothing at the end. \returns interrupted when Ctrl-C was pressed
  /// meanwhile.
  Status read(std::string &text);
  /// Appends all that comes. \returns inputOutput when there are more than `most` bytes of it.
  Status rest(std::string &text, uint64_t most);
  /// The last read() found the end.
  bool ended() const { return atEnd; }
  /// For messages: "standard input", or the path in quotes.
  const std::string &name() const { return shownName; }

private:
  int fd = -1;
  bool atEnd = false;
  std::string shownName;
};

/// The whole of a file; "-" is standard input. For files whose size somebody has bounded.
Status readFile(const std::string &path, std::string &text);

/// Buffered writing to a descriptor that it does not own. The first error sticks; later writes are dropped.
/// The buffer is allocated once, so writing is fit for the token loop. On a terminal, control characters are shown
/// (Visible.h): text may come from anybody.
class Output {
public:
  explicit Output(int fd, std::string name);
  ~Output() { flush(); }
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;

  void write(std::string_view text);
  /// The same for what the terminal shall obey, such as our own styles.
  void writeCode(std::string_view code);
  void flush();
  bool failed() const { return error != 0; }
  /// Flushes. A closed pipe is an error without a message: whoever read has seen enough.
  Status finish();

private:
  void writeNow(std::string_view text);

  int fd;
  bool terminal;
  int error = 0;
  std::string name;
  std::vector<char> buffer;
  size_t used = 0;
};

/// A file written under a temporary name beside its own, and renamed on commit(): nobody sees half of it, and nothing
/// is left behind when writing fails or a signal ends the program. Devices and pipes are written directly.
/// One at a time in a process, as the signal handler knows one name.
class NewFile {
public:
  NewFile() = default;
  ~NewFile();
  NewFile(const NewFile &) = delete;
  NewFile &operator=(const NewFile &) = delete;

  Status create(const std::string &path);
  Status write(const void *data, size_t bytes);
  Status commit();

private:
  Status failure(const char *action);

  int fd = -1;
  std::string path, temporary;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_FILES_H
