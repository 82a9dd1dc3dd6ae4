// Which merges of a vocabulary can ever be made, and where a text can be cut without changing its tokens.
#ifndef GEMMAC_COMPILER_IMPORT_REACHABLEMERGES_H
#define GEMMAC_COMPILER_IMPORT_REACHABLEMERGES_H

#include "compiler/import/TokenizerReader.h"
#include "gemmac/tokenizer.h"

#include "llvm/ADT/ArrayRef.h"

namespace gemmac {

struct ReachableMerges {
  std::vector<gemmac_token_merge> merges; ///< no pair twice, in the order of the vocabulary
  std::vector<uint64_t> joins;            ///< as in gemmac/tokenizer.h; empty: not known
  uint32_t joinsLog2 = 0;
};

/// Encoding always makes the merge of the lowest rank, the leftmost of equals. So what happens inside a stretch of text
/// that ends up as one token does not depend on what is around it: every token has one last merge, that of encoding its
/// own text, whatever the text around. The other merges that would make it (published vocabularies list each way to cut
/// a token into two) are never made, and a merge that is never made changes nothing when it is left out. It follows
/// that two characters that are neighbours in no token that can be made are never joined: a text can be cut between
/// them.
///
/// Where merges join byte tokens or the unknown token, a token's text does not tell what it is made of: all merges stay
/// then, and joins are not known.
/// \param characters  sorted by code point, none twice: the tokens that encoding begins with
ReachableMerges findReachableMerges(const Vocabulary &vocabulary, llvm::ArrayRef<gemmac_token_char> characters);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_REACHABLEMERGES_H
