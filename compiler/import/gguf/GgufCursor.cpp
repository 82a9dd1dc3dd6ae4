#include "compiler/import/gguf/GgufCursor.h"

#include "compiler/base/Errors.h"

using namespace gemmac;
using llvm::StringRef;

static constexpr uint64_t windowBytes = 1 << 16;
static constexpr uint64_t maxHeaderBytes = 64 << 20; // 262144 tokens with scores and merges take 16 MiB

void GgufCursor::fail(const llvm::Twine &message) {
  if (!error)
    error = importError(file, "{0}", message.str());
}

StringRef GgufCursor::take(uint64_t count, const llvm::Twine &what) {
  if (failed())
    return {};
  if (count > remaining()) {
    fail("the file has " + llvm::Twine(fileBytes) + " bytes and ends inside " + what + ", which takes " +
         llvm::Twine(count) + " from byte " + llvm::Twine(at) + " on: it is cut short or damaged; fetch it again");
    return {};
  }
  if (count > maxHeaderBytes - at) {
    fail("the header is longer than " + llvm::Twine(maxHeaderBytes) + " bytes at " + what + ": the file is damaged");
    return {};
  }
  if (at < windowStart || at + count > windowStart + window.size()) {
    windowStart = at;
    if (llvm::Error problem = read(at, std::min(std::max(count, windowBytes), remaining()), window)) {
      error = std::move(problem);
      return {};
    }
  }
  StringRef bytes = StringRef(window).substr(at - windowStart, count);
  at += count;
  return bytes;
}

std::string GgufCursor::text(const llvm::Twine &what, uint64_t limit) {
  auto length = number<uint64_t>("the length of " + what);
  if (length > limit)
    fail(what + " has a length of " + llvm::Twine(length) + " bytes, expected at most " + llvm::Twine(limit) +
         ": the file is damaged");
  return take(failed() ? 0 : length, what).str();
}
