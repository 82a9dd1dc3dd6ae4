// What the system grants this process of the machine: processors, and time on them (the limits of containers).
#ifndef GEMMAC_RUNTIME_PROCESSORS_H
#define GEMMAC_RUNTIME_PROCESSORS_H

#include <cstdint>
#include <limits>
#include <string>

namespace gemmac::runtime {

/// Number of processors that this process may run on.
int64_t availableCpus();

/// Processors' worth of time that this process may use; infinity without a limit, or where /proc is absent or tells
/// nothing. The least of all groups from its own up to the topmost that it can see, in both versions of cgroups:
/// cpu.max, and cpu.cfs_quota_us over cpu.cfs_period_us.
/// \param root  put before every path that is read; for tests
/// Source: kernel documentation, admin-guide/cgroup-v2 and scheduler/sched-bwc; proc_pid_mountinfo(5).
double cpuQuota(const std::string &root = "");

/// Threads for `quota` on `processors`: the quota rounded to the nearest whole number, at least 1. With half a
/// processor more the group stands still for a part of each period and should still be ahead of one thread less.
/// \returns 1 to `processors`
int64_t threadsWithin(double quota, int64_t processors);

struct Processors {
  int64_t allowed = 1;                                    ///< by the affinity of the process (taskset, cpusets)
  double quota = std::numeric_limits<double>::infinity(); ///< as cpuQuota()
  int64_t usable = 1;                                     ///< threads for them

  /// "2 processors", "2 processors, time for 1.5"
  std::string describe() const;
};
Processors findProcessors();

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROCESSORS_H
