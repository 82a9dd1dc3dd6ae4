// Finds added tokens in raw text.
#ifndef GEMMAC_RUNTIME_ADDEDTOKENS_H
#define GEMMAC_RUNTIME_ADDEDTOKENS_H

#include "gemmac/tokenizer.h"

#include <array>
#include <span>
#include <string_view>

namespace gemmac::runtime {

/// Views of the tables; open() once, const afterwards. Contents are not trusted: a damaged list finds wrong tokens, but
/// reads nothing outside.
class AddedTokens {
public:
  /// \param list   sorted by spelling, then id
  /// \param texts  what the ends in `list` cut into spellings
  /// \param space  what stands for ' ' in the text that spellings are compared with; empty: ' ' itself
  void open(std::span<const gemmac_token_added> list, std::string_view texts, std::string_view space);

  /// Whether a token may begin with this byte of a text.
  bool mayBegin(char first) const {
    return ranges[static_cast<uint8_t>(first)].begin != ranges[static_cast<uint8_t>(first)].end;
  }

  uint32_t size() const { return static_cast<uint32_t>(list.size()); }
  /// As it is looked for. \param index  below size()
  std::string_view spelling(uint32_t index) const;

  struct Match {
    uint32_t id = GEMMAC_NO_TOKEN;
    size_t bytes = 0; ///< of the text
  };
  /// The longest token that `text` begins with, of those for which `usable(id, bytes)` holds.
  template <typename Usable> Match find(std::string_view text, Usable usable) const;

private:
  struct Range {
    uint32_t begin = 0, end = 0;
    size_t common = 0; ///< bytes that all spellings of the range begin with
  };
  /// Of the tokens in `range`, which agree on the bytes before `place`, those with `byte` there. Does not search as
  /// long as they agree on more.
  Range narrow(Range range, size_t place, char byte) const;

  std::span<const gemmac_token_added> list;
  std::string_view texts, space;
  std::array<Range, 256> ranges; ///< by the first byte of the text
};

template <typename Usable> AddedTokens::Match AddedTokens::find(std::string_view text, Usable usable) const {
  Match best;
  Range range = {0, static_cast<uint32_t>(list.size()), 0};
  size_t length = 0, at = 0; // bytes compared, and where they end in the text
  auto take = [&](char byte) {
    range = length == 0 ? ranges[static_cast<uint8_t>(text[0])] : narrow(range, length, byte);
    ++length;
  };
  while (at < text.size() && range.begin < range.end) {
    if (text[at++] == ' ' && !space.empty())
      for (char byte : space)
        take(byte);
    else
      take(text[at - 1]);
    // The shortest come first.
    for (; range.begin < range.end && spelling(range.begin).size() <= length; ++range.begin)
      if (best.bytes < at && usable(list[range.begin].id, at))
        best = {list[range.begin].id, at};
  }
  return best;
}

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_ADDEDTOKENS_H
