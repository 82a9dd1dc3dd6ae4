#include "terminal/Terminal.h"

#include "base/Files.h"
#include "base/Signals.h"

#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace gemmac::runtime {

static constexpr std::string_view markPastes = "\x1b[?2004h", pastesAsKeys = "\x1b[?2004l";

// For signal handlers, which get no arguments. Written only while none can use them.
static termios found, keys;

bool obeysCodes(int fd) {
  const char *name = getenv("TERM");
  return isatty(fd) && !(name && std::string_view(name) == "dumb");
}

bool obeysCodes() { return obeysCodes(STDOUT_FILENO); }

bool showsStyles() {
  const char *without = getenv("NO_COLOR");
  return obeysCodes() && !(without && *without);
}

ScreenSize screenSize() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return {80, 24};
  return {size.ws_col, size.ws_row ? size.ws_row : 24u};
}

static void say(std::string_view code) {
  if (::write(STDOUT_FILENO, code.data(), code.size()) < 0)
    return; // a terminal that is gone has no modes
}

static void giveBack() {
  say(pastesAsKeys);
  tcsetattr(STDIN_FILENO, TCSANOW, &found);
}

static void take() {
  tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  say(markPastes);
}

bool KeyMode::enter() {
  if (!obeysCodes() || tcgetattr(STDIN_FILENO, &found) != 0)
    return false;
  keys = found;
  // Lines are ours: the system's own hold 4095 bytes and lose the rest. IEXTEN has keys that we know otherwise.
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ECHONL | IEXTEN);
  keys.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | ISTRIP);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &keys) != 0)
    return false;
  modesOnSignal(giveBack, take);
  say(markPastes);
  entered = true;
  return true;
}

void KeyMode::leave() {
  if (!entered)
    return;
  entered = false;
  modesOnSignal(nullptr, nullptr);
  giveBack();
}

} // namespace gemmac::runtime
