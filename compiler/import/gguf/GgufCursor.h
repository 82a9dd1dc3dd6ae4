// Reads a GGUF header from front to back. Little-endian; every length is checked against the file before it is used.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFCURSOR_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFCURSOR_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace gemmac {

/// Fetches [offset, offset + count) of a file, which lies inside it; InputFile::read, or memory in tests.
using ReadBytes = llvm::function_ref<llvm::Error(uint64_t offset, uint64_t count, std::string &result)>;

/// The first mistake is kept and all later reads give zeros, so that a reader is a list of fields; loops ask failed().
class GgufCursor {
public:
  GgufCursor(llvm::StringRef file, uint64_t fileBytes, ReadBytes read) : file(file), fileBytes(fileBytes), read(read) {}
  ~GgufCursor() { llvm::consumeError(takeError()); }

  /// \param what  for the message: "the value of 'general.name'"
  template <typename T> T number(const llvm::Twine &what) {
    static_assert(std::endian::native == std::endian::little);
    T value{};
    if (llvm::StringRef bytes = take(sizeof(T), what); !failed())
      std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  /// A 64-bit length and as many bytes, at most `limit`.
  std::string text(const llvm::Twine &what, uint64_t limit);

  uint64_t position() const { return at; }
  uint64_t remaining() const { return fileBytes - at; }
  bool failed() const { return error.has_value(); }

  /// Records "<file>: error: <message>" unless there is a mistake already.
  void fail(const llvm::Twine &message);
  llvm::Error takeError() { return error ? std::move(*error) : llvm::Error::success(); }

private:
  /// The next `count` bytes, valid until the next call; empty after a failure.
  llvm::StringRef take(uint64_t count, const llvm::Twine &what);

  llvm::StringRef file;
  uint64_t fileBytes;
  ReadBytes read;
  std::string window; ///< bytes of the file from windowStart on
  uint64_t windowStart = 0, at = 0;
  std::optional<llvm::Error> error;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFCURSOR_H
