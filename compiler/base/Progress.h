// Progress on standard error for what takes longer than two seconds: a bar on a terminal, a line every few seconds
// elsewhere.
#ifndef GEMMAC_COMPILER_BASE_PROGRESS_H
#define GEMMAC_COMPILER_BASE_PROGRESS_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace gemmac {

/// Shows one stage at a time, from a thread of its own. All functions may be called from any thread.
class Progress {
public:
  explicit Progress(bool quiet);
  ~Progress();
  /// Begins a stage ("writing code"); the one before is over.
  void stage(std::string name);
  /// How much of the stage is done, in bytes.
  void update(uint64_t done, uint64_t total);
  /// Ends the last stage and clears the line; nothing is shown after this.
  void finish();

private:
  using Clock = std::chrono::steady_clock;
  void run();
  void show(); // under the lock
  void clearLine();

  bool terminal;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false, shown = false;
  std::string name;
  uint64_t done = 0, total = 0;
  Clock::time_point began, lastLine;
  std::thread ticker;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_BASE_PROGRESS_H
