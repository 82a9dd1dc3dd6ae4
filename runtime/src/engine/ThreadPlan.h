// How many threads each call of a program's phases gets, and why.
#ifndef GEMMAC_RUNTIME_THREADPLAN_H
#define GEMMAC_RUNTIME_THREADPLAN_H

#include "engine/ThreadChoice.h"
#include "engine/ThreadPool.h"

#include <optional>
#include <string>

namespace gemmac::runtime {

/// Bits never depend on the number of threads, so it may change from call to call.
class ThreadPlan {
public:
  /// \param asked       threads that the user wants, for every call; 0: the plan decides
  /// \param processors  that may be used, 1 or more; `asked` may be above
  ThreadPlan(const gemmac_program &program, int64_t asked, int64_t processors);

  /// Threads that the pool must have.
  int64_t poolSize() const { return most; }
  /// Measures barriers, at most a third of a millisecond for each candidate, where that matters. Once, before run().
  void measure(ThreadPool &pool);

  /// Runs a phase of the call's rows and learns from the time it took. Does not allocate.
  void run(ThreadPool &pool, gemmac_phase_id phase, gemmac_phase_fn function, gemmac_call &call);

  /// Threads of the next call: with as many rows as the last one had, at first as many as the phase takes.
  int64_t threads(gemmac_phase_id phase) const { return threadsOf(last(phase)); }
  /// Why so many, in some words.
  std::string reason(gemmac_phase_id phase) const;
  /// "2 threads", or "1 thread, 2 for prompts" where decoding and prompts differ.
  std::string describe() const;

private:
  /// Calls whose rows are alike, to a factor of two.
  struct Class {
    PhaseWork work;
    std::optional<ThreadTuner> tuner; ///< absent: all threads
  };
  const Class &last(gemmac_phase_id phase) const { return classes[phase][lastClass[phase]]; }
  int64_t threadsOf(const Class &one) const { return one.tuner ? one.tuner->best() : most; }

  int64_t most;
  bool wasAsked;
  double barrierSeconds = 0; // of all threads; 0: not measured
  std::vector<Class> classes[GEMMAC_PHASE_COUNT];
  size_t lastClass[GEMMAC_PHASE_COUNT] = {};
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_THREADPLAN_H
