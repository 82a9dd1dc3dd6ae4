#include "engine/StepTimes.h"

#include "base/Clock.h"

#include <algorithm>

extern "C" void gemmac_mark(const gemmac_call *call, int64_t thread, int64_t step) {
  if (thread == 0 && call->times)
    static_cast<gemmac::runtime::StepTimes *>(call->times)->mark(step);
}

namespace gemmac::runtime {

StepTimes::StepTimes(const gemmac_program &program) : functions(functionsOf(program)) {
  for (const gemmac_function &function : functions)
    times.push_back({.steps = std::vector<double>(static_cast<size_t>(function.steps.count))});
}

void StepTimes::begin(const gemmac_function &function) {
  running = &times[indexOf(functions, function)];
  began = last = monotonicSeconds();
}

void StepTimes::mark(int64_t step) {
  const double now = monotonicSeconds();
  running->steps[static_cast<size_t>(step)] += now - last;
  last = now;
}

void StepTimes::end() {
  ++running->calls;
  running->seconds += monotonicSeconds() - began;
}

std::vector<StepTimes::Kernel> StepTimes::kernels(const gemmac_function &function) const {
  const Times &taken = times[indexOf(functions, function)];
  std::vector<Kernel> kernels;
  double covered = 0;
  for (int64_t i = 0; i < function.steps.count; ++i) {
    const gemmac_step &step = function.steps.steps[i];
    const double seconds = taken.steps[static_cast<size_t>(i)];
    auto kernel =
        std::find_if(kernels.begin(), kernels.end(), [&](const Kernel &one) { return one.what == step.what; });
    if (kernel == kernels.end())
      kernel = kernels.insert(kernel, {.what = step.what});
    ++kernel->steps;
    kernel->weightBytes += step.weight_bytes;
    kernel->seconds += seconds;
    covered += seconds;
  }
  std::sort(kernels.begin(), kernels.end(), [](const Kernel &a, const Kernel &b) { return a.seconds > b.seconds; });
  kernels.push_back({.what = "start and end", .seconds = taken.seconds - covered});
  return kernels;
}

} // namespace gemmac::runtime
