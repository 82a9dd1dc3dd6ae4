// Text to token ids and back, over the tokenizer table that the compiler put into the data section.
#ifndef GEMMAC_RUNTIME_TOKENIZER_H
#define GEMMAC_RUNTIME_TOKENIZER_H

#include "Status.h"
#include "gemmac/abi.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// A stretch of text to encode. Control tokens spelled out in it are recognised only where that is asked for, so that
/// what people type cannot end a turn.
struct Segment {
  std::string_view text;
  bool controlAllowed = false;
};

/// Copies `bytes` from `offset` of a tokenizer's table.
using MergeReader = std::function<void(uint64_t offset, void *to, size_t bytes)>;

/// Byte-pair encoding over Unicode characters with byte fallback (spec 6.1). Reads the mapped table in place; the table
/// must outlive it. Const after open(), so any thread may use it.
class Tokenizer {
public:
  /// \param table  the gemmac_tokenizer and what belongs to it, 8-byte aligned.
  /// \param bytes  of the whole table.
  /// \param vocab  of the model; the table must agree.
  /// \param merges reads the merges, which come last and need not be in memory then; empty: they are.
  /// \returns damagedProgram when a part of the table would lie outside `bytes`. Contents are checked where they are
  ///          used, so that a damaged table yields wrong ids but never a crash or an id outside the vocabulary.
  Status open(const uint8_t *table, uint64_t bytes, int64_t vocab, MergeReader merges = {});

  /// Appends the ids of the segments' joined text to `ids`. Where segments meet makes no difference, except that a
  /// control token must lie wholly inside segments that allow it. In order:
  ///  1. added tokens are cut out of the raw text, the longest at each place;
  ///  2. in what is left, ' ' becomes `space`, characters become tokens, a character without one becomes its UTF-8
  ///     bytes, and without byte tokens the unknown token (left out when there is none);
  ///  3. the pair with the lowest rank is merged first, the leftmost of equals, until no pair can be.
  /// Bytes that are not UTF-8 become byte tokens too: nothing of the input is lost.
  void encode(std::span<const Segment> segments, std::vector<int32_t> &ids) const;

  /// Bytes that a token stands for: text, or one byte of a character. Empty for ids outside the vocabulary.
  std::string_view text(int32_t id) const;
  gemmac_token_kind kind(int32_t id) const;
  int32_t vocab() const { return static_cast<int32_t>(textEnds.size()); }
  /// The character that stands for ' ' inside the vocabulary, as UTF-8; " " when there is none.
  std::string_view spaceCharacter() const { return space; }
  /// Every character without a token becomes byte tokens.
  bool fallsBackToBytes() const {
    return table->byte_fallback &&
           std::ranges::all_of(table->byte_ids, [this](uint32_t id) { return id < table->vocab; });
  }

  /// The id of the single token that `text` is when control tokens are recognised; -1 when it is not just one.
  int32_t single(std::string_view text) const;

private:
  struct Symbol {
    uint32_t id;
    int32_t previous, next; // -1 at the ends
  };
  struct Candidate {
    uint32_t rank, at, left, right, merged;
  };

  void appendCharacters(std::string_view plain, std::vector<Symbol> &symbols) const;
  void appendBytes(std::string_view bytes, std::vector<Symbol> &symbols) const;
  void encodePlain(std::string_view plain, std::vector<int32_t> &ids) const;
  uint32_t characterId(uint32_t codePoint) const;
  std::optional<gemmac_token_merge> findMerge(uint32_t left, uint32_t right) const;

  const gemmac_tokenizer *table = nullptr;
  std::string_view texts;
  std::span<const gemmac_token_char> characters;
  std::span<const gemmac_token_merge> merges; // not to be touched where there is a reader
  MergeReader readMerges;
  std::span<const uint32_t> textEnds;
  std::span<const uint8_t> kinds;
  std::string_view space; // UTF-8 of the table's `space`
  char spaceBytes[4] = {};
  std::array<std::vector<uint32_t>, 256> addedByFirstByte; // longest first
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TOKENIZER_H
