// Messages typed on a terminal: edited where it can, plain lines where it cannot.
#ifndef GEMMAC_RUNTIME_LINEEDITOR_H
#define GEMMAC_RUNTIME_LINEEDITOR_H

#include "base/Files.h"
#include "terminal/EditLine.h"
#include "terminal/Terminal.h"

#include <string>
#include <vector>

namespace gemmac::runtime {

/// Reads one message after the other. While it lives, keys come to it as they are pressed, also those pressed during an
/// answer; what is pasted in one go is part of one message.
class LineEditor {
public:
  enum class Result { line, end, failed };

  /// `out` is standard output and outlives it.
  explicit LineEditor(Output &out) : out(out), edits(keyMode.enter()) {}

  /// Shows "> " and reads a message. A line that ends with a backslash goes on in the next one. The first Ctrl-C drops
  /// what was typed and prints a hint; a second one ends the program in the signal handler.
  /// \returns failed with errno set.
  Result read(std::string &message);

private:
  Result readPlain(std::string &message);
  Result readPlainLine(std::string &line);
  Result readEdited(std::string &message);
  Result fill();

  void begin();
  Result handle(Key key);
  bool enterEnds();
  void finish(std::string &message);
  void recall(bool older);
  void dropTyped();
  void insertTyped();

  void draw();
  void drawRows(const ScreenText &screen, size_t end);
  bool drawAppended(const ScreenText &screen, size_t height);
  void drawAllAndLeave();

  Output &out;
  KeyMode keyMode;
  bool edits;
  std::string pending; // bytes read; those before `used` are done with
  size_t used = 0;
  bool hinted = false; // Ctrl-C was pressed once

  KeyReader keys;
  EditLine line;
  std::string typed;    // text that is not in `line` yet
  bool tooLong = false; // some of it was left out
  std::vector<std::string> history;
  size_t recalled = 0; // place in `history`; its size: the new message
  std::string draft;   // the new message, while an older one is shown

  bool appended = true;  // since it was drawn the text has only grown, at its end, where the cursor was
  size_t shownBytes = 0; // of the text, when it was drawn
  size_t top = 0;        // first row that is drawn
  size_t cursorRow = 0;  // counted from there
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_LINEEDITOR_H
