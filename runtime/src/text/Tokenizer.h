// Text to token ids and back, over the tokenizer table that the compiler put into the data section.
#ifndef GEMMAC_RUNTIME_TOKENIZER_H
#define GEMMAC_RUNTIME_TOKENIZER_H

#include "base/Status.h"
#include "gemmac/tokenizer.h"
#include "text/AddedTokens.h"
#include "text/BytePairs.h"

#include <algorithm>
#include <array>
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

/// Byte-pair encoding over Unicode characters with byte fallback (spec 6.1). Reads the mapped table in place; the table
/// must outlive it. Const after open(), so any thread may use it.
class Tokenizer {
public:
  /// \param table  the gemmac_tokenizer and what belongs to it, 8-byte aligned.
  /// \param bytes  of the whole table.
  /// \param vocab  of the model; the table must agree.
  /// \returns damagedProgram when a part of the table would lie outside `bytes`. Contents are checked where they are
  ///          used, so that a damaged table yields wrong ids but never a crash or an id outside the vocabulary.
  Status open(const uint8_t *table, uint64_t bytes, int64_t vocab);

  /// Appends the ids of the segments' joined text to `ids`. Where segments meet makes no difference, except that a
  /// control token must lie wholly inside segments that allow it. In order:
  ///  1. added tokens are cut out, the longest at each place: of the text as it is, or (SentencePiece) as if each
  ///     ' ' were `space` already;
  ///  2. in what is left, ' ' becomes `space`, characters become tokens, a character without one becomes its UTF-8
  ///     bytes, and without byte tokens the unknown token (left out when there is none);
  ///  3. the pair with the lowest rank is merged first, the leftmost of equals, until no pair can be.
  /// Bytes that are not UTF-8 become byte tokens too: nothing of the input is lost. Step 3 is done piece by piece, cut
  /// where no token can join two characters (`joins` in gemmac/tokenizer.h).
  void encode(std::span<const Segment> segments, std::vector<int32_t> &ids) const;

  /// Bytes that a token stands for: text, or one byte of a character. Empty for ids outside the vocabulary.
  std::string_view text(int32_t id) const;
  gemmac_token_kind kind(int32_t id) const;
  int32_t vocab() const { return static_cast<int32_t>(textEnds.size()); }
  /// The character that stands for ' ' inside the vocabulary, as UTF-8; " " when there is none.
  std::string_view spaceCharacter() const { return space; }
  const AddedTokens &addedTokens() const { return added; }
  /// Every character without a token becomes byte tokens.
  bool fallsBackToBytes() const {
    return table->byte_fallback &&
           std::ranges::all_of(table->byte_ids, [this](uint32_t id) { return id < table->vocab; });
  }

  /// The id of the single token that `text` is when control tokens are recognised; -1 when it is not just one.
  int32_t single(std::string_view text) const;

private:
  class Pieces;

  bool placeParts(const uint8_t *data, uint64_t bytes);
  void indexCharacters();
  void encodePlain(std::string_view plain, Pieces &pieces) const;
  void encodeBytes(std::string_view bytes, Pieces &pieces) const;
  uint32_t characterId(uint32_t codePoint) const;

  static constexpr uint32_t codePoints = 0x110000, pageSize = 256;

  const gemmac_tokenizer *table = nullptr;
  std::string_view texts;
  std::span<const gemmac_token_char> characters;
  std::span<const uint32_t> textEnds;
  std::span<const uint8_t> kinds;
  std::string_view space; // UTF-8 of the table's `space`
  char spaceBytes[4] = {};
  BytePairs pairs;
  AddedTokens added;
  std::array<uint32_t, 128> asciiIds = {};                          // of the characters below 128, ' ' as `space`
  std::array<uint32_t, codePoints / pageSize + 1> firstOfPage = {}; // index in `characters` of the first at or above
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TOKENIZER_H
