// How many threads a call of a function should have: estimates before the first call, measurements afterwards. No clock
// and no threads in here.
#ifndef GEMMAC_RUNTIME_THREADCHOICE_H
#define GEMMAC_RUNTIME_THREADCHOICE_H

#include "gemmac/program.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gemmac::runtime {

/// What the compiler knows of a call.
struct FunctionWork {
  int64_t weightBytes = 0;  ///< read
  int64_t multiplyAdds = 0; ///< of all rows
  int64_t barriers = 0;

  static FunctionWork of(const gemmac_function &function, int64_t rows) {
    return {function.weight_bytes, function.multiply_adds * rows, function.barriers};
  }
};

/// A number of threads, and what a barrier among them takes.
struct ThreadCost {
  int64_t threads = 1;
  double barrierSeconds = 0;
};

/// Numbers of threads worth a try on so many processors: 1, 2, 4, ... and all.
std::vector<int64_t> threadCandidates(int64_t processors);

/// Whether waiting at barriers could make several threads slower than one. Where even a slow barrier (that of a busy or
/// virtual machine) is little beside what a second thread takes over, the answer is no without a measurement.
bool barriersMatter(const FunctionWork &work, int64_t processors);

/// The candidate that is estimated to take the shortest time. What threads share is the matrices; the rest of a call
/// takes each of them as long as one thread alone.
/// \param costs  not empty
int64_t chooseThreads(const FunctionWork &work, const std::vector<ThreadCost> &costs);

/// Learns from the times of calls which candidate is the quickest. The others are tried again from time to time, so
/// that a machine that becomes busy, or idle, is noticed; what tries cost is at most a hundredth of the time.
class ThreadTuner {
public:
  /// \param candidates  not empty
  /// \param first       one of them, until there is something to compare with
  ThreadTuner(const std::vector<int64_t> &candidates, int64_t first);

  /// Threads for the next call.
  int64_t next() const { return records[trying].threads; }
  /// \param seconds  of that call, per row
  void took(double seconds);

  /// The quickest so far.
  int64_t best() const { return records[chosen].threads; }

  struct Record {
    int64_t threads;
    double seconds = 0; ///< per row, a moving average; 0: never tried
  };
  const std::vector<Record> &measured() const { return records; }

private:
  void learn(double seconds);
  size_t quickest() const;
  void choose(size_t index);
  void endRound();
  bool startTry(size_t from);

  std::vector<Record> records;
  size_t chosen = 0, trying = 0;
  bool warm = false;      // the first call reads its weights from the disk and counts for nothing
  int64_t callsOfTry = 0; // made so far
  double cost = 0;        // seconds per row that the tries of this round took more than the chosen one would have
  int64_t callsToWait;    // before others are tried
  int64_t calm = 1;       // doubles each time that the same one stays the best
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_THREADCHOICE_H
