// What of an answer goes into the history of a conversation, as the checkpoint's chat template has it
// (gemmac/program.h, gemmac_chat).
#ifndef GEMMAC_RUNTIME_HISTORY_H
#define GEMMAC_RUNTIME_HISTORY_H

#include "gemmac/program.h"

#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// Text of which each byte is known to be part of a control token or not: what a model wrote as text stays text.
struct MarkedText {
  std::string text;
  std::string control; ///< '1' for bytes of control tokens, else '0'; as long as `text`

  void append(std::string_view piece, bool isControl);
  MarkedText part(size_t begin, size_t end) const;
  void append(const MarkedText &other);
};

/// A stretch of a MarkedText that is of one kind.
struct MarkedPiece {
  std::string text;
  bool control;
};

/// Without the thoughts that the template leaves out of earlier answers, and trimmed as it does.
MarkedText answerInHistory(const gemmac_chat &chat, MarkedText answer);

/// Whether the last thought in `text` has no end.
bool opensThought(const gemmac_chat &chat, std::string_view text);

std::vector<MarkedPiece> piecesOf(const MarkedText &text);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_HISTORY_H
