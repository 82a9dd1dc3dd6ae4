// From the bytes of a terminal to keys.
#ifndef GEMMAC_RUNTIME_KEYS_H
#define GEMMAC_RUNTIME_KEYS_H

#include <string>
#include <string_view>

namespace gemmac::runtime {

enum class Key {
  none, ///< unknown, or not whole yet
  text,
  enter,
  lineBreak, ///< Alt-Enter
  backspace,
  remove,     ///< Delete
  endOfInput, ///< Ctrl-D
  left,
  right,
  up,
  down,
  home,
  end,
  wordLeft,
  wordRight,
  cutToEnd,
  cutToStart,
  cutWord,
  cutNextWord,
  paste, ///< what was cut last
  clearScreen
};

/// Keys of xterm and its likes, as Emacs and readline use them. What is pasted between the marks of bracketed paste is
/// text, line breaks included.
class KeyReader {
public:
  /// The next byte. \returns the key that it completes; text() has the text of Key::text.
  Key push(char byte);
  std::string_view text() const { return typed; }
  /// Inside a paste: nothing needs to be drawn yet.
  bool pasting() const { return inPaste; }
  void reset();

private:
  Key pushPasted(char byte);
  Key textOf(std::string_view bytes);
  static Key controlKey(unsigned char byte);
  Key sequenceKey();

  std::string sequence; // begins with an escape
  std::string typed;
  bool inPaste = false, afterReturn = false;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_KEYS_H
