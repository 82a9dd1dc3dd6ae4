#include "engine/ThreadPool.h"

#include "base/Clock.h"
#include "base/Text.h"
#include "engine/Processors.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/resource.h>

extern "C" void gemmac_barrier(const gemmac_call *call, int64_t thread) {
  static_cast<gemmac::runtime::ThreadPool *>(call->barrier)->meet(thread);
}

namespace gemmac::runtime {

/// Lets the process's first thread have so much: its stack grows up to the limit of the moment.
static Status raiseOwnLimit(uint64_t stackBytes) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= stackBytes)
    return {};
  limit.rlim_cur = stackBytes;
  if ((limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= stackBytes) && setrlimit(RLIMIT_STACK, &limit) == 0)
    return {};
  return {ExitCode::inputOutput, format("a thread needs %s of stack and may have %s; raise the limit (ulimit -s)",
                                        formatBytes(stackBytes).c_str(), formatBytes(limit.rlim_max).c_str())};
}

/// Of the threads that are started. Their default follows the limit and is 2 MiB where there is none.
static void setStack(pthread_attr_t &attributes, uint64_t stackBytes) {
  size_t usual = 0;
  if (pthread_attr_getstacksize(&attributes, &usual) == 0 && usual < stackBytes)
    pthread_attr_setstacksize(&attributes, stackBytes);
}

Status ThreadPool::start(int64_t threads, uint64_t stackBytes) {
  if (Status status = raiseOwnLimit(stackBytes); !status.ok())
    return status;
  threadCount = threads;
  // More threads than processors: the partner one waits for is probably not running, so leave the processor to it.
  const double patience = threads <= availableCpus() ? 10.0 : 0.2;
  spins = Barrier::spinsFor(patience);
  workers = std::make_unique<Worker[]>(static_cast<size_t>(threads));
  handles.reserve(static_cast<size_t>(threads));
  // Signals go to the calling thread, whose waiting system calls they must interrupt.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error == 0)
    setStack(attributes, stackBytes);
  for (int64_t index = 1; index < threads && error == 0; ++index) {
    workers[static_cast<size_t>(index)].pool = this;
    workers[static_cast<size_t>(index)].index = index;
    pthread_t handle;
    error = pthread_create(&handle, &attributes, work, &workers[static_cast<size_t>(index)]);
    if (error == 0)
      handles.push_back(handle);
  }
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error == 0)
    return {};
  // The threads that did start wait for a signal that nobody will give; the process is about to end.
  for (pthread_t handle : handles)
    pthread_detach(handle);
  const size_t started = handles.size() + 1; // this one included
  handles.clear();
  return {ExitCode::inputOutput, format("cannot start thread %zu of %lld: %s; use fewer (-t)", started + 1,
                                        static_cast<long long>(threads), strerror(error))};
}

ThreadPool::~ThreadPool() {
  running = nullptr;
  for (size_t i = 0; i < handles.size(); ++i)
    workers[i + 1].start.give();
  for (pthread_t handle : handles)
    pthread_join(handle, nullptr);
}

/// All threads decide alike: the first one says before a meeting that it is the last, by its number.
void ThreadPool::meet(int64_t thread) {
  if (!watching) {
    barrier.arrive();
    return;
  }
  if (thread == 0 && !watching->goesOn())
    lastMeeting.store(barrier.next(), std::memory_order_relaxed);
  const uint32_t meeting = barrier.arrive();
  if (lastMeeting.load(std::memory_order_relaxed) == meeting)
    longjmp(workers[static_cast<size_t>(thread)].leave, 1);
}

/// Runs the function, up to its end or to where it is left.
void ThreadPool::enter(int64_t index) {
  if (!watching)
    running(arguments, index);
  else if (setjmp(workers[static_cast<size_t>(index)].leave) == 0)
    running(arguments, index);
}

bool ThreadPool::run(gemmac_function_fn function, gemmac_call &call, int64_t threads, CallWatch *watch) {
  call.threads = threads > 0 ? std::min(threads, threadCount) : threadCount;
  call.barrier = this;
  // Nobody is about to arrive: those who ran before have all arrived, the others sleep.
  barrier.configure(static_cast<uint32_t>(call.threads), spins);
  running = function;
  arguments = &call;
  watching = watch;
  lastMeeting.store(nowhere, std::memory_order_relaxed);
  for (int64_t index = 1; index < call.threads; ++index)
    workers[static_cast<size_t>(index)].start.give();
  enter(0);
  barrier.arrive();
  return lastMeeting.load(std::memory_order_relaxed) == nowhere;
}

void *ThreadPool::work(void *argument) {
  auto &[pool, index, start, leave] = *static_cast<Worker *>(argument);
  for (;;) {
    start.wait(pool->spins);
    if (!pool->running)
      return nullptr;
    pool->enter(index);
    pool->barrier.arrive();
  }
}

static constexpr int barrierBatch = 16;

static void meetOften(const gemmac_call *call, int64_t thread) {
  for (int round = 0; round < barrierBatch; ++round)
    gemmac_barrier(call, thread);
}

double ThreadPool::barrierSeconds(int64_t threads) {
  if (threads <= 1)
    return 0;
  constexpr double enough = 0.3e-3;
  gemmac_call rounds = {};
  run(meetOften, rounds, threads); // wakes them
  std::vector<double> batches;
  for (double total = 0; total < enough;) {
    const double begin = monotonicSeconds();
    run(meetOften, rounds, threads);
    batches.push_back(monotonicSeconds() - begin);
    total += batches.back();
  }
  std::nth_element(batches.begin(), batches.begin() + static_cast<ptrdiff_t>(batches.size() / 2), batches.end());
  return batches[batches.size() / 2] / barrierBatch;
}

} // namespace gemmac::runtime
