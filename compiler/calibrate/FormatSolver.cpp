// Bytes, resident bytes and divergence are three quantities of the same kind here: one is to be small, the others have
// limits. Bytes are below 2^53, so doubles hold them exactly.
#include "compiler/calibrate/FormatSolver.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace gemmac {

bool FormatSolution::fits(const FormatBudget &budget) const {
  return bytes <= budget.bytes.value_or(bytes) && resident <= budget.resident.value_or(resident) &&
         divergence <= budget.divergence.value_or(divergence);
}

FormatSolution sumUp(llvm::ArrayRef<FormatItem> items, std::vector<size_t> chosen) {
  FormatSolution solution{std::move(chosen)};
  for (auto [item, index] : llvm::zip(items, solution.chosen)) {
    const FormatOption &option = item.options[index];
    solution.bytes += option.bytes, solution.resident += option.resident, solution.divergence += option.divergence;
  }
  return solution;
}

namespace {

enum Quantity { bytesOf, residentOf, divergenceOf, quantities };
using Amounts = std::array<double, quantities>;
constexpr double infinite = std::numeric_limits<double>::infinity();

Amounts amountsOf(const FormatOption &option) {
  return {static_cast<double>(option.bytes), static_cast<double>(option.resident), option.divergence};
}

/// The options that each item may still take.
using Allowed = std::vector<std::vector<size_t>>;

struct Problem {
  llvm::ArrayRef<FormatItem> items;
  Quantity goal;
  Amounts limits;
};

/// A choice for every item that is changed step by step.
class Search {
public:
  /// Begins with the least of one quantity for every item.
  Search(const Problem &problem, const Allowed &allowed, Quantity least) : problem(problem), allowed(allowed) {
    for (size_t item = 0; item < problem.items.size(); ++item) {
      chosen.push_back(bestFor(item, least));
      add(amounts(item, chosen.back()), 1);
    }
  }

  /// Steps towards the limits until they are kept or no step is left; each buys most of what is missing for its price.
  void repair() {
    while (!keeps(used)) {
      double best = infinite;
      Step step;
      forEachStep([&](size_t item, size_t option, const Amounts &change) {
        double bought = 0;
        for (int q = 0; q < quantities; ++q)
          if (double excess = used[q] - problem.limits[q]; excess > 0)
            bought += std::min(-change[q], excess) / excess;
        double price = bought > 0 ? change[problem.goal] / bought : infinite;
        if (price < best)
          best = price, step = {item, option};
      });
      if (best == infinite)
        return;
      take(step);
    }
  }

  /// Uses what the limits leave over: steps that serve the goal, those first that take least for it.
  void fill() {
    for (bool found = true; found;) {
      double best = 0;
      Step step;
      forEachStep([&](size_t item, size_t option, const Amounts &change) {
        if (change[problem.goal] >= 0 || !keeps(plus(used, change)))
          return;
        double worth = change[problem.goal] / (taken(change) + 1e-12);
        if (worth < best)
          best = worth, step = {item, option};
      });
      found = best < 0;
      if (found)
        take(step);
    }
  }

  /// Two items change together, as long as that serves the goal.
  void exchange() {
    constexpr int mostExchanges = 1000;
    for (int round = 0; round < mostExchanges; ++round) {
      double best = -leastGain();
      Step first, second;
      forEachStep([&](size_t one, size_t option, const Amounts &change) {
        forEachStep(
            [&](size_t other, size_t otherOption, const Amounts &otherChange) {
              double gain = change[problem.goal] + otherChange[problem.goal];
              if (gain < best && keeps(plus(plus(used, change), otherChange)))
                best = gain, first = {one, option}, second = {other, otherOption};
            },
            one + 1);
      });
      if (best == -leastGain())
        return;
      take(first);
      take(second);
    }
  }

  bool keepsLimits() const { return keeps(used); }
  double amountOfGoal() const { return used[problem.goal]; }
  FormatSolution solution() const { return sumUp(problem.items, chosen); }

private:
  struct Step {
    size_t item = 0, option = 0;
  };

  Amounts amounts(size_t item, size_t option) const { return amountsOf(problem.items[item].options[option]); }

  /// The least of one quantity; of equal ones the least of the others.
  size_t bestFor(size_t item, Quantity least) const {
    auto key = [&](size_t option) {
      Amounts a = amounts(item, option);
      return std::array{a[least], a[bytesOf], a[residentOf], a[divergenceOf]};
    };
    return *llvm::min_element(allowed[item], [&](size_t a, size_t b) { return key(a) < key(b); });
  }

  static Amounts plus(Amounts left, const Amounts &right) {
    for (int q = 0; q < quantities; ++q)
      left[q] += right[q];
    return left;
  }

  void add(const Amounts &change, double sign) {
    for (int q = 0; q < quantities; ++q)
      used[q] += sign * change[q];
  }

  bool keeps(const Amounts &amounts) const {
    for (int q = 0; q < quantities; ++q)
      if (amounts[q] > problem.limits[q])
        return false;
    return true;
  }

  /// The part of the limits that a change takes.
  double taken(const Amounts &change) const {
    double sum = 0;
    for (int q = 0; q < quantities; ++q)
      if (problem.limits[q] != infinite)
        sum += std::max(change[q], 0.0) / std::max(problem.limits[q], 1e-300);
    return sum;
  }

