// Where the time of a program goes, step by step; for programs compiled with --profile.
#ifndef GEMMAC_RUNTIME_STEPTIMES_H
#define GEMMAC_RUNTIME_STEPTIMES_H

#include "program/TextFunctions.h"

#include <string>
#include <vector>

namespace gemmac::runtime {

/// Sums up, per function and step, the time that the first thread took. Waiting at a barrier is time of the barrier.
class StepTimes {
public:
  /// `program` outlives it.
  explicit StepTimes(const gemmac_program &program);

  /// Around every call of a function of the program; gemmac_mark() comes in between.
  void begin(const gemmac_function &function);
  void end();
  void mark(int64_t step);

  /// Steps that share a kernel, together.
  struct Kernel {
    std::string what;
    int64_t steps = 0;       ///< of one call
    int64_t weightBytes = 0; ///< of one call with one row
    double seconds = 0;      ///< of all calls
  };
  /// Longest first; a last one, "start and end", is what the function's marks do not cover.
  std::vector<Kernel> kernels(const gemmac_function &function) const;
  int64_t calls(const gemmac_function &function) const { return times[indexOf(functions, function)].calls; }
  double seconds(const gemmac_function &function) const { return times[indexOf(functions, function)].seconds; }

private:
  struct Times {
    int64_t calls = 0;
    double seconds = 0;
    std::vector<double> steps;
  };
  std::span<const gemmac_function> functions;
  std::vector<Times> times; // by function
  Times *running = nullptr;
  double began = 0, last = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_STEPTIMES_H
