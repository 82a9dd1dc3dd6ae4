// The program's own file: finds it without /proc, checks it, maps the data section that the compiler appended.
#ifndef GEMMAC_RUNTIME_IMAGE_H
#define GEMMAC_RUNTIME_IMAGE_H

#include "Status.h"
#include "gemmac/abi.h"

namespace gemmac::runtime {

/// The mapped data section. Unmapped on destruction.
class Image {
public:
  Image() = default;
  ~Image();
  Image(const Image &) = delete;
  Image &operator=(const Image &) = delete;

  /// Maps the data section of the running program, read-only. Tries the path that the kernel was given (AT_EXECFN),
  /// `argv0`, then /proc/self/exe, and takes the first file that holds the same gemmac_image as this process.
  /// \returns inputOutput when no such file is found, else as openFile().
  Status openSelf(const char *argv0);

  /// The same for a named file and a given description of it.
  /// \returns damagedProgram when `image` was never filled in, or the file is shorter than `image.file_bytes`.
  Status openFile(const char *path, const gemmac_image &image);

  /// Reads the whole section. \returns damagedProgram when its XXH64 differs from the stored one.
  Status verify() const;

  const uint8_t *data() const { return section; }
  uint64_t bytes() const { return description.data_bytes; }
  uint64_t fileBytes() const { return description.file_bytes; }

private:
  Status map(int fd, const char *path);

  gemmac_image description = {};
  void *mapping = nullptr;
  size_t mappingBytes = 0;
  const uint8_t *section = nullptr;
};

/// Checks what abi.h promises about a program and this runtime relies on. \returns internal.
Status checkProgram(const gemmac_program &program);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_IMAGE_H
