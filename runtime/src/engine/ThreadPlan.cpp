#include "engine/ThreadPlan.h"

#include "base/Clock.h"
#include "base/Text.h"

#include <algorithm>
#include <bit>

namespace gemmac::runtime {

/// 0 for one row, 1 for two and three, 2 for four to seven, ...
static size_t classOf(int64_t rows) { return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(rows)) - 1); }

ThreadPlan::ThreadPlan(const gemmac_program &program, int64_t asked, int64_t processors)
    : most(asked > 0 ? asked : processors), wasAsked(asked > 0) {
  for (int id = 0; id < GEMMAC_PHASE_COUNT; ++id) {
    const gemmac_phase &phase = program.phases[id];
    for (int64_t rows = 1; rows <= phase.max_rows; rows *= 2) {
      Class one{PhaseWork::of(phase, rows), std::nullopt};
      if (!wasAsked && barriersMatter(one.work, most))
        one.tuner.emplace(threadCandidates(most), 1);
      classes[id].push_back(std::move(one));
    }
    lastClass[id] = classes[id].size() - 1;
  }
}

void ThreadPlan::measure(ThreadPool &pool) {
  bool needed = false;
  for (const std::vector<Class> &ofPhase : classes)
    for (const Class &one : ofPhase)
      needed = needed || one.tuner.has_value();
  if (!needed)
    return;
  std::vector<ThreadCost> costs;
  for (int64_t threads : threadCandidates(most))
    costs.push_back({threads, pool.barrierSeconds(threads)});
  barrierSeconds = costs.back().barrierSeconds;
  for (std::vector<Class> &ofPhase : classes)
    for (Class &one : ofPhase)
      if (one.tuner)
        one.tuner.emplace(threadCandidates(most), chooseThreads(one.work, costs));
}

void ThreadPlan::run(ThreadPool &pool, gemmac_phase_id phase, gemmac_phase_fn function, gemmac_call &call) {
  lastClass[phase] = std::min(classOf(call.row_count), classes[phase].size() - 1);
  std::optional<ThreadTuner> &tuner = classes[phase][lastClass[phase]].tuner;
  if (!tuner)
    return pool.run(function, call, most);
  const double begin = monotonicSeconds();
  pool.run(function, call, tuner->next());
  tuner->took((monotonicSeconds() - begin) / static_cast<double>(call.row_count));
}

static std::string microseconds(double seconds) { return format("%.3g us", seconds * 1e6); }

std::string ThreadPlan::reason(gemmac_phase_id phase) const {
  if (wasAsked)
    return "asked for";
  if (most == 1)
    return "one processor to use";
  const Class &one = last(phase);
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

std::string ThreadPlan::describe() const {
  const auto decode = static_cast<long long>(threads(GEMMAC_PHASE_DECODE));
  const auto prefill = static_cast<long long>(threads(GEMMAC_PHASE_PREFILL));
  const std::string text = format("%lld thread%s", decode, decode == 1 ? "" : "s");
  return prefill == decode ? text : text + format(", %lld for prompts", prefill);
}

} // namespace gemmac::runtime
