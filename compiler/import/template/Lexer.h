// The text of a chat template -> tokens, white space around tags dropped as transformers asks Jinja to: trim_blocks and
// lstrip_blocks are on, one line break at the end is left out.
#ifndef GEMMAC_COMPILER_IMPORT_TEMPLATE_LEXER_H
#define GEMMAC_COMPILER_IMPORT_TEMPLATE_LEXER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/StringSaver.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gemmac::jinja {

struct Token {
  enum class Kind { text, blockOpen, blockClose, printOpen, printClose, name, string, integer, real, symbol, end } kind;
  llvm::StringRef text; ///< literal text, a name, a string without its escapes, a symbol
  int line = 1;
  int64_t integer = 0;
  double real = 0;
};

/// What is wrong with a template; no message: nothing.
struct Fault {
  int line = 0;
  std::string message;
  bool any() const { return !message.empty(); }
};

/// A copy of `text` in which every line break is \n, without the last one.
std::string normalizeLines(llvm::StringRef text);

/// \param source   as normalizeLines() gives it; the tokens point into it
/// \param strings  keeps strings that had escapes
/// The last token is of kind `end`. On a fault the tokens are of no use.
std::vector<Token> tokenize(llvm::StringRef source, llvm::StringSaver &strings, Fault &fault);

} // namespace gemmac::jinja

#endif // GEMMAC_COMPILER_IMPORT_TEMPLATE_LEXER_H
