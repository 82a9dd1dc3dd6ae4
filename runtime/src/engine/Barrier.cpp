#include "engine/Barrier.h"

#include <algorithm>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gemmac::runtime {

static void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("isb"); // "yield" is a no-op on most cores; isb waits about as long as x86's pause
#endif
}

// The futex calls themselves: std::atomic::wait of libstdc++ 12 adds a spin of its own and a global waiter table.
static long futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  static_assert(sizeof(word) == sizeof(uint32_t));
  return syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), operation | FUTEX_PRIVATE_FLAG, value, nullptr,
                 nullptr, 0);
}

void Barrier::configure(uint32_t threadCount, uint32_t spinCount) {
  threads = threadCount;
  spins = spinCount;
}

uint32_t Barrier::arrive() {
  if (threads == 1)
    return next();
  const uint32_t group = threads, looks = spins; // configure() may be called while this thread is on its way out
  // Cannot advance before this thread has arrived, so a relaxed read sees the current value.
  const uint32_t current = epoch.load(std::memory_order_relaxed);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == group) {
    arrived.store(0, std::memory_order_relaxed);
    // Sequentially consistent, as is the sleepers' count: either this thread sees the sleeper, or the sleeper (or the
    // kernel, on its behalf) sees the new epoch.
    epoch.store(current + 1);
    if (sleepers.load() != 0)
      futex(epoch, FUTEX_WAKE, INT_MAX);
    return current;
  }
  for (uint32_t i = 0; i < looks; ++i) {
    if (epoch.load(std::memory_order_acquire) != current)
      return current;
    pause();
  }
  sleepers.fetch_add(1);
  while (epoch.load() == current)
    futex(epoch, FUTEX_WAIT, current);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
  return current;
}

// The values of a signal's state.
static constexpr uint32_t nothing = 0, given = 1, asleep = 2;

void Signal::give() {
  if (state.exchange(given, std::memory_order_acq_rel) == asleep)
    futex(state, FUTEX_WAKE, 1);
}

void Signal::wait(uint32_t spins) {
  for (uint32_t i = 0; i < spins && state.load(std::memory_order_acquire) != given; ++i)
    pause();
  uint32_t expected = nothing;
  if (state.compare_exchange_strong(expected, asleep, std::memory_order_acq_rel))
    while (state.load(std::memory_order_acquire) != given)
      futex(state, FUTEX_WAIT, asleep);
  state.store(nothing, std::memory_order_release);
}

uint32_t Barrier::spinsFor(double microseconds) {
  constexpr uint32_t probe = 512;
  auto nanoseconds = [] {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  };
  std::atomic<uint32_t> word{0};
  double best = 1e9; // the shortest of three: being preempted meanwhile would make it too long
  for (int attempt = 0; attempt < 3; ++attempt) {
    double start = nanoseconds();
    for (uint32_t i = 0; i < probe && word.load(std::memory_order_acquire) == 0; ++i)
      pause();
    best = std::min(best, (nanoseconds() - start) / probe);
  }
  return static_cast<uint32_t>(std::clamp(microseconds * 1000 / std::max(best, 0.1), 1.0, 100000.0));
}

} // namespace gemmac::runtime
