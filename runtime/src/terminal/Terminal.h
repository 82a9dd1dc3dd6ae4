// What the terminal can do, and its modes while a chat reads keys.
#ifndef GEMMAC_RUNTIME_TERMINAL_H
#define GEMMAC_RUNTIME_TERMINAL_H

namespace gemmac::runtime {

/// `fd` is a terminal that obeys escape sequences: any but TERM=dumb.
bool obeysCodes(int fd);
/// Standard output is.
bool obeysCodes();
/// It may also be shown styles: NO_COLOR is not set (https://no-color.org).
bool showsStyles();

struct ScreenSize {
  unsigned columns, rows;
};
/// Of the terminal on standard output; 80 x 24 where it does not tell.
ScreenSize screenSize();

/// The terminal on standard input hands over keys as they are pressed, of any number, and marks what is pasted
/// (bracketed paste). Keys that send signals still do. One at a time in a process; signals that end or stop the program
/// give the modes back.
class KeyMode {
public:
  KeyMode() = default;
  ~KeyMode() { leave(); }
  KeyMode(const KeyMode &) = delete;
  KeyMode &operator=(const KeyMode &) = delete;

  /// \returns false, with nothing changed, when standard input or output is no terminal that can.
  bool enter();
  void leave();

private:
  bool entered = false;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TERMINAL_H
