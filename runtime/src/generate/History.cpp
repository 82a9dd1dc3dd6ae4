#include "generate/History.h"

#include "base/Text.h"

#include <algorithm>

namespace gemmac::runtime {

void MarkedText::append(std::string_view piece, bool isControl) {
  text += piece;
  control.append(piece.size(), isControl ? '1' : '0');
}

MarkedText MarkedText::part(size_t begin, size_t end) const {
  end = std::min(end, text.size());
  begin = std::min(begin, end);
  return {text.substr(begin, end - begin), control.substr(begin, end - begin)};
}

void MarkedText::append(const MarkedText &other) {
  text += other.text;
  control += other.control;
}

static MarkedText withoutLineBreaks(const gemmac_chat &chat, const MarkedText &text) {
  if (!(chat.flags & GEMMAC_CHAT_DROPS_BREAKS))
    return text;
  return text.part(std::min(text.text.find_first_not_of('\n'), text.text.size()), text.text.size());
}

/// Leaves spans from mark to mark out; what has only one of its marks is left to the flags.
static MarkedText withoutSpans(const gemmac_chat &chat, MarkedText rest) {
  const std::string_view open = chat.thought_open, close = chat.thought_close;
  const bool dropsMarks = chat.flags & GEMMAC_CHAT_DROPS_MARKS;
  MarkedText result;
  for (;;) {
    const size_t all = rest.text.size(), from = rest.text.find(open);
    size_t to = rest.text.find(close);
    if (to < from) { // a close without an open
      result.append(rest.part(0, dropsMarks ? to : to + close.size()));
      rest = rest.part(to + close.size(), all);
      continue;
    }
    result.append(rest.part(0, from));
    if (from == rest.text.npos)
      return result;
    to = rest.text.find(close, from + open.size());
    if (to == rest.text.npos) {
      if (!(chat.flags & GEMMAC_CHAT_DROPS_UNCLOSED))
        result.append(rest.part(from + (dropsMarks ? open.size() : 0), all));
      return result;
    }
    rest = withoutLineBreaks(chat, rest.part(to + close.size(), all));
  }
}

MarkedText answerInHistory(const gemmac_chat &chat, MarkedText answer) {
  const std::string_view close = chat.thought_close;
  if (chat.flags & GEMMAC_CHAT_DROPS_TO_LAST_CLOSE && !close.empty())
    if (size_t at = answer.text.rfind(close); at != answer.text.npos)
      answer = withoutLineBreaks(chat, answer.part(at + close.size(), answer.text.size()));
  if (chat.flags & GEMMAC_CHAT_DROPS_THOUGHTS && !close.empty())
    answer = withoutSpans(chat, std::move(answer));
  if (!(chat.flags & GEMMAC_CHAT_TRIMS_ANSWERS))
    return answer;
  const std::string_view kept = trim(answer.text);
  const auto begin = static_cast<size_t>(kept.empty() ? 0 : kept.data() - answer.text.data());
  return answer.part(begin, begin + kept.size());
}

bool opensThought(const gemmac_chat &chat, std::string_view text) {
  const std::string_view open = chat.thought_open;
  const size_t from = open.empty() ? text.npos : text.rfind(open);
  return from != text.npos && text.find(chat.thought_close, from + open.size()) == text.npos;
}

std::vector<MarkedPiece> piecesOf(const MarkedText &marked) {
  std::vector<MarkedPiece> pieces;
  for (size_t begin = 0, end; begin < marked.text.size(); begin = end) {
    end = std::min(marked.control.find(marked.control[begin] == '1' ? '0' : '1', begin), marked.text.size());
    pieces.push_back({marked.text.substr(begin, end - begin), marked.control[begin] == '1'});
  }
  return pieces;
}

} // namespace gemmac::runtime
