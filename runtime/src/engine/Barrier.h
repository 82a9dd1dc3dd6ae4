// How threads wait for each other: they spin briefly, then sleep on a futex.
#ifndef GEMMAC_RUNTIME_BARRIER_H
#define GEMMAC_RUNTIME_BARRIER_H

#include <atomic>
#include <cstdint>

namespace gemmac::runtime {

/// Everything that a thread of the group wrote before arrive() is visible to all of them after it.
class Barrier {
public:
  /// \param threads size of the group, at least 1.
  /// \param spins   how often a waiting thread looks before it sleeps. A preempted partner makes spinning useless, so
  ///                a few microseconds' worth is enough; see spinsFor().
  /// Call only while nobody is about to arrive; threads may still be on their way out.
  void configure(uint32_t threads, uint32_t spins);

  /// Returns when all threads of the group have called it. No-op for a group of one.
  /// \returns what next() was before: the same for all that meet, and never that of the meeting before or after.
  uint32_t arrive();

  /// The number of the meeting that the calling thread, one of the group, comes to next.
  uint32_t next() const { return epoch.load(std::memory_order_relaxed); }

  /// How many looks take about `microseconds` on this machine.
  static uint32_t spinsFor(double microseconds);

private:
  uint32_t threads = 1, spins = 0;
  alignas(64) std::atomic<uint32_t> arrived{0};
  alignas(64) std::atomic<uint32_t> epoch{0}; // raised by the last to arrive; the futex word
  alignas(64) std::atomic<uint32_t> sleepers{0};
};

/// One thread waits until another one gives the signal. A signal that nobody waits for yet is kept; the
/// next one is given only after that.
class Signal {
public:
  /// Everything written before is visible to the thread that waits.
  void give();
  /// \param spins as for a barrier
  void wait(uint32_t spins);
  /// Whether the last signal was waited for.
  bool taken() const { return state.load() != 1; }

private:
  alignas(64) std::atomic<uint32_t> state{0};
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_BARRIER_H
