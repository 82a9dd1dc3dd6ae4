// The group of threads that runs a function of the program together (SPMD).
#ifndef GEMMAC_RUNTIME_THREADPOOL_H
#define GEMMAC_RUNTIME_THREADPOOL_H

#include "base/Status.h"
#include "engine/Barrier.h"
#include "gemmac/call.h"

#include <csetjmp>
#include <memory>
#include <pthread.h>
#include <vector>

namespace gemmac::runtime {

/// Looks after a call of a function that may take long.
class CallWatch {
public:
  virtual ~CallWatch() = default;
  /// Called on the calling thread, each time all threads are about to meet. \returns false to give the call up.
  virtual bool goesOn() = 0;
};

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
  /// \param watch  null: nobody looks. Else the function is left at a barrier, by longjmp(), once it wants that: for
  ///               emitted code, which has nothing to destroy, and calls of which nothing half done remains.
  /// \returns whether the function came to its end.
  bool run(gemmac_function_fn function, gemmac_call &call, int64_t threads = 0, CallWatch *watch = nullptr);

  /// What gemmac_barrier() does.
  void meet(int64_t thread);

  /// Seconds that a barrier of the first `threads` threads takes, 0 for one thread: the median of a few batches of
  /// rounds, which take a third of a millisecond together, or one batch if that takes longer.
  double barrierSeconds(int64_t threads);

private:
  static constexpr uint64_t nowhere = ~uint64_t(0);
  struct Worker {
    ThreadPool *pool = nullptr;
    int64_t index = 0;
    Signal start;  ///< given for each run() that this thread takes part in
    jmp_buf leave; ///< out of the function, where somebody watches
  };
  static void *work(void *worker);
  void enter(int64_t index);

  int64_t threadCount = 1;
  uint32_t spins = 0;
  Barrier barrier;                      // gemmac_barrier() inside a function, and its end: those take part that run it
  gemmac_function_fn running = nullptr; // null: leave
  const gemmac_call *arguments = nullptr;
  CallWatch *watching = nullptr;
  std::atomic<uint64_t> lastMeeting{nowhere}; // behind which all threads leave the function
  std::unique_ptr<Worker[]> workers;
  std::vector<pthread_t> handles;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_THREADPOOL_H
