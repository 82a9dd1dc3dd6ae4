// The solver against trying every choice of small problems.
#include "compiler/calibrate/FormatSolver.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

using namespace gemmac;

namespace {

constexpr Format formats[] = {Format::Q8, Format::Q6, Format::Q4, Format::Q3, Format::Q2};
constexpr size_t any = std::size(formats);

using Random = std::mt19937;

double uniform(Random &random, double least, double most) {
  return std::uniform_real_distribution<double>(least, most)(random);
}

/// Matrices of a few shapes, some of them tables. Divergence grows by about 4 for each bit less.
std::vector<FormatItem> randomItems(Random &random, int count) {
  std::vector<FormatItem> items;
  for (int i = 0; i < count; ++i) {
    int shape = std::uniform_int_distribution<int>(0, 2)(random);
    int64_t values = 1000 * (shape + 1);
    double scale = std::exp(uniform(random, -3, 3));
    FormatItem item{"shape " + std::to_string(shape), {}};
    for (Format format : formats) {
      int64_t bytes = values * formatInfo(format).bits;
      double divergence =
          scale * std::pow(0.25, static_cast<double>(formatInfo(format).bits)) * uniform(random, 0.8, 1.2);
      item.options.push_back({format, bytes, shape == 2 ? 0 : bytes, divergence});
    }
    items.push_back(item);
  }
  return items;
}

bool keepsShapes(llvm::ArrayRef<FormatItem> items, const std::vector<size_t> &chosen, size_t formatsPerShape) {
  std::map<std::string, std::set<Format>> used;
  for (size_t i = 0; i < items.size(); ++i)
    used[items[i].shape].insert(items[i].options[chosen[i]].format);
  for (auto &[shape, set] : used)
    if (set.size() > formatsPerShape)
      return false;
  return true;
}

/// The best of all choices; nothing when none fits.
std::optional<FormatSolution> bruteForce(llvm::ArrayRef<FormatItem> items, FormatGoal goal, const FormatBudget &budget,
                                         size_t formatsPerShape) {
  std::optional<FormatSolution> best;
  std::vector<size_t> chosen(items.size(), 0);
  for (;;) {
    FormatSolution solution = sumUp(items, chosen);
    if (solution.fits(budget) && keepsShapes(items, chosen, formatsPerShape))
      if (!best ||
          (goal == FormatGoal::fewestBytes ? solution.bytes < best->bytes : solution.divergence < best->divergence))
        best = solution;
    size_t item = 0;
    while (item < items.size() && ++chosen[item] == items[item].options.size())
      chosen[item++] = 0;
    if (item == items.size())
      return best;
  }
}

/// A budget between what the least and the most of everything takes.
FormatBudget randomBudget(Random &random, llvm::ArrayRef<FormatItem> items, bool bytes, bool resident,
                          bool divergence) {
  FormatSolution widest = sumUp(items, std::vector<size_t>(items.size(), 0));
  FormatSolution narrowest = sumUp(items, std::vector<size_t>(items.size(), any - 1));
  auto between = [&](auto least, auto most) { return least + uniform(random, -0.05, 0.9) * (most - least); };
  FormatBudget budget;
  if (bytes)
    budget.bytes = static_cast<int64_t>(between(narrowest.bytes, widest.bytes));
  if (resident)
    budget.resident = static_cast<int64_t>(between(narrowest.resident, widest.resident));
  if (divergence)
    budget.divergence = std::exp(between(std::log(widest.divergence), std::log(narrowest.divergence)));
  return budget;
}

/// Whatever fits is found, keeps the budget and the shapes, and is close to the best.
/// \returns the mean of what it is worse.
double compareWithBruteForce(FormatGoal goal, bool bytes, bool resident, bool divergence, size_t formatsPerShape,
                             double worst) {
  double sum = 0;
  int count = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    Random random(seed);
    std::vector<FormatItem> items = randomItems(random, 6);
    FormatBudget budget = randomBudget(random, items, bytes, resident, divergence);
    FormatSolution got = solveFormats(items, goal, budget, formatsPerShape);
    std::optional<FormatSolution> best = bruteForce(items, goal, budget, formatsPerShape);
    EXPECT_EQ(got.fits(budget), best.has_value()) << "seed " << seed;
    EXPECT_TRUE(keepsShapes(items, got.chosen, formatsPerShape)) << "seed " << seed;
    EXPECT_EQ(solveFormats(items, goal, budget, formatsPerShape).chosen, got.chosen) << "seed " << seed;
    if (!best || !got.fits(budget))
      continue;
    double ratio =
        goal == FormatGoal::fewestBytes ? double(got.bytes) / double(best->bytes) : got.divergence / best->divergence;
    EXPECT_LE(ratio, worst) << "seed " << seed;
    sum += ratio - 1;
    ++count;
  }
  EXPECT_GT(count, 40);
  return sum / count;
}

} // namespace