  /// Sums of divergences have rounding errors, which must not look like gains forever.
  double leastGain() const { return 1e-12 * std::abs(used[problem.goal]); }

  template <typename Visit> void forEachStep(Visit visit, size_t firstItem = 0) const {
    for (size_t item = firstItem; item < chosen.size(); ++item)
      for (size_t option : allowed[item])
        if (option != chosen[item]) {
          Amounts change = amounts(item, option), now = amounts(item, chosen[item]);
          for (int q = 0; q < quantities; ++q)
            change[q] -= now[q];
          visit(item, option, change);
        }
  }

  void take(const Step &step) {
    add(amounts(step.item, chosen[step.item]), -1);
    chosen[step.item] = step.option;
    add(amounts(step.item, step.option), 1);
  }

  const Problem &problem;
  const Allowed &allowed;
  std::vector<size_t> chosen;
  Amounts used = {};
};

/// From both ends: from the best, towards the limits; and from what keeps the limits if
/// anything does, towards the best.
FormatSolution solve(const Problem &problem, const Allowed &allowed, bool thorough) {
  Quantity other = problem.goal == bytesOf ? divergenceOf : bytesOf;
  std::optional<Search> best;
  for (Quantity least : {problem.goal, other}) {
    Search search(problem, allowed, least);
    search.repair();
    if (search.keepsLimits()) {
      search.fill();
      if (thorough)
        search.exchange();
    }
    if (!best || (search.keepsLimits() && (!best->keepsLimits() || search.amountOfGoal() < best->amountOfGoal())))
      best.emplace(search);
  }
  return best->solution();
}

/// Formats by shape.
using ShapeFormats = std::map<std::string, std::set<Format>>;

ShapeFormats formatsInUse(llvm::ArrayRef<FormatItem> items, const FormatSolution &solution) {
  ShapeFormats formats;
  for (auto [item, index] : llvm::zip(items, solution.chosen))
    formats[item.shape].insert(item.options[index].format);
  return formats;
}

/// What is left of `allowed` when items of a shape keep to `formats`; an item that has none of them keeps all.
Allowed restricted(llvm::ArrayRef<FormatItem> items, Allowed allowed, const std::string &shape,
                   llvm::ArrayRef<Format> formats) {
  for (auto [item, options] : llvm::zip(items, allowed)) {
    if (item.shape != shape)
      continue;
    std::vector<size_t> kept;
    for (size_t option : options)
      if (llvm::is_contained(formats, item.options[option].format))
        kept.push_back(option);
    if (!kept.empty())
      options = std::move(kept);
  }
  return allowed;
}

/// All choices of `count` of the formats.
std::vector<std::vector<Format>> subsets(const std::set<Format> &formats, size_t count) {
  std::vector<Format> all(formats.begin(), formats.end());
  std::vector<std::vector<Format>> result;
  for (unsigned mask = 0; mask < 1u << all.size(); ++mask) {
    if (static_cast<size_t>(__builtin_popcount(mask)) != count)
      continue;
    result.emplace_back();
    for (size_t i = 0; i < all.size(); ++i)
      if (mask >> i & 1)
        result.back().push_back(all[i]);
  }
  return result;
}

/// Of the formats that a shape uses, keeps those few with which the whole is best. One of them suffices to stay within
/// the limits: the narrowest in use where bytes are limited, the best where divergence is.
Allowed withFewFormats(const Problem &problem, const Allowed &allowed, const std::string &shape,
                       const std::set<Format> &used, size_t count, const FormatBudget &budget) {
  std::optional<std::pair<bool, double>> best; // does not fit, goal
  Allowed result = allowed;
  for (const std::vector<Format> &formats : subsets(used, count)) {
    Allowed fewer = restricted(problem.items, allowed, shape, formats);
    FormatSolution solution = solve(problem, fewer, /*thorough=*/false);
    double goal = problem.goal == bytesOf ? static_cast<double>(solution.bytes) : solution.divergence;
    std::pair<bool, double> rank{!solution.fits(budget), goal};
    if (!best || rank < *best)
      best = rank, result = std::move(fewer);
  }
  return result;
}

} // namespace

FormatSolution solveFormats(llvm::ArrayRef<FormatItem> items, FormatGoal goal, const FormatBudget &budget,
                            size_t formatsPerShape) {
  auto limit = [](auto amount) { return amount ? static_cast<double>(*amount) : infinite; };
  Problem problem{items,
                  goal == FormatGoal::fewestBytes ? bytesOf : divergenceOf,
                  {limit(budget.bytes), limit(budget.resident), limit(budget.divergence)}};
  Allowed allowed;
  for (const FormatItem &item : items) {
    allowed.emplace_back(item.options.size());
    std::iota(allowed.back().begin(), allowed.back().end(), 0);
  }
  std::set<std::string> limited; // each shape once: items may lack the formats that others keep to
  for (;;) {
    FormatSolution solution = solve(problem, allowed, /*thorough=*/true);
    ShapeFormats used = formatsInUse(items, solution);
    auto found = llvm::find_if(
        used, [&](const auto &entry) { return entry.second.size() > formatsPerShape && !limited.count(entry.first); });
    if (found == used.end())
      return solution;
    limited.insert(found->first);
    allowed = withFewFormats(problem, allowed, found->first, found->second, formatsPerShape, budget);
  }
}

} // namespace gemmac
