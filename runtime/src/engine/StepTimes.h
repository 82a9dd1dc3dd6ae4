// Where the time of a program goes, step by step; for programs compiled with --profile.
#ifndef GEMMAC_RUNTIME_STEPTIMES_H
#define GEMMAC_RUNTIME_STEPTIMES_H

#include "gemmac/abi.h"

#include <string>
#include <vector>

namespace gemmac::runtime {

/// Sums up, per phase and step, the time that the first thread took. Waiting at a barrier is time of the barrier.
class StepTimes {
public:
  explicit StepTimes(const gemmac_program &program);

  /// Around every call of a phase; gemmac_mark() comes in between.
  void begin(gemmac_phase_id phase);
  void end();
  void mark(int64_t step);

  /// Steps that share a kernel, together.
  struct Kernel {
    std::string what;
    int64_t steps = 0;       ///< of one call
    int64_t weightBytes = 0; ///< of one call with one row
    double seconds = 0;      ///< of all calls
  };
  /// Longest first; a last one, "start and end", is what the phase's marks do not cover.
  std::vector<Kernel> kernels(gemmac_phase_id phase) const;
  int64_t calls(gemmac_phase_id phase) const { return phases[phase].calls; }
  double seconds(gemmac_phase_id phase) const { return phases[phase].seconds; }

private:
  struct Phase {
    int64_t calls = 0;
    double seconds = 0;
    std::vector<double> steps;
  };
  const gemmac_program &program;
  Phase phases[GEMMAC_PHASE_COUNT];
  gemmac_phase_id running = GEMMAC_PHASE_DECODE;
  double began = 0, last = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_STEPTIMES_H
