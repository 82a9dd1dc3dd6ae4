// Work that falls into equal tasks, and who runs them.
#ifndef GEMMAC_RUNTIME_PARALLELFOR_H
#define GEMMAC_RUNTIME_PARALLELFOR_H

#include <cstdint>

namespace gemmac::runtime {

/// Runs tasks side by side. Who holds threads implements it; who has work takes it as an argument.
class ParallelFor {
public:
  /// \param index from 0; tasks share nothing but `data`.
  using Task = void (*)(void *data, int64_t index);

  virtual ~ParallelFor() = default;
  /// Calls `task(data, index)` once for each index below `count`, in any order and on any threads, and returns when all
  /// have returned; what they wrote is then visible to the caller.
  virtual void operator()(int64_t count, Task task, void *data) = 0;
};

/// One task after another, on the calling thread.
class SerialFor final : public ParallelFor {
public:
  void operator()(int64_t count, Task task, void *data) override {
    for (int64_t index = 0; index < count; ++index)
      task(data, index);
  }
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PARALLELFOR_H
