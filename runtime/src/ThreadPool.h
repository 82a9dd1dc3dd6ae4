// The group of threads that runs a phase function together (SPMD).
#ifndef GEMMAC_RUNTIME_THREADPOOL_H
#define GEMMAC_RUNTIME_THREADPOOL_H

#include "Barrier.h"
#include "Status.h"
#include "gemmac/abi.h"

#include <memory>
#include <pthread.h>
#include <vector>

namespace gemmac::runtime {

/// Number of processors that this process may run on.
int64_t availableCpus();

/// Threads 1 to size() - 1 wait, asleep after a moment, for run(); the calling thread is thread 0.
class ThreadPool {
public:
  ThreadPool() = default;
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Starts the threads; call once. \returns inputOutput when the system refuses one.
  Status start(int64_t threads);

  int64_t size() const { return threadCount; }

  /// Runs `phase` on all threads and returns when all are done. Sets the call's threads and barrier. Does not allocate.
  void run(gemmac_phase_fn phase, gemmac_call &call);

private:
  struct Worker {
    ThreadPool *pool;
    int64_t index;
  };
  static void *work(void *worker);

  int64_t threadCount = 1;
  Barrier barrier; // starts a phase, is gemmac_barrier() inside it, and ends it: all threads take part each time
  gemmac_phase_fn phase = nullptr; // null: leave
  const gemmac_call *call = nullptr;
  std::unique_ptr<Worker[]> workers;
  std::vector<pthread_t> handles;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_THREADPOOL_H
