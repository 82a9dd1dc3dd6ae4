// Runs a StepProgram's AArch64 levels under qemu-user: the same bits as on this machine are expected.
#ifndef GEMMAC_TESTS_UNIT_CPU_CROSS_H
#define GEMMAC_TESTS_UNIT_CPU_CROSS_H

#include "Harness.h"

namespace gemmac::test {

/// Whether the build found a cross compiler and qemu; without them programs run on this machine only.
bool hasCrossTools();

/// Executables of levels of aarch64-linux, in a directory that is removed at the end: of all for a program with
/// products, whose kernels differ between levels, and with GEMMAC_LONG in the environment; else of one, which follows
/// from the program's text.
class CrossRunner {
public:
  explicit CrossRunner(const StepProgram &program);
  ~CrossRunner();
  size_t levels() const { return executables.size(); }
  const std::string &level(size_t i) const { return executables[i].level; }
  /// A failed expectation and empty memory when the program could not be linked or run.
  Memory run(size_t level, const Call &call) const;

private:
  struct Executable {
    std::string level, path;
  };
  const StepProgram &program;
  std::string directory;
  std::vector<Executable> executables;
};

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_CROSS_H
