#include "engine/ThreadPlan.h"

#include "base/Clock.h"
#include "base/Text.h"

#include <algorithm>
#include <bit>

namespace gemmac::runtime {

/// 0 for one row, 1 for two and three, 2 for four to seven, ...
static size_t classOf(int64_t rows) { return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(rows)) - 1); }

ThreadPlan::ThreadPlan(const gemmac_program &program, int64_t asked, int64_t processors)
    : functions(functionsOf(program)), most(asked > 0 ? asked : processors), wasAsked(asked > 0) {
  for (const gemmac_function &function : functions) {
    Calls &of = calls.emplace_back();
    for (int64_t rows = 1; rows <= function.max_rows; rows *= 2) {
      Class one{FunctionWork::of(function, rows), std::nullopt};
      if (!wasAsked && barriersMatter(one.work, most))
        one.tuner.emplace(threadCandidates(most), 1);
      of.classes.push_back(std::move(one));
    }
    of.last = of.classes.size() - 1;
  }
}

void ThreadPlan::measure(ThreadPool &pool) {
  bool needed = false;
  for (const Calls &of : calls)
    for (const Class &one : of.classes)
      needed = needed || one.tuner.has_value();
  if (!needed)
    return;
  std::vector<ThreadCost> costs;
  for (int64_t threads : threadCandidates(most))
    costs.push_back({threads, pool.barrierSeconds(threads)});
  barrierSeconds = costs.back().barrierSeconds;
  for (Calls &of : calls)
    for (Class &one : of.classes)
      if (one.tuner)
        one.tuner.emplace(threadCandidates(most), chooseThreads(one.work, costs));
}

bool ThreadPlan::run(ThreadPool &pool, const gemmac_function &function, gemmac_function_fn code, gemmac_call &call,
                     CallWatch *watch) {
  Calls &of = calls[indexOf(functions, function)];
  of.last = std::min(classOf(call.row_count), of.classes.size() - 1);
  std::optional<ThreadTuner> &tuner = of.classes[of.last].tuner;
  if (!tuner)
    return pool.run(code, call, most, watch);
  const double begin = monotonicSeconds();
  const bool whole = pool.run(code, call, tuner->next(), watch);
  if (whole)
    tuner->took((monotonicSeconds() - begin) / static_cast<double>(call.row_count));
  return whole;
}

static std::string microseconds(double seconds) { return format("%.3g us", seconds * 1e6); }

std::string ThreadPlan::reason(const gemmac_function &function) const {
  if (wasAsked)
    return "asked for";
  if (most == 1)
    return "one processor to use";
  const Class &one = last(function);
  if (!one.tuner)
    return format("%s of weights and %.3g million multiply-adds outweigh %lld barriers",
                  formatBytes(static_cast<uint64_t>(one.work.weightBytes)).c_str(),
                  static_cast<double>(one.work.multiplyAdds) / 1e6, static_cast<long long>(one.work.barriers));
  std::string measured;
  for (const ThreadTuner::Record &record : one.tuner->measured())
    if (record.seconds > 0)
      measured += format("%s%lld: %s", measured.empty() ? "" : ", ", static_cast<long long>(record.threads),
                         microseconds(record.seconds).c_str());
  if (measured.find(',') != measured.npos)
    return "measured a row with threads " + measured;
  return format("%lld barriers of %s, estimated", static_cast<long long>(one.work.barriers),
                microseconds(barrierSeconds).c_str());
}

std::string ThreadPlan::describe(const TextFunctions &text) const {
  const auto decode = static_cast<long long>(threads(text.decode));
  const auto prefill = static_cast<long long>(threads(text.prefill));
  const std::string count = format("%lld thread%s", decode, decode == 1 ? "" : "s");
  return prefill == decode ? count : count + format(", %lld for prompts", prefill);
}

} // namespace gemmac::runtime
