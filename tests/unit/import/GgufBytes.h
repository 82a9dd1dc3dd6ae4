// GGUF headers for tests, byte by byte, so that each can lie where a test wants it to.
#ifndef GEMMAC_TESTS_UNIT_IMPORT_GGUFBYTES_H
#define GEMMAC_TESTS_UNIT_IMPORT_GGUFBYTES_H

#include "ImportTest.h"
#include "compiler/import/gguf/GgufFile.h"

namespace gemmac::test {

enum GgufValueType : uint32_t { ggufU32 = 4, ggufI32 = 5, ggufF32 = 6, ggufBool = 7, ggufString = 8, ggufArray = 9 };

template <typename T> std::string raw(T value) { // the tests run on little-endian machines
  return {reinterpret_cast<const char *>(&value), sizeof value};
}
inline std::string ggufText(llvm::StringRef text) { return raw<uint64_t>(text.size()) + text.str(); }

inline std::string entry(llvm::StringRef key, uint32_t type, const std::string &value) {
  return ggufText(key) + raw(type) + value;
}
inline std::string entry(llvm::StringRef key, uint32_t value) { return entry(key, ggufU32, raw(value)); }
inline std::string entry(llvm::StringRef key, float value) { return entry(key, ggufF32, raw(value)); }
inline std::string entry(llvm::StringRef key, bool value) { return entry(key, ggufBool, raw<uint8_t>(value)); }
inline std::string entry(llvm::StringRef key, const char *value) { return entry(key, ggufString, ggufText(value)); }

/// An array value: element type, count, elements already in bytes.
inline std::string ggufList(uint32_t type, llvm::ArrayRef<std::string> elements) {
  std::string bytes = raw(type) + raw<uint64_t>(elements.size());
  for (const std::string &one : elements)
    bytes += one;
  return bytes;
}

/// `dims` as files have them: innermost first.
inline std::string tensorInfo(llvm::StringRef name, llvm::ArrayRef<uint64_t> dims, uint32_t type, uint64_t offset) {
  std::string bytes = ggufText(name) + raw<uint32_t>(dims.size());
  for (uint64_t size : dims)
    bytes += raw(size);
  return bytes + raw(type) + raw(offset);
}

/// A file: header, metadata entries, tensor entries, then zeros from the next multiple of `alignment` on.
inline std::string ggufBytes(llvm::ArrayRef<std::string> entries, llvm::ArrayRef<std::string> tensors,
                             size_t dataBytes = 0, size_t alignment = 32) {
  std::string bytes = "GGUF" + raw<uint32_t>(3) + raw<uint64_t>(tensors.size()) + raw<uint64_t>(entries.size());
  for (const std::string &one : entries)
    bytes += one;
  for (const std::string &one : tensors)
    bytes += one;
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment + dataBytes);
  return bytes;
}

inline llvm::Expected<GgufFile> readGgufBytes(llvm::StringRef bytes) {
  return readGguf("m.gguf", bytes.size(), [&](uint64_t offset, uint64_t count, std::string &result) {
    EXPECT_LE(offset + count, bytes.size());
    result = bytes.substr(offset, count).str();
    return llvm::Error::success();
  });
}

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_IMPORT_GGUFBYTES_H
