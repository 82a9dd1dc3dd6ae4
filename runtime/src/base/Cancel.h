// Asking work to stop.
#ifndef GEMMAC_RUNTIME_CANCEL_H
#define GEMMAC_RUNTIME_CANCEL_H

#include <atomic>

namespace gemmac::runtime {

/// One for each piece of work that can be stopped apart from others. Whoever works looks at it between calls of the
/// model, and in the middle of those alone that leave nothing half done (Engine::run()). Safe from any thread and in a
/// signal handler.
class Cancel {
public:
  /// \returns whether this is the first time since clear().
  bool request() { return !asked.exchange(true); }
  bool requested() const { return asked.load(std::memory_order_relaxed); }
  void clear() { asked.store(false); }

private:
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");
  std::atomic<bool> asked{false};
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CANCEL_H
