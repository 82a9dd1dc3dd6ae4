// The time, for measuring.
#ifndef GEMMAC_RUNTIME_CLOCK_H
#define GEMMAC_RUNTIME_CLOCK_H

#include <ctime>

namespace gemmac::runtime {

/// Seconds of a clock that only goes forward. Takes some 30 ns: the system answers without a call into the kernel.
inline double monotonicSeconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CLOCK_H
