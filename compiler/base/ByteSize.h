// Sizes in bytes as people write them.
#ifndef GEMMAC_COMPILER_BASE_BYTESIZE_H
#define GEMMAC_COMPILER_BASE_BYTESIZE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace gemmac {

/// "1.5 GiB", "640 KiB", "999 B": three significant digits, so that columns of the report are of one width.
/// A program's runtime has a function of this name of its own (runtime/src/base/Text.h), which writes "1023 bytes" and
/// "640.0 GiB": it stands in sentences, and a program holds nothing of LLVM, as gemmac nothing of the runtime.
std::string formatBytes(uint64_t bytes);

/// "1.2 GiB (1288490189 bytes)"
std::string bothUnits(uint64_t bytes);

/// Reads "1.1GB", "1400 MB", "1GiB" or a number of bytes: powers of 1000 (kB, MB, GB, TB) and of 1024 (KiB, MiB, GiB,
/// TiB), in any case. Nothing when it is no such size, not above zero, or beyond 2^62.
std::optional<uint64_t> parseBytes(llvm::StringRef text);

} // namespace gemmac

#endif // GEMMAC_COMPILER_BASE_BYTESIZE_H
