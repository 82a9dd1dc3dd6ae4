// What the words behind `gemmac-interp COMMAND` do.
#ifndef GEMMAC_TESTS_INTERP_WORDS_H
#define GEMMAC_TESTS_INTERP_WORDS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <CLI/CLI.hpp>

namespace gemmac::interp {

/// Reads the words, then works. \returns 0, 1 for an error of the work, 2 for wrong words.
int runWords(CLI::App &app, const std::vector<std::string> &words, llvm::function_ref<llvm::Error()> work);

} // namespace gemmac::interp

#endif // GEMMAC_TESTS_INTERP_WORDS_H
