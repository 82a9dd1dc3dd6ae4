// The screen is drawn again from the first row of the message, except for what is typed at the end, which is only
// added.
#include "terminal/LineEditor.h"

#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace gemmac::runtime {

static constexpr std::string_view mark = "> ", continuation = "  ";
static constexpr std::string_view hint = "Press Ctrl-C again or type /exit to leave.\n";
static constexpr size_t mostHistory = 1000;

LineEditor::Result LineEditor::read(std::string &message) { return edits ? readEdited(message) : readPlain(message); }

// Reads more bytes into `pending`.
LineEditor::Result LineEditor::fill() {
  char bytes[4096];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN) {
      if (!waitForInput(STDIN_FILENO, true))
        return Result::line;
      continue;
    }
    if (got < 0)
      return errno == EIO ? Result::end : Result::failed; // EIO: the terminal is gone
    pending.append(bytes, static_cast<size_t>(got));
    return got == 0 ? Result::end : Result::line;
  }
}

// ---- plain lines

LineEditor::Result LineEditor::readPlainLine(std::string &text) {
  constexpr size_t longestLine = 4095; // the terminal drops what goes beyond it
  for (;;) {
    if (size_t end = pending.find('\n'); end != pending.npos) {
      text = pending.substr(0, end);
      pending.erase(0, end + 1);
      tooLong = tooLong || text.size() >= longestLine;
      hinted = false;
      clearInterrupt();
      return Result::line;
    }
    if (!waitForInput(STDIN_FILENO, hinted)) {
      dropTyped();
      continue;
    }
    if (Result result = fill(); result == Result::failed || (result == Result::end && pending.empty()))
      return result;
    else if (result == Result::end)
      pending += '\n';
  }
}

LineEditor::Result LineEditor::readPlain(std::string &message) {
  message.clear();
  tooLong = false;
  for (std::string_view begin = mark;; begin = continuation) {
    out.write(begin);
    out.flush();
    std::string text;
    if (Result result = readPlainLine(text); result != Result::line)
      return result;
    const bool more = !text.empty() && text.back() == '\\';
    if (more)
      text.back() = '\n';
    message += text;
    if (!more)
      break;
  }
  if (!tooLong)
    return Result::line;
  notice("a line was cut: the terminal holds 4094 bytes of one; end lines with \\ to go on in the next, or use -p or a "
         "pipe");
  return readPlain(message);
}

// ---- drawing

// Text as the screen shows it, without line breaks.
static void writeShown(Output &out, std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\t'), text.size());
    out.write(text.substr(0, end));
    text.remove_prefix(end);
    if (!text.empty()) {
      out.write(ScreenText::tab);
      text.remove_prefix(1);
    }
  }
}

static void moveBy(Output &out, size_t count, char direction) {
  if (count > 0)
    out.writeCode(format("\x1b[%zu%c", count, direction));
}

// Rows `top` to `end` from where the cursor is, which is the first column.
void LineEditor::drawRows(const ScreenText &screen, size_t end) {
  for (size_t i = top; i < end; ++i) {
    const ScreenText::Row &row = screen.rows[i];
    if (i > top)
      out.write("\n");
    if (row.marked)
      out.write(i == 0 ? mark : continuation);
    writeShown(out, std::string_view(line.text()).substr(row.begin, row.end - row.begin));
  }
}

// The common case: more text at the end. \returns false when it is another.
bool LineEditor::drawAppended(const ScreenText &screen, size_t height) {
  const std::string_view added = std::string_view(line.text()).substr(std::min(shownBytes, line.text().size()));
  if (!appended || top != 0 || screen.rows.size() > height || added.find('\n') != added.npos)
    return false;
  writeShown(out, added);
  if (screen.cursorColumn == 0 && screen.cursorRow > cursorRow)
    out.write("\n"); // the last column is full, and the terminal waits there
  return true;
}

void LineEditor::draw() {
  const ScreenSize size = screenSize();
  const size_t height = std::max(size.rows, 2u) - 1;
  const ScreenText screen(line.text(), line.cursor(), size.columns);
  if (!drawAppended(screen, height)) {
    moveBy(out, cursorRow, 'A');
    out.writeCode("\r\x1b[J");
    const size_t highest = screen.cursorRow + 1 > height ? screen.cursorRow + 1 - height : 0;
    top = std::clamp(top, highest, screen.cursorRow);
    top = std::min(top, screen.rows.size() > height ? screen.rows.size() - height : 0);
    const size_t end = std::min(screen.rows.size(), top + height);
    drawRows(screen, end);
    moveBy(out, end - 1 - screen.cursorRow, 'A');
    out.writeCode("\r");
    moveBy(out, screen.cursorColumn, 'C');
  }
  cursorRow = screen.cursorRow - top;
  shownBytes = line.text().size();
  appended = line.cursor() == shownBytes;
  out.flush();
}

