// The merges of byte-pair encoding: pieces of text, given as base tokens, become tokens.
#ifndef GEMMAC_RUNTIME_BYTEPAIRS_H
#define GEMMAC_RUNTIME_BYTEPAIRS_H

#include "gemmac/tokenizer.h"

#include <span>
#include <vector>

namespace gemmac::runtime {

/// A view of the tables in a gemmac_tokenizer, whose parts the owner has checked to lie in memory.
struct BytePairs {
  std::span<const gemmac_token_merge> merges; ///< not empty unless `pilots` is
  std::span<const uint16_t> pilots;
  std::span<const uint64_t> joins;
  uint32_t joinsLog2 = 0;
  uint32_t vocab = 0;

  /// Whether a token can have both base tokens side by side in it. Where not, text may be cut without changing its
  /// tokens.
  bool mayJoin(uint32_t left, uint32_t right) const {
    if (joinsLog2 == 0)
      return true;
    const uint64_t bit = gemmac_join_bit(left, right, joinsLog2);
    return joins[bit / 64] >> bit % 64 & 1;
  }

  /// Merges the pair of the lowest rank, the leftmost of equals, until none is left, and appends what remains to `ids`.
  /// Takes n log n steps, however the piece looks. `piece` is used up.
  void encode(std::span<uint32_t> piece, std::vector<int32_t> &ids) const;

private:
  const gemmac_token_merge *find(uint32_t left, uint32_t right) const {
    if (pilots.empty())
      return nullptr;
    const uint64_t hash = gemmac_merge_hash(left, right);
    const uint32_t pilot = pilots[gemmac_merge_bucket(hash, static_cast<uint32_t>(pilots.size()))];
    const gemmac_token_merge &slot = merges[gemmac_merge_slot(hash, pilot, static_cast<uint32_t>(merges.size()))];
    return slot.left == left && slot.right == right && slot.merged < vocab ? &slot : nullptr;
  }
  void encodeShort(std::span<uint32_t> piece, std::vector<int32_t> &ids) const;
  void encodeLong(std::span<const uint32_t> piece, std::vector<int32_t> &ids) const;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_BYTEPAIRS_H
