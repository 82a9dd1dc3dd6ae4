#include "compiler/base/Progress.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <unistd.h>

namespace gemmac {

constexpr std::chrono::seconds quietTime{2}, linePeriod{5};
constexpr std::chrono::milliseconds barPeriod{200};

// One that obeys the codes with which a bar is drawn over itself.
static bool isTerminal() {
  const char *name = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && !(name && llvm::StringRef(name) == "dumb");
}

Progress::Progress(bool quiet) : terminal(isTerminal()), over(quiet) {
  if (!quiet)
    ticker = std::thread([this] { run(); });
}

Progress::~Progress() { finish(); }

void Progress::stage(std::string newName) {
  std::lock_guard lock(mutex);
  clearLine();
  name = std::move(newName);
  done = total = 0;
  began = lastLine = Clock::now();
}

void Progress::update(uint64_t newDone, uint64_t newTotal) {
  std::lock_guard lock(mutex);
  done = newDone;
  total = newTotal;
}

void Progress::finish() {
  {
    std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_all();
  if (ticker.joinable())
    ticker.join();
  clearLine();
}

void Progress::run() {
  std::unique_lock lock(mutex);
  while (!changed.wait_for(lock, barPeriod, [this] { return over; }))
    if (!name.empty() && Clock::now() - began >= quietTime)
      show();
}

void Progress::show() {
  Clock::time_point now = Clock::now();
  if (!terminal && now - lastLine < linePeriod)
    return;
  lastLine = now;
  double seconds = std::chrono::duration<double>(now - began).count();
  std::string line = llvm::formatv("gemmac: {0}, {1:F0} s", name, seconds).str();
  if (total > 0) {
    double part = static_cast<double>(done) / static_cast<double>(total);
    line += llvm::formatv(", {0:F0} of {1:F0} MB", static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6);
    if (done > 0)
      line += llvm::formatv(", {0:F0} s left", seconds / part - seconds);
    if (terminal) {
      auto filled = static_cast<size_t>(part * 24);
      line += " [" + std::string(filled, '#') + std::string(24 - filled, '.') + "]";
    }
  }
  llvm::errs() << (terminal ? "\r\033[K" : "") << line << (terminal ? "" : "\n");
  shown = terminal;
}

void Progress::clearLine() {
  if (shown)
    llvm::errs() << "\r\033[K";
  shown = false;
}

} // namespace gemmac
