#include "engine/StepTimes.h"

#include "base/Clock.h"

#include <algorithm>

extern "C" void gemmac_mark(const gemmac_call *call, int64_t thread, int64_t step) {
  if (thread == 0 && call->times)
    static_cast<gemmac::runtime::StepTimes *>(call->times)->mark(step);
}

namespace gemmac::runtime {

StepTimes::StepTimes(const gemmac_program &program) : program(program) {
  for (int phase = 0; phase < GEMMAC_PHASE_COUNT; ++phase)
    phases[phase] = {.steps = std::vector<double>(static_cast<size_t>(program.steps[phase].count))};
}

void StepTimes::begin(gemmac_phase_id phase) {
  running = phase;
  began = last = monotonicSeconds();
}

void StepTimes::mark(int64_t step) {
  const double now = monotonicSeconds();
  phases[running].steps[static_cast<size_t>(step)] += now - last;
  last = now;
}

void StepTimes::end() {
  ++phases[running].calls;
  phases[running].seconds += monotonicSeconds() - began;
}

std::vector<StepTimes::Kernel> StepTimes::kernels(gemmac_phase_id phase) const {
  std::vector<Kernel> kernels;
  double covered = 0;
  for (int64_t i = 0; i < program.steps[phase].count; ++i) {
    const gemmac_step &step = program.steps[phase].steps[i];
    auto kernel =
        std::find_if(kernels.begin(), kernels.end(), [&](const Kernel &one) { return one.what == step.what; });
    if (kernel == kernels.end())
      kernel = kernels.insert(kernel, {.what = step.what});
    ++kernel->steps;
    kernel->weightBytes += step.weight_bytes;
    kernel->seconds += phases[phase].steps[static_cast<size_t>(i)];
    covered += phases[phase].steps[static_cast<size_t>(i)];
  }
  std::sort(kernels.begin(), kernels.end(), [](const Kernel &a, const Kernel &b) { return a.seconds > b.seconds; });
  kernels.push_back({.what = "start and end", .seconds = phases[phase].seconds - covered});
  return kernels;
}

} // namespace gemmac::runtime
