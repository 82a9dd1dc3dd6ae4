// What the fuzzers of import share. A failure must be one line of class ImportError; a result must hold its promises.
#ifndef GEMMAC_TESTS_FUZZ_FUZZSUPPORT_H
#define GEMMAC_TESTS_FUZZ_FUZZSUPPORT_H

#include "Require.h"
#include "compiler/base/Errors.h"

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

inline llvm::StringRef fuzzInput(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// The value of a success; checks the message of a failure.
template <typename T> std::optional<T> accepted(llvm::Expected<T> result) {
  if (result)
    return std::move(*result);
  llvm::handleAllErrors(result.takeError(), [](const gemmac::ImportError &problem) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    problem.log(stream);
    require(text.find('\n') == std::string::npos && text.find(": error: ") != std::string::npos);
    require(text.size() < 4096);
  });
  return std::nullopt;
}

#endif // GEMMAC_TESTS_FUZZ_FUZZSUPPORT_H
