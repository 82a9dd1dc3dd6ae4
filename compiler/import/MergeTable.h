// The merges of a tokenizer as a perfect hash (gemmac/tokenizer.h). Needs nothing of LLVM, so that the runtime's tests
// can use it.
#ifndef GEMMAC_COMPILER_IMPORT_MERGETABLE_H
#define GEMMAC_COMPILER_IMPORT_MERGETABLE_H

#include "gemmac/tokenizer.h"

#include <span>
#include <vector>

namespace gemmac {

struct MergeTable {
  std::vector<gemmac_token_merge> slots; ///< 19 of 20 in use
  std::vector<uint16_t> pilots;          ///< by bucket; empty without merges

  /// The merge of two tokens; nullptr when there is none.
  const gemmac_token_merge *find(uint32_t left, uint32_t right) const;
};

/// \param merges  no pair twice. The same merges give the same table.
/// Source: hash and displace (Pagh 1999), with pilots as in PTHash (arXiv:2104.10402).
MergeTable buildMergeTable(std::span<const gemmac_token_merge> merges);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_MERGETABLE_H
