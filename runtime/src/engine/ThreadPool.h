// The group of threads that runs a function of the program together (SPMD).
#ifndef GEMMAC_RUNTIME_THREADPOOL_H
#define GEMMAC_RUNTIME_THREADPOOL_H

#include "base/Status.h"
#include "engine/Barrier.h"
#include "gemmac/call.h"

#include <memory>
#include <pthread.h>
#include <vector>

namespace gemmac::runtime {

/// Threads 1 to size() - 1 wait, asleep after a moment, for run(); the calling thread is thread 0.
class ThreadPool {
public:
  ThreadPool() = default;
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Starts the threads; call once. \returns inputOutput when the system refuses one.
  /// \param stackBytes  of its stack that each may take, the calling one included, whatever the system's limit says.
  Status start(int64_t threads, uint64_t stackBytes = 0);

  int64_t size() const { return threadCount; }

  /// Runs `function` on the first `threads` threads (0: all) and returns when all are done; the others sleep on. Sets
  /// the call's threads and barrier. Does not allocate.
  void run(gemmac_function_fn function, gemmac_call &call, int64_t threads = 0);

  /// Seconds that a barrier of the first `threads` threads takes, 0 for one thread: the median of a few batches of
  /// rounds, which take a third of a millisecond together, or one batch if that takes longer.
  double barrierSeconds(int64_t threads);

private:
  struct Worker {
    ThreadPool *pool = nullptr;
    int64_t index = 0;
    Signal start; ///< given for each run() that this thread takes part in
  };
  static void *work(void *worker);

  int64_t threadCount = 1;
  uint32_t spins = 0;
  Barrier barrier;                      // gemmac_barrier() inside a function, and its end: those take part that run it
  gemmac_function_fn running = nullptr; // null: leave
  const gemmac_call *call = nullptr;
  std::unique_ptr<Worker[]> workers;
  std::vector<pthread_t> handles;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_THREADPOOL_H
