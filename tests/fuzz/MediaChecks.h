// What the fuzzers of decoders share.
#ifndef GEMMAC_TESTS_FUZZ_MEDIACHECKS_H
#define GEMMAC_TESTS_FUZZ_MEDIACHECKS_H

#include "Require.h"
#include "media/Decode.h"

#include <cstdint>
#include <string_view>

inline std::string_view mediaInput(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// Smaller than those of programs, so that an input takes milliseconds.
inline gemmac::runtime::MediaLimits fuzzLimits() { return {.pixels = 1 << 18, .scans = 16, .samples = 1 << 20}; }

/// A refusal is one line that names the file.
inline void checkRefusal(const gemmac::runtime::Status &status) {
  require(status.code() == gemmac::runtime::ExitCode::inputOutput);
  require(status.message().starts_with("cannot read 'f'") && status.message().size() < 1024);
  require(status.message().find('\n') == std::string::npos);
}

#endif // GEMMAC_TESTS_FUZZ_MEDIACHECKS_H
