#include "tests/interp/Words.h"

#include "llvm/Support/raw_ostream.h"

namespace gemmac::interp {

int runWords(CLI::App &app, const std::vector<std::string> &words, llvm::function_ref<llvm::Error()> work) {
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (llvm::Error error = work()) {
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}

} // namespace gemmac::interp
