// Compiles a StepProgram for every ISA level of this machine, runs it in the process, and checks what must hold of
// every program: the same bits on all levels (AArch64 included, under qemu) and for any number of threads, nothing
// written outside its memory.
#ifndef GEMMAC_TESTS_UNIT_CPU_HARNESS_H
#define GEMMAC_TESTS_UNIT_CPU_HARNESS_H

#include "StepProgram.h"

#include "targets/TargetBackend.h"

#include "gemmac/call.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac::test {

/// One call of a function. Fewer tokens than rows is an error; `cache` is what the cache of all slots holds before,
/// empty for zeros. Rows are one run from `position` on in slot 0, unless `places` gives each its slot and position.
struct Call {
  int64_t rows = 1, position = 0, threads = 1, slots = 1;
  std::vector<int32_t> tokens;
  std::vector<uint8_t> cache;
  struct Place {
    int32_t slot, position;
  };
  std::vector<Place> places;
  /// What the caller writes into the arena before the call: where, and the bytes.
  std::vector<std::pair<int64_t, std::vector<uint8_t>>> inputs;

  std::vector<gemmac_row> abiRows() const;
  /// The arena before the call: bytes that are NaNs as floats, so that reading them shows, and the inputs.
  std::vector<uint8_t> arena(int64_t bytes) const;
  /// Writes rows of an input, f32 or i32, from the first on.
  template <typename T> void give(const Buffer &buffer, const std::vector<T> &rows) {
    auto *bytes = reinterpret_cast<const uint8_t *>(rows.data());
    inputs.push_back({buffer.offset, {bytes, bytes + rows.size() * sizeof(T)}});
  }
};

/// The longest runs of those rows, in order.
std::vector<gemmac_run> runsOf(const std::vector<gemmac_row> &rows);

/// Tokens first, first + 1, ... for `rows` rows.
Call callOf(int64_t rows, int64_t position = 0, int32_t firstToken = 0);

/// Memory after a call.
struct Memory {
  std::vector<uint8_t> arena, cache;
  const float *floats(const Buffer &buffer, int64_t row) const;
  const int32_t *ints(const Buffer &buffer, int64_t row) const;
  /// Parts of a q8 row.
  const int8_t *values(const Buffer &buffer, int64_t row) const;
  const float *scales(const Buffer &buffer, int64_t row) const;
  const int32_t *biases(const Buffer &buffer, int64_t row) const;
};

/// Objects of all levels of `target`, base first; a failed expectation and an empty list when a stage of compilation
/// fails. Compiled once for all programs of the same text: tests of one case share them.
struct LevelObject {
  std::string level, object;
};
const std::vector<LevelObject> &compileLevels(const StepProgram &program, const TargetBackend &target);
const TargetBackend &targetNamed(const std::string &name);

/// Runs the program on every level that this machine has, with 1, 2 and 3 threads, and the first call also on levels of
/// aarch64-linux under qemu (Cross.h); expects the same bits everywhere.
class Runner {
public:
  explicit Runner(const StepProgram &program);
  ~Runner();
  Memory run(const Call &call);
  /// "avx2", "avx512": what run() runs.
  std::vector<std::string> levels() const;

private:
  struct Loaded;
  const StepProgram &program;
  std::vector<std::unique_ptr<Loaded>> loaded;
  bool crossed = false;
  Memory runOnce(const Loaded &code, const Call &call) const;
  void runCrossed(const Call &call, const Memory &expected);
};

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_HARNESS_H
