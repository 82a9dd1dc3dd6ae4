// All arithmetic is per lane, a lane being a row, and in column order.
#include "compiler/artifact/ErrorFeedback.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/ScaleSearch.h"

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

namespace {

/// What rounding one group needs beside its scales.
struct Group {
  const Lanes *values;         ///< the weights
  Lanes targets[groupColumns]; ///< with the feedback of earlier groups
  const float *feedback;       ///< within the group, `[32][32]`
  const float *weights;
};

/// Rounds a group with `scale`, column by column; `cost` is what the errors cost.
/// \param deviations per column: the weight less what it was rounded to.
GEMMAC_INLINE void roundGroup(const Group &group, const IntegerRange &range, const Lanes &scale, Lanes *integers,
                              Lanes *deviations, Lanes &cost) {
  Lanes inverse = scale != 0.0f ? 1.0f / scale : Lanes{};
  cost = Lanes{};
  for (int64_t col = 0; col < groupColumns; ++col) {
    Lanes target = group.targets[col];
    for (int64_t k = 0; k < col; ++k)
      target += deviations[k] * group.feedback[k * groupColumns + col];
    Lanes integer = target * inverse;
    roundTo(integer, range);
    Lanes rounded = integer * scale, error = target - rounded;
    cost += error * error * group.weights[col];
    integers[col] = integer;
    deviations[col] = group.values[col] - rounded;
  }
}

/// The group's values with what the errors of `earlier` columns of the block ask of them.
GEMMAC_INLINE void addFeedback(const Lanes *deviations, int64_t earlier, const float *feedback, Group &group) {
  constexpr int64_t tile = 4;
  for (int64_t first = 0; first < groupColumns; first += tile) {
    Lanes sums[tile];
    for (int64_t i = 0; i < tile; ++i)
      sums[i] = group.values[first + i];
    for (int64_t k = 0; k < earlier; ++k)
      for (int64_t i = 0; i < tile; ++i)
        sums[i] += deviations[k] * feedback[k * groupColumns + first + i];
    for (int64_t i = 0; i < tile; ++i)
      group.targets[first + i] = sums[i];
  }
}

/// The trial that costs least. Unlike a search on its own, no trial is fitted to its
/// integers: feedback would change them.
GEMMAC_INLINE void bestScale(const Group &group, const IntegerRange &range, const SearchLevels &search, Lanes *integers,
                             Lanes *deviations, Lanes &scale) {
  Lanes extreme = {}, magnitude = {};
  for (int64_t col = 0; col < groupColumns; ++col)
    takeExtreme(group.targets[col], extreme, magnitude);
  if (range.symmetric) {
    scale = magnitude / range.largest;
    return;
  }
  LaneBits alive = magnitude > leastMagnitude;
  Lanes best = Lanes{} + __builtin_inff();
  scale = alive ? extreme / range.least : Lanes{};
  for (int trial = 0; trial < scaleTrials; ++trial) {
    float level = search.first + search.step * static_cast<float>(trial);
    Lanes tried = alive ? extreme / -level : Lanes{}, cost;
    for (int64_t lane = 0; lane < lanes; ++lane)
      tried[lane] = halfToFloat(floatToHalf(tried[lane])); // what is compared is what will be stored
    roundGroup(group, range, tried, integers, deviations, cost);
    scale = cost < best ? tried : scale;
    best = cost < best ? cost : best;
  }
}

/// Rounds one group. Everything that is no arithmetic is made by the caller: clang emits nothing that only clones use.
GEMMAC_CLONES bool roundPanelGroup(const IntegerRange &range, const SearchLevels &search, int64_t earlier,
                                   const float *feedback, Group &group, Lanes *deviations, QuantizedTile &result,
                                   float *costs) {
  addFeedback(deviations, earlier, feedback, group);
  Lanes integers[groupColumns], scale, cost;
  bestScale(group, range, search, integers, deviations + earlier, scale);
  bool fits = roundScales(range, scale, result);
  loadScales(result, scale);
  roundGroup(group, range, scale, integers, deviations + earlier, cost);
  for (int64_t col = 0; col < groupColumns; ++col)
    storeInteger(range, integers[col], col, result);
  for (int64_t lane = 0; lane < lanes; ++lane)
    costs[lane] = cost[lane];
  return fits;
}

} // namespace

bool ErrorFeedback::round(Format format, const PanelRows &rows, const RoundingFactor &factor,
                          llvm::MutableArrayRef<QuantizedTile> tiles) {
  int64_t cols = factor.cols();
  values.resize(cols);
  deviations.resize(cols);
  for (int64_t col = 0; col < cols; ++col)
    for (int64_t lane = 0; lane < lanes; ++lane)
      values[col][lane] = rows[lane].values[col];
  IntegerRange range(format);
  SearchLevels search = formatInfo(format).search;
  bool fits = true;
  for (int64_t number = 0; number < cols / groupColumns; ++number) {
    int64_t first = number * groupColumns, begin = factor.blockBegin(number);
    const float *feedback = factor.feedback(number);
    Group group = {&values[first], {}, feedback + (first - begin) * groupColumns, factor.weights(number)};
    float costs[panelRows];
    fits &= roundPanelGroup(range, search, first - begin, feedback, group, &deviations[begin], tiles[number], costs);
    for (float groupCost : costs)
      cost += groupCost;
  }
  return fits;
}

} // namespace gemmac
