#include "compiler/base/Messages.h"

#include "compiler/base/Errors.h"

#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace gemmac {

/// A control character, or one that changes the direction of text.
static bool commandsTerminal(llvm::UTF32 c) {
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string printable(llvm::StringRef text) {
  std::string valid = llvm::json::fixUTF8(text), result;
  auto *at = reinterpret_cast<const llvm::UTF8 *>(valid.data()), *end = at + valid.size();
  while (at != end) {
    const llvm::UTF8 *begin = at;
    llvm::UTF32 c = 0;
    if (llvm::convertUTF8Sequence(&at, end, &c, llvm::strictConversion) != llvm::conversionOK)
      at = begin + 1; // fixUTF8 leaves none
    llvm::StringRef bytes(reinterpret_cast<const char *>(begin), at - begin);
    if (!commandsTerminal(c))
      result += bytes;
    else
      result += c < 0x100 ? llvm::formatv("\\x{0:x-2}", c).str() : llvm::formatv("\\u{0:x-4}", c).str();
  }
  return result;
}

llvm::Error standardOutputError(std::error_code code) {
  if (code == std::errc::broken_pipe)
    return llvm::make_error<OutputError>(""); // whoever read has seen enough
  return outputError("standard output", "cannot write: {0}", code.message());
}

ExitCode reportError(llvm::Error error) {
  ExitCode code = ExitCode::success;
  auto say = [&](const llvm::ErrorInfoBase &info, ExitCode meaning) {
    if (std::string text = info.message(); !text.empty())
      llvm::errs() << printable(text) << "\n";
    code = meaning;
  };
  llvm::handleAllErrors(
      std::move(error), [&](const UsageError &info) { say(info, ExitCode::usage); },
      [&](const ImportError &info) { say(info, ExitCode::badInput); },
      [&](const OutputError &info) { say(info, ExitCode::inputOutput); },
      [&](const llvm::ErrorInfoBase &info) { say(info, ExitCode::internal); });
  return code;
}

} // namespace gemmac
