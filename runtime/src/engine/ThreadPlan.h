// How many threads each call of a program's functions gets, and why.
#ifndef GEMMAC_RUNTIME_THREADPLAN_H
#define GEMMAC_RUNTIME_THREADPLAN_H

#include "engine/ThreadChoice.h"
#include "engine/ThreadPool.h"
#include "program/TextFunctions.h"

#include <optional>
#include <string>

namespace gemmac::runtime {

/// Bits never depend on the number of threads, so it may change from call to call.
class ThreadPlan {
public:
  /// \param program     outlives the plan
  /// \param asked       threads that the user wants, for every call; 0: the plan decides
  /// \param processors  that may be used, 1 or more; `asked` may be above
  ThreadPlan(const gemmac_program &program, int64_t asked, int64_t processors);

  /// Threads that the pool must have.
  int64_t poolSize() const { return most; }
  /// Measures barriers, at most a third of a millisecond for each candidate, where that matters. Once, before run().
  void measure(ThreadPool &pool);

  /// Runs `code`, that of a function of the program, and learns from the time it took. Does not allocate.
  /// \returns whether it came to its end, as ThreadPool::run().
  bool run(ThreadPool &pool, const gemmac_function &function, gemmac_function_fn code, gemmac_call &call,
           CallWatch *watch = nullptr);

  /// Threads of the next call: with as many rows as the last one had, at first as many as the function takes.
  int64_t threads(const gemmac_function &function) const { return threadsOf(last(function)); }
  /// Why so many, in some words.
  std::string reason(const gemmac_function &function) const;
  /// "2 threads", or "1 thread, 2 for prompts" where decoding and prompts differ.
  std::string describe(const TextFunctions &text) const;

private:
  /// Calls whose rows are alike, to a factor of two.
  struct Class {
    FunctionWork work;
    std::optional<ThreadTuner> tuner; ///< absent: all threads
  };
  /// The calls of one function.
  struct Calls {
    std::vector<Class> classes;
    size_t last = 0; ///< the class of the last call
  };
  const Class &last(const gemmac_function &function) const {
    const Calls &of = calls[indexOf(functions, function)];
    return of.classes[of.last];
  }
  int64_t threadsOf(const Class &one) const { return one.tuner ? one.tuner->best() : most; }

  std::span<const gemmac_function> functions;
  int64_t most;
  bool wasAsked;
  double barrierSeconds = 0; // of all threads; 0: not measured
  std::vector<Calls> calls;  // by function
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_THREADPLAN_H