TEST(FormatSolver, LeastDivergenceWithinBytes) {
  EXPECT_LE(compareWithBruteForce(FormatGoal::leastDivergence, true, false, false, any, 1.25), 0.01);
}

TEST(FormatSolver, LeastDivergenceWithinBothKindsOfBytes) {
  EXPECT_LE(compareWithBruteForce(FormatGoal::leastDivergence, true, true, false, any, 1.25), 0.01);
}

TEST(FormatSolver, FewestBytesWithinADivergence) {
  EXPECT_LE(compareWithBruteForce(FormatGoal::fewestBytes, false, false, true, any, 1.06), 0.01);
}

TEST(FormatSolver, FewFormatsForEachShape) {
  EXPECT_LE(compareWithBruteForce(FormatGoal::leastDivergence, true, false, false, 2, 1.5), 0.03);
  EXPECT_LE(compareWithBruteForce(FormatGoal::fewestBytes, false, false, true, 2, 1.1), 0.02);
}

TEST(FormatSolver, WithoutLimitsTheBest) {
  Random random(1);
  std::vector<FormatItem> items = randomItems(random, 20);
  FormatSolution best = solveFormats(items, FormatGoal::leastDivergence, {}, any);
  EXPECT_EQ(best.chosen, std::vector<size_t>(20, 0));
  EXPECT_EQ(solveFormats(items, FormatGoal::fewestBytes, {}, any).chosen, std::vector<size_t>(20, any - 1));
}

TEST(FormatSolver, WhatDoesNotFitComesNearest) {
  Random random(2);
  std::vector<FormatItem> items = randomItems(random, 10);
  FormatBudget budget{.bytes = 1};
  FormatSolution solution = solveFormats(items, FormatGoal::leastDivergence, budget, any);
  EXPECT_FALSE(solution.fits(budget));
  EXPECT_EQ(solution.chosen, std::vector<size_t>(10, any - 1));
}

// A format that holds the values exactly costs nothing: it is taken although wider ones would fit.
TEST(FormatSolver, ExactFormatsAreTaken) {
  std::vector<FormatItem> items{
      {"a", {{Format::Q8, 80, 80, 0.1}, {Format::Q4, 40, 40, 0.0}, {Format::Q2, 20, 20, 5.0}}}};
  EXPECT_EQ(solveFormats(items, FormatGoal::leastDivergence, {.bytes = 100}, any).chosen, std::vector<size_t>{1});
}

TEST(FormatSolver, HundredsOfItemsKeepTheirBudget) {
  Random random(3);
  std::vector<FormatItem> items = randomItems(random, 250);
  FormatSolution q4 = sumUp(items, std::vector<size_t>(250, 2));
  FormatBudget budget{.bytes = q4.bytes, .resident = q4.resident};
  FormatSolution solution = solveFormats(items, FormatGoal::leastDivergence, budget, 2);
  EXPECT_TRUE(solution.fits(budget));
  EXPECT_TRUE(keepsShapes(items, solution.chosen, 2));
  EXPECT_LT(solution.divergence, q4.divergence);
}
