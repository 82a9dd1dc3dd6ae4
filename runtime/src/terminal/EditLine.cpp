#include "terminal/EditLine.h"

#include "base/Text.h"
#include "base/Visible.h"
#include "terminal/TextWidth.h"

#include <algorithm>

namespace gemmac::runtime {

// Of the character at the start of `text`, which is not empty.
static size_t characterBytes(std::string_view text) {
  uint32_t c = 0;
  const unsigned length = decodeUtf8(text, c);
  return length ? length : 1;
}

static bool combines(std::string_view text) {
  uint32_t c = 0;
  return decodeUtf8(text, c) > 0 && c >= 0x80 && columnsOf(c) == 0;
}

static bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n'; }

void EditLine::set(std::string text) {
  bytes = std::move(text);
  at = bytes.size();
}

bool EditLine::insert(std::string_view text) {
  if (text.size() > mostBytes - bytes.size())
    return false;
  bytes.insert(at, text);
  at += text.size();
  return true;
}

size_t EditLine::before(size_t place) const {
  while (place > 0) {
    size_t start = place - 1; // the character that ends here is at most four bytes long
    for (size_t back = 1; back < 4 && back < place; ++back)
      if (characterBytes(std::string_view(bytes).substr(place - 1 - back)) == back + 1)
        start = place - 1 - back;
    place = start;
    if (!combines(std::string_view(bytes).substr(place)))
      break;
  }
  return place;
}

size_t EditLine::after(size_t place) const {
  const std::string_view text = bytes;
  if (place < text.size())
    place += characterBytes(text.substr(place));
  while (place < text.size() && combines(text.substr(place)))
    place += characterBytes(text.substr(place));
  return place;
}

size_t EditLine::lineStart() const { return at == 0 ? 0 : bytes.rfind('\n', at - 1) + 1; } // npos + 1 is 0

size_t EditLine::lineEnd() const { return std::min(bytes.find('\n', at), bytes.size()); }

size_t EditLine::wordBefore() const {
  size_t place = at;
  while (place > 0 && isSpace(bytes[place - 1]))
    --place;
  while (place > 0 && !isSpace(bytes[place - 1]))
    --place;
  return place;
}

size_t EditLine::wordAfter() const {
  size_t place = at;
  while (place < bytes.size() && isSpace(bytes[place]))
    ++place;
  while (place < bytes.size() && !isSpace(bytes[place]))
    ++place;
  return place;
}

bool EditLine::moveTo(size_t place) {
  const bool moved = place != at;
  at = place;
  return moved;
}

bool EditLine::cut(size_t begin, size_t end, bool keep) {
  if (begin == end)
    return false;
  if (keep)
    kept = bytes.substr(begin, end - begin);
  bytes.erase(begin, end - begin);
  at = begin;
  return true;
}

// To the line above or below, as many characters from its start.
bool EditLine::moveLine(bool up) {
  const size_t start = lineStart(), end = lineEnd();
  if (up ? start == 0 : end == bytes.size())
    return false;
  size_t column = 0;
  for (size_t place = start; place < at; place = after(place))
    ++column;
  size_t place = end + 1;
  if (up)
    place = start == 1 ? 0 : bytes.rfind('\n', start - 2) + 1;
  for (; column > 0 && place < bytes.size() && bytes[place] != '\n'; --column)
    place = after(place);
  return moveTo(place);
}

bool EditLine::press(Key key) {
  switch (key) {
  case Key::backspace:
    return cut(before(at), at, false);
  case Key::remove:
    return cut(at, after(at), false);
  case Key::left:
    return moveTo(before(at));
  case Key::right:
    return moveTo(after(at));
  case Key::up:
    return moveLine(true);
  case Key::down:
    return moveLine(false);
  case Key::home:
    return moveTo(lineStart());
  case Key::end:
    return moveTo(lineEnd());
  case Key::wordLeft:
    return moveTo(wordBefore());
  case Key::wordRight:
    return moveTo(wordAfter());
  case Key::cutToEnd:
    return cut(at, lineEnd(), true);
  case Key::cutToStart:
    return cut(lineStart(), at, true);
  case Key::cutWord:
    return cut(wordBefore(), at, true);
  case Key::cutNextWord:
    return cut(at, wordAfter(), true);
  case Key::paste:
    return !kept.empty() && insert(kept);
  case Key::lineBreak:
    return insert("\n");
  default:
    return false;
  }
}

// Columns of the character at the start of `text` as Output shows it, and its bytes in `taken`.
static unsigned shownColumns(std::string_view text, size_t &taken) {
  uint32_t c = 0;
  const size_t length = decodeUtf8(text, c);
  if (length > 0 && visiblePrefix(text.substr(0, length)) > 0) {
    taken = length;
    return c == '\t' ? ScreenText::tab.size() : c < 0x80 ? 1 : columnsOf(c);
  }
  char shown[visibleBytes];
  const std::string_view as = showCharacter(text.substr(0, std::max<size_t>(length, 1)), taken, shown);
  return as.front() == '^' || as.front() == '<' ? static_cast<unsigned>(as.size()) : 1; // else U+FFFD
}

ScreenText::ScreenText(std::string_view text, size_t cursor, unsigned columns) {
  constexpr unsigned mark = 2;
  columns = std::max(columns, 16u); // room for everything that a character may be shown as
  rows.push_back({0, 0, true});
  unsigned column = mark;
  auto nextRow = [&](size_t at, bool marked) {
    rows.push_back({at, at, marked});
    column = marked ? mark : 0;
  };
  for (size_t at = 0;;) {
    size_t taken = 0;
    const bool ends = at == text.size(), breaks = !ends && text[at] == '\n';
    // The cursor needs a place, too.
    const unsigned width = ends || breaks ? at == cursor : shownColumns(text.substr(at), taken);
    if (column + width > columns)
      nextRow(at, false);
    if (at == cursor) {
      cursorRow = rows.size() - 1;
      cursorColumn = column;
    }
    if (ends)
      return;
    if (breaks) {
      nextRow(++at, true);
      continue;
    }
    at += taken;
    column += width;
    rows.back().end = at;
  }
}

} // namespace gemmac::runtime
