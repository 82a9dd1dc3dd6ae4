// Calls of the functions that Halide made: what they are told besides their arguments, and how memory is described.
#ifndef GEMMAC_RUNTIME_KERNELCALL_H
#define GEMMAC_RUNTIME_KERNELCALL_H

#include "base/ParallelFor.h"
#include "base/Status.h"

#include <HalideRuntime.h>
#include <array>
#include <atomic>
#include <string>

namespace gemmac::runtime {

/// Goes through a function as its user_context, to the hooks of HalideHooks.cpp.
class KernelCall {
public:
  explicit KernelCall(ParallelFor &threads) : threads(threads) {}

  /// Runs the tasks of a parallel loop. \returns 0, or what a task that failed returned.
  int run(halide_task_t task, int first, int count, uint8_t *closure);

  /// Keeps the first error. Any thread may call it.
  void fail(ExitCode code, std::string text);

  /// After the call: success, or the first error. \param result what the function returned. \param what names it.
  Status status(int result, const char *what) const;

private:
  ParallelFor &threads;
  std::atomic<bool> failed = false;
  ExitCode code = ExitCode::internal;
  std::string text;
};

/// Memory as Halide's functions take it: dimensions from the innermost on, each from 0, dense unless strides are given.
template <typename T, size_t rank> class KernelBuffer {
public:
  KernelBuffer(const T *data, std::array<int64_t, rank> extents) : KernelBuffer(data, extents, denseStrides(extents)) {}
  KernelBuffer(const T *data, std::array<int64_t, rank> extents, std::array<int64_t, rank> strides) {
    for (size_t i = 0; i < rank; ++i)
      dimensions[i] = {0, static_cast<int32_t>(extents[i]), static_cast<int32_t>(strides[i])};
    buffer.host = reinterpret_cast<uint8_t *>(const_cast<T *>(data));
    buffer.type = halide_type_of<T>();
    buffer.dimensions = rank;
    buffer.dim = dimensions.data();
  }
  KernelBuffer(const KernelBuffer &) = delete;
  KernelBuffer &operator=(const KernelBuffer &) = delete;

  operator halide_buffer_t *() { return &buffer; }

private:
  static std::array<int64_t, rank> denseStrides(const std::array<int64_t, rank> &extents) {
    std::array<int64_t, rank> strides;
    int64_t stride = 1;
    for (size_t i = 0; i < rank; ++i) {
      strides[i] = stride;
      stride *= extents[i];
    }
    return strides;
  }

  std::array<halide_dimension_t, rank> dimensions;
  halide_buffer_t buffer = {};
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_KERNELCALL_H
