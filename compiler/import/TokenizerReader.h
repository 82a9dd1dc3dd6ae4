// tokenizer.json -> a serialized gemmac_tokenizer (gemmac/tokenizer.h). Only the pipeline of Gemma's tokenizers is
// implemented (spec 6.1); a file that asks for another one is refused by the setting's name.
#ifndef GEMMAC_COMPILER_IMPORT_TOKENIZERREADER_H
#define GEMMAC_COMPILER_IMPORT_TOKENIZERREADER_H

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace gemmac {

/// An added token: cut out of the raw text before anything else.
struct AddedToken {
  uint32_t id;
  std::string text;
  bool special; ///< a control token
};

struct Merge {
  uint32_t left, right, merged;
  uint32_t rank; ///< the lowest is merged first, the leftmost of equals
};

/// What tokenizer.json says, checked, in ids.
struct Vocabulary {
  uint32_t size = 0;                             ///< the model's vocabulary; ids without a string are unused
  std::vector<std::optional<std::string>> texts; ///< by id, as the file spells them (U+2581 for a space)
  llvm::StringMap<uint32_t> ids;                 ///< added tokens included
  std::vector<Merge> merges;                     ///< ranks rise, and are below the number of merges
  std::vector<AddedToken> added;
  std::vector<AddedToken> leftOut; ///< with ids from `size` on: the model has no row for them
  uint32_t unknown = UINT32_MAX;   ///< GEMMAC_NO_TOKEN: none
  bool byteFallback = false, fuseUnknown = false;
  bool addedSpaced = false; ///< added tokens are looked for after spaces became U+2581 (SentencePiece), not before

  /// The added token of this text; nullptr when there is none.
  const AddedToken *findAdded(llvm::StringRef text) const;
  /// The text of a token; empty for -1 and for an unused id.
  llvm::StringRef textOf(int32_t id) const {
    return id >= 0 && texts[id] ? llvm::StringRef(*texts[id]) : llvm::StringRef();
  }
};

/// \param text   the bytes of tokenizer.json
/// \param vocab  the model's vocabulary; ids must be below, but for added tokens, which are left out
llvm::Expected<Vocabulary> readTokenizer(llvm::StringRef file, llvm::StringRef text, int64_t vocab);

/// Appends the merges of a JSON array, each "a b" or ["a", "b"], to `result`, in the order of their ranks.
llvm::Error readMerges(llvm::StringRef file, const nlohmann::json &merges, Vocabulary &result);

/// The byte that a token stands for: 0x41 for "<0x41>".
std::optional<uint8_t> tokenByte(llvm::StringRef text);

/// Lays a vocabulary out as gemmac/tokenizer.h says. The same vocabulary gives the same bytes.
std::string serializeTokenizer(const Vocabulary &vocabulary);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TOKENIZERREADER_H