// What follows goes below the message.
void LineEditor::drawAllAndLeave() {
  if (line.cursor() != line.text().size()) {
    line.set(line.text());
    appended = false;
  }
  draw();
  out.write("\n");
  out.flush();
}

// ---- editing

void LineEditor::begin() {
  line.set("");
  typed.clear();
  draft.clear();
  tooLong = false;
  recalled = history.size();
  appended = true;
  shownBytes = top = cursorRow = 0;
  out.write(mark);
  out.flush();
}

// The first Ctrl-C.
void LineEditor::dropTyped() {
  hinted = true;
  tooLong = false;
  pending.clear();
  used = 0;
  keys.reset();
  if (!edits) {
    out.write("\n");
    out.write(hint);
    out.write(mark);
    out.flush();
    return;
  }
  insertTyped();
  drawAllAndLeave();
  out.write(hint);
  begin();
}

// How many bytes at the end of `text` begin a character that is not whole.
static size_t unfinishedBytes(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80)
      continue;
    const size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

void LineEditor::insertTyped() {
  if (typed.empty())
    return;
  appended = appended && line.cursor() == line.text().size();
  tooLong = !line.insert(typed) || tooLong;
  typed.clear();
}

void LineEditor::recall(bool older) {
  if (older ? recalled == 0 : recalled == history.size())
    return;
  if (recalled == history.size())
    draft = line.text();
  recalled = older ? recalled - 1 : recalled + 1;
  line.set(recalled == history.size() ? draft : history[recalled]);
}

// A backslash at the end asks for another line.
bool LineEditor::enterEnds() {
  std::string text = line.text();
  if (text.empty() || text.back() != '\\')
    return true;
  text.back() = '\n';
  line.set(std::move(text));
  return false;
}

void LineEditor::finish(std::string &message) {
  drawAllAndLeave();
  pending.erase(0, used);
  used = 0;
  hinted = false;
  clearInterrupt();
  message = line.text();
  if (message.empty() || (!history.empty() && history.back() == message))
    return;
  if (history.size() == mostHistory)
    history.erase(history.begin());
  history.push_back(message);
}

// \returns end for Ctrl-D on an empty message.
LineEditor::Result LineEditor::handle(Key key) {
  insertTyped();
  appended = false;
  if (key == Key::endOfInput && line.text().empty())
    return Result::end;
  if (key == Key::clearScreen) {
    out.writeCode("\x1b[H\x1b[2J");
    cursorRow = 0;
  } else if (!line.press(key == Key::endOfInput ? Key::remove : key) && (key == Key::up || key == Key::down)) {
    recall(key == Key::up);
  }
  return Result::line;
}

LineEditor::Result LineEditor::readEdited(std::string &message) {
  begin();
  for (;;) {
    while (used < pending.size()) {
      const Key key = keys.push(pending[used++]);
      if (key == Key::text)
        typed += keys.text();
      else if (key == Key::enter && (insertTyped(), enterEnds())) {
        finish(message);
        if (!tooLong)
          return Result::line;
        notice(format("a message may have at most %s; it was not sent", formatBytes(EditLine::mostBytes).c_str()));
        begin();
      } else if (key != Key::none && handle(key) == Result::end)
        return Result::end;
    }
    pending.clear();
    used = 0;
    if (!keys.pasting()) {
      std::string rest = typed.substr(typed.size() - unfinishedBytes(typed));
      typed.resize(typed.size() - rest.size());
      insertTyped();
      typed = std::move(rest);
      draw();
    }
    switch (waitForEvent(STDIN_FILENO, hinted)) {
    case Wait::interrupted:
      dropTyped();
      continue;
    case Wait::continued:
      cursorRow = 0;
      [[fallthrough]];
    case Wait::resized:
      appended = false;
      continue;
    case Wait::ready:
      break;
    }
    if (Result result = fill(); result != Result::line)
      return result;
  }
}

} // namespace gemmac::runtime
