// The text of a message while it is edited, and how it lies on the screen.
#ifndef GEMMAC_RUNTIME_EDITLINE_H
#define GEMMAC_RUNTIME_EDITLINE_H

#include "terminal/Keys.h"

#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// UTF-8 text with a cursor between two characters. Bytes that are no characters count as one each. A mark that
/// combines with the character before goes where that one goes.
class EditLine {
public:
  const std::string &text() const { return bytes; }
  size_t cursor() const { return at; }

  void set(std::string text);
  /// At the cursor. \returns false, with nothing changed, when the text would become longer than mostBytes.
  bool insert(std::string_view text);
  /// What a key other than text, Enter and Ctrl-D does. \returns false when it does nothing: no such key, or at an end.
  bool press(Key key);

  static constexpr size_t mostBytes = size_t(4) << 20;

private:
  size_t before(size_t place) const;
  size_t after(size_t place) const;
  size_t lineStart() const;
  size_t lineEnd() const;
  size_t wordBefore() const;
  size_t wordAfter() const;
  bool moveTo(size_t place);
  bool cut(size_t begin, size_t end, bool keep);
  bool moveLine(bool up);

  std::string bytes, kept;
  size_t at = 0;
};

/// Rows of a text on a screen. Each line begins with a mark of two columns; what is wider than the screen goes on in
/// the next row.
struct ScreenText {
  /// What a tab is shown as, wherever it stands.
  static constexpr std::string_view tab = "    ";

  struct Row {
    size_t begin, end; ///< bytes of the text
    bool marked;       ///< begins a line
  };

  ScreenText(std::string_view text, size_t cursor, unsigned columns);

  std::vector<Row> rows;
  size_t cursorRow = 0;
  unsigned cursorColumn = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_EDITLINE_H
