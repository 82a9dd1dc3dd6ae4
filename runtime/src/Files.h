// File descriptors: whole files in, checked output, and files that appear only when complete.
#ifndef GEMMAC_RUNTIME_FILES_H
#define GEMMAC_RUNTIME_FILES_H

#include "Status.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// The whole of a file; "-" is standard input.
Status readFile(const std::string &path, std::string &text);

/// Everything that is left to read from `fd`. \returns interrupted when Ctrl-C was pressed meanwhile.
Status readAll(int fd, std::string_view name, std::string &text);

/// Buffered writing to a descriptor that it does not own. The first error sticks; later writes are dropped.
/// The buffer is allocated once, so writing is fit for the token loop.
class Output {
public:
  explicit Output(int fd, std::string name);
  ~Output() { flush(); }
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;

  void write(std::string_view text);
  void flush();
  bool failed() const { return error != 0; }
  /// Flushes. A closed pipe is an error without a message: whoever read has seen enough.
  Status finish();

private:
  void writeNow(std::string_view text);

  int fd;
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
