#include "engine/ThreadChoice.h"

#include <algorithm>

namespace gemmac::runtime {

namespace {
/// What one thread does in a second: on the quickest machines, and about in the middle of all.
struct Rates {
  double bytes, multiplyAdds;
};
constexpr Rates quick = {30e9, 300e9}, usual = {12e9, 150e9};
/// Between threads of a virtual machine that sleep and are woken; on bare metal a barrier takes a fifth of a
/// microsecond.
constexpr double slowBarrier = 15e-6;

constexpr int64_t callsPerTry = 2, callsBeforeTries = 3, leastWait = 32, mostCalm = 8;
constexpr double shareOfTries = 0.01;
/// Below this advantage a change is not worth it: times scatter.
constexpr double clearlyBetter = 0.95;
} // namespace

static double secondsOf(const FunctionWork &work, const Rates &rates) {
  return std::max(static_cast<double>(work.weightBytes) / rates.bytes,
                  static_cast<double>(work.multiplyAdds) / rates.multiplyAdds);
}

std::vector<int64_t> threadCandidates(int64_t processors) {
  std::vector<int64_t> candidates;
  for (int64_t threads = 1; threads < processors; threads *= 2)
    candidates.push_back(threads);
  candidates.push_back(processors);
  return candidates;
}

bool barriersMatter(const FunctionWork &work, int64_t processors) {
  const double saved = secondsOf(work, quick) * (1 - 1 / static_cast<double>(processors));
  return processors > 1 && saved < static_cast<double>(work.barriers) * slowBarrier;
}

int64_t chooseThreads(const FunctionWork &work, const std::vector<ThreadCost> &costs) {
  const double alone = secondsOf(work, usual);
  auto estimate = [&](const ThreadCost &cost) {
    return alone / static_cast<double>(cost.threads) + static_cast<double>(work.barriers) * cost.barrierSeconds;
  };
  return std::min_element(costs.begin(), costs.end(),
                          [&](const ThreadCost &a, const ThreadCost &b) { return estimate(a) < estimate(b); })
      ->threads;
}

ThreadTuner::ThreadTuner(const std::vector<int64_t> &candidates, int64_t first) : callsToWait(callsBeforeTries) {
  for (int64_t threads : candidates) {
    if (threads == first)
      chosen = trying = records.size();
    records.push_back({threads});
  }
}

/// A call that other work interrupted moves the average, but not far.
void ThreadTuner::learn(double seconds) {
  constexpr double weight = 0.125, cap = 3;
  double &average = records[chosen].seconds;
  average = average == 0 ? seconds : average + weight * (std::min(seconds, cap * average) - average);
}

/// Where the averages are about equal the present choice stays.
size_t ThreadTuner::quickest() const {
  size_t best = chosen;
  for (size_t i = 0; i < records.size(); ++i)
    if (records[i].seconds > 0 && records[i].seconds < clearlyBetter * records[best].seconds)
      best = i;
  return best;
}

void ThreadTuner::choose(size_t index) {
  calm = index == chosen ? std::min(2 * calm, mostCalm) : 1;
  chosen = trying = index;
}

void ThreadTuner::endRound() {
  choose(quickest());
  const double paidOff = std::max(cost, 0.0) / (shareOfTries * records[chosen].seconds);
  callsToWait = calm * std::max(leastWait, static_cast<int64_t>(std::min(paidOff, 1e6)));
  cost = 0;
}

/// Begins the tries of the first candidate from `from` on that is not the chosen one. \returns whether there is one.
bool ThreadTuner::startTry(size_t from) {
  for (size_t i = from; i < records.size(); ++i)
    if (i != chosen) {
      trying = i;
      callsOfTry = 0;
      return true;
    }
  return false;
}

void ThreadTuner::took(double seconds) {
  if (!warm) {
    warm = true;
    return;
  }
  if (trying == chosen) {
    learn(seconds);
    if (const size_t best = quickest(); best != chosen) {
      choose(best);
      callsToWait = leastWait;
    } else if (--callsToWait <= 0) {
      startTry(0);
    }
    return;
  }
  // The better of a try's calls: the first one wakes threads.
  double &tried = records[trying].seconds;
  cost += seconds - records[chosen].seconds;
  tried = callsOfTry == 0 ? seconds : std::min(tried, seconds);
  if (++callsOfTry == callsPerTry && !startTry(trying + 1))
    endRound();
}

} // namespace gemmac::runtime
