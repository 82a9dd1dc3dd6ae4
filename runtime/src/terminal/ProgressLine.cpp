#include "terminal/ProgressLine.h"

#include "base/Clock.h"
#include "base/Files.h"
#include "base/Notice.h"
#include "base/Text.h"
#include "base/Visible.h"
#include "terminal/Terminal.h"

#include <unistd.h>
#include <utility>

namespace gemmac::runtime {

static constexpr double pace = 0.2; // seconds between two changes of the line

ProgressLine::ProgressLine(std::string what, double patience)
    : what(std::move(what)), patience(patience), shows(obeysCodes(STDERR_FILENO)) {}

void ProgressLine::reached(int64_t done, int64_t all) {
  if (!shows)
    return;
  const double now = monotonicSeconds();
  if (began == 0) {
    began = now;
    next = now + patience;
  }
  if (now < next)
    return;
  next = now + pace;
  show(done, all);
}

void ProgressLine::show(int64_t done, int64_t all) {
  const auto percent = static_cast<long long>(all > 0 ? done * 100 / all : 0);
  const std::string line = format("%s: %s, %lld %%; Ctrl-C stops it", programName(), what.c_str(), percent);
  (void)writeFully(STDERR_FILENO, "\r" + visibleLine(line) + "\x1b[K"); // who cannot be told is not told
  shown = true;
}

void ProgressLine::ended() {
  if (shown)
    (void)writeFully(STDERR_FILENO, "\r\x1b[K");
  shown = false;
  began = 0;
}

} // namespace gemmac::runtime
