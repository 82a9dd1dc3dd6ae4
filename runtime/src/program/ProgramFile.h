// The program's own file: finds it without /proc, checks it, maps parts of the data section that the compiler appended
// and reads others.
#ifndef GEMMAC_RUNTIME_PROGRAMFILE_H
#define GEMMAC_RUNTIME_PROGRAMFILE_H

#include "base/Status.h"
#include "gemmac/program.h"

#include <cstddef>

namespace gemmac::runtime {

/// A read-only mapping of a part of a file. Unmapped on destruction.
class Mapping {
public:
  Mapping() = default;
  ~Mapping();
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  const uint8_t *data() const { return begin; }

private:
  friend class ProgramFile;
  void *address = nullptr;
  size_t addressBytes = 0;
  const uint8_t *begin = nullptr;
};

/// The data section of a program. What is mapped becomes resident page by page as it is touched; what is read never
/// does (docs/memory.md).
class ProgramFile {
public:
  ProgramFile() = default;
  ~ProgramFile();
  ProgramFile(const ProgramFile &) = delete;
  ProgramFile &operator=(const ProgramFile &) = delete;

  /// Opens the file of the running program. Tries the path that the kernel was given (AT_EXECFN), `argv0`, then
  /// /proc/self/exe, and takes the first file that holds the same gemmac_image as this process.
  /// \returns inputOutput when no such file is found, else as openFile().
  Status openSelf(const char *argv0);

  /// The same for a named file and a given description of it.
  /// \returns damagedProgram when `image` was never filled in, or the file is shorter than `image.file_bytes`.
  Status openFile(const char *path, const gemmac_image &image);

  /// Maps a part of the section, in large pages where the system has them.
  /// \returns damagedProgram when it lies outside of the section.
  Status map(gemmac_span part, Mapping &mapping) const;

  /// Copies a part of the section.
  /// \returns damagedProgram when the file was cut meanwhile; inputOutput when it cannot be read. Under a mapping the
  ///          same ends the program (Signals.h).
  Status read(uint64_t offset, void *to, size_t bytes) const;

  /// Starts to load a part of the section that will be read soon. Does not wait.
  void announce(uint64_t offset, size_t bytes) const;

  /// Reads the whole section. \returns damagedProgram when its XXH64 differs from the stored one.
  Status verify() const;

  uint64_t bytes() const { return description.data_bytes; }
  uint64_t checksum() const { return description.data_xxh64; } ///< of the section, as it was written
  uint64_t fileBytes() const { return description.file_bytes; }

private:
  Status adopt(int fd, const char *path, const gemmac_image &image);

  gemmac_image description = {};
  int file = -1;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROGRAMFILE_H
