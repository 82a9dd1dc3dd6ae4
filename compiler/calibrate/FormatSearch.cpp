#include "compiler/calibrate/FormatSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <atomic>
#include <mutex>
#include <thread>

namespace gemmac {

namespace {

/// Mixes are measured for about so many multiply-adds, some minutes of two cores; within bounds.
constexpr double probeBudget = 1.5e13;
constexpr double fewestProbes = 12, mostProbes = 64;

/// The format of a probe: low enough to be felt, high enough for divergence to grow in proportion to the loss.
constexpr Format probedFormat = Format::Q4;

/// A probe whose effect drowns in rounding errors still tells that its matrices matter a little.
constexpr double leastEffect = 1e-8;

constexpr int mostRounds = 5; ///< of fewestBytes

} // namespace

llvm::Expected<ProgramQuality> FormatSearch::measure(const MatrixFormats &formats) {
  for (const auto &[mix, quality] : known)
    if (mix == formats)
      return quality;
  llvm::Expected<ProgramQuality> quality = meter.measure(formats);
  if (quality)
    known.emplace_back(formats, *quality);
  return quality;
}

/// By as many threads as there are; each item's result is its own.
llvm::Error FormatSearch::measureLosses() {
  losses.resize(open.items().size());
  std::atomic<size_t> next{0};
  std::mutex mutex;
  llvm::Error failure = llvm::Error::success();
  auto work = [&] {
    for (size_t item = next++; item < losses.size(); item = next++) {
      const OpenMatrix &matrices = open.items()[item];
      losses[item].assign(matrices.formats.size(), 0);
      for (size_t matrix : matrices.matrices) {
        llvm::Expected<std::vector<double>> found = meter.loss(open.matrices()[matrix], matrices.formats);
        if (!found) {
          std::lock_guard lock(mutex);
          failure = llvm::joinErrors(std::move(failure), found.takeError());
          next = losses.size();
          return;
        }
        for (auto [sum, loss] : llvm::zip(losses[item], *found))
          sum += loss / static_cast<double>(matrices.matrices.size());
      }
    }
  };
  std::vector<std::thread> workers;
  for (unsigned thread = 1; thread < meter.threads; ++thread)
    workers.emplace_back(work);
  work();
  for (std::thread &worker : workers)
    worker.join();
  return failure;
}

/// The widest option of no more than the probe's bits whose loss differs from that of the widest: weights that lie on
/// the lattice of q4 lose nothing there.
size_t FormatSearch::probedOption(size_t item) const {
  const std::vector<Format> &formats = open.items()[item].formats;
  for (size_t option = 1; option < formats.size(); ++option)
    if (formatInfo(formats[option]).bits <= formatInfo(probedFormat).bits && losses[item][option] > 2 * losses[item][0])
      return option;
  return formats.size() - 1;
}

/// Items of one part of the model and of neighbouring layers, which come in the order of the layers. As
/// many groups as the budget allows.
std::vector<std::vector<size_t>> FormatSearch::groups() const {
  std::vector<std::string> parts;
  for (const OpenMatrix &item : open.items())
    if (!llvm::is_contained(parts, item.part))
      parts.push_back(item.part);
  double cost = static_cast<double>(base.tokens) * static_cast<double>(meter.multiplyAdds);
  double probes = std::clamp(probeBudget / std::max(cost, 1.0), fewestProbes, mostProbes);
  size_t bands = std::max<size_t>(static_cast<size_t>(probes) / std::max<size_t>(parts.size(), 1), 1);
  std::vector<std::vector<size_t>> result;
  for (const std::string &part : parts) {
    std::vector<size_t> members;
    for (auto [index, item] : llvm::enumerate(open.items()))
      if (item.part == part)
        members.push_back(index);
    size_t count = std::min(bands, members.size());
    for (size_t band = 0; band < count; ++band)
      result.emplace_back(members.begin() + band * members.size() / count,
                          members.begin() + (band + 1) * members.size() / count);
  }
  return result;
}

/// What the group costs in the probed formats, divided among its items by their losses.
llvm::Error FormatSearch::probe(llvm::ArrayRef<size_t> group) {
  MatrixFormats formats = open.widest();
  double loss = 0;
  for (size_t item : group) {
    size_t option = probedOption(item);
    formats = open.changed(std::move(formats), item, open.items()[item].formats[option]);
    loss += losses[item][option] - losses[item][0];
  }
  llvm::Expected<ProgramQuality> quality = measure(formats);
  if (!quality)
    return quality.takeError();
  double effect = std::max(quality->divergence - base.divergence, leastEffect);
  for (size_t item : group)
    scales[item] = loss > 0 ? effect / loss : 0;
  return llvm::Error::success();
}

llvm::Error FormatSearch::learn() {
  meter.stage("choosing formats: losses of matrices");
  if (llvm::Error error = measureLosses())
    return error;
  meter.stage("choosing formats: measuring the widest");
  llvm::Expected<ProgramQuality> quality = measure(open.widest());
  if (!quality)
    return quality.takeError();
  base = *quality;
  rows.push_back(open.trial(nameOf(Format::Q8).str(), open.widest(), base));
  scales.assign(open.items().size(), 0);
  std::vector<std::vector<size_t>> all = groups();
  for (auto [number, group] : llvm::enumerate(all)) {
    meter.stage(llvm::formatv("choosing formats: measuring {0}, {1} of {2}", open.items()[group.front()].part,
                              number + 1, all.size()));
    if (llvm::Error error = probe(group))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error FormatSearch::tryMix(const std::string &name, const MatrixFormats &formats) {
  meter.stage("choosing formats: measuring " + name);
  llvm::Expected<ProgramQuality> quality = measure(formats);
  if (!quality)
    return quality.takeError();
  rows.push_back(open.trial(name, formats, *quality));
  return llvm::Error::success();
}

/// Divergences are increases over the widest mix.
std::vector<FormatItem> FormatSearch::solverItems() const {
  std::vector<FormatItem> items;
  for (auto [index, item] : llvm::enumerate(open.items())) {
    FormatItem &result = items.emplace_back();
    result.shape = item.shape;
    for (auto [option, format] : llvm::enumerate(item.formats))
      result.options.push_back({format, open.itemBytes(index, format), open.itemResident(index, format),
                                scales[index] * (losses[index][option] - losses[index][0])});
  }
  return items;
}

double FormatSearch::predict(double increase) const { return base.divergence + correction * increase; }

double FormatSearch::predict(const MatrixFormats &formats) const {
  double increase = 0;
  for (auto [index, item] : llvm::enumerate(open.items())) {
    size_t option = llvm::find(item.formats, formats[item.matrices.front()]) - item.formats.begin();
    increase += scales[index] * (losses[index][option] - losses[index][0]);
  }
  return predict(increase);
}

FormatMix FormatSearch::solve(FormatGoal goal, const FormatBudget &budget) const {
  std::vector<FormatItem> items = solverItems();
  // What is not open takes its share first.
  FormatSolution wide = sumUp(items, std::vector<size_t>(items.size(), 0));
  FormatBudget own = budget;
  if (own.bytes)
    *own.bytes -= open.bytes(open.widest()) - wide.bytes;
  if (own.resident)
    *own.resident -= open.resident(open.widest()) - wide.resident;
  if (own.divergence)
    own.divergence = (*own.divergence - base.divergence) / correction;
  FormatSolution solution = solveFormats(items, goal, own, formatsPerShape);
  FormatMix mix{open.widest(), solution.fits(own), predict(solution.divergence)};
  for (auto [item, option] : llvm::enumerate(solution.chosen))
    mix.formats = open.changed(std::move(mix.formats), item, open.items()[item].formats[option]);
  return mix;
}

llvm::Expected<FormatMix> FormatSearch::leastDivergence(const FormatBudget &budget) {
  FormatMix mix = solve(FormatGoal::leastDivergence, budget);
  if (!mix.fits)
    return mix;
  meter.stage("choosing formats: measuring the choice");
  llvm::Expected<ProgramQuality> quality = measure(mix.formats);
  if (!quality)
    return quality.takeError();
  mix.measured = *quality;
  // Predictions err: nobody should get less than a mix that was measured as well.
  for (const auto &[formats, measured] : known) {
    bool fits = open.bytes(formats) <= budget.bytes.value_or(open.bytes(formats)) &&
                open.resident(formats) <= budget.resident.value_or(open.resident(formats));
    if (fits && measured.divergence < mix.measured->divergence)
      mix = {formats, true, predict(formats), measured};
  }
  return mix;
}

llvm::Expected<FormatMix> FormatSearch::fewestBytes(double limit) {
  FormatMix best{open.widest(), base.divergence <= limit, base.divergence, base};
  double aim = limit, margin = 1;
  for (int round = 0; round < mostRounds && best.fits; ++round) {
    FormatMix mix = solve(FormatGoal::fewestBytes, {.divergence = aim});
    if (!mix.fits || (round > 0 && mix.formats == best.formats))
      break;
    meter.stage(llvm::formatv("choosing formats: measuring choice {0}", round + 1));
    llvm::Expected<ProgramQuality> quality = measure(mix.formats);
    if (!quality)
      return quality.takeError();
    mix.measured = *quality;
    bool kept = quality->divergence <= limit;
    if (kept && open.bytes(mix.formats) < open.bytes(best.formats))
      best = mix;
    // Next time the prediction for such a mix is what was measured now; after too much of it, with a margin.
    double predicted = mix.predicted - base.divergence, measured = quality->divergence - base.divergence;
    if (predicted <= 0 || measured <= 0)
      break;
    correction *= measured / predicted;
    constexpr double closeEnough = 0.97, tighter = 0.96;
    if (kept && quality->divergence >= base.divergence + closeEnough * (limit - base.divergence))
      break;
    margin *= kept ? 1 : tighter;
    aim = base.divergence + margin * (limit - base.divergence);
  }
  return best;
}

} // namespace gemmac
