#include "ThreadPool.h"

#include "Text.h"

#include <csignal>
#include <cstring>
#include <sched.h>
#include <unistd.h>

extern "C" void gemmac_barrier(const gemmac_call *call, int64_t) {
  static_cast<gemmac::runtime::Barrier *>(call->barrier)->arrive();
}

namespace gemmac::runtime {

int64_t availableCpus() {
  constexpr int limit = 8192;
  cpu_set_t set[limit / CPU_SETSIZE];
  if (sched_getaffinity(0, sizeof(set), set) == 0)
    return CPU_COUNT_S(sizeof(set), set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? online : 1;
}

Status ThreadPool::start(int64_t threads) {
  threadCount = threads;
  // More threads than processors: the partner one waits for is probably not running, so leave the processor to it.
  const double patience = threads <= availableCpus() ? 10.0 : 0.2;
  barrier.configure(static_cast<uint32_t>(threads), Barrier::spinsFor(patience));
  workers = std::make_unique<Worker[]>(static_cast<size_t>(threads));
  handles.reserve(static_cast<size_t>(threads));
  // Signals go to the calling thread, whose waiting system calls they must interrupt.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  for (int64_t index = 1; index < threads && error == 0; ++index) {
    workers[static_cast<size_t>(index)] = {this, index};
    pthread_t handle;
    error = pthread_create(&handle, nullptr, work, &workers[static_cast<size_t>(index)]);
    if (error == 0)
      handles.push_back(handle);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error == 0)
    return {};
  // The threads that did start wait at a barrier which nobody will complete; the process is about to end.
  for (pthread_t handle : handles)
    pthread_detach(handle);
  const size_t started = handles.size() + 1; // this one included
  handles.clear();
  return {ExitCode::inputOutput, format("cannot start thread %zu of %lld: %s; use fewer (-t)", started + 1,
                                        static_cast<long long>(threads), strerror(error))};
}

ThreadPool::~ThreadPool() {
  if (handles.empty())
    return;
  phase = nullptr;
  barrier.arrive();
  for (pthread_t handle : handles)
    pthread_join(handle, nullptr);
}

void ThreadPool::run(gemmac_phase_fn function, gemmac_call &arguments) {
  arguments.threads = threadCount;
  arguments.barrier = &barrier;
  phase = function;
  call = &arguments;
  barrier.arrive();
  function(&arguments, 0);
  barrier.arrive();
}

void *ThreadPool::work(void *argument) {
  auto [pool, index] = *static_cast<Worker *>(argument);
  for (;;) {
    pool->barrier.arrive();
    if (!pool->phase)
      return nullptr;
    pool->phase(pool->call, index);
    pool->barrier.arrive();
  }
}

} // namespace gemmac::runtime
