// What vision does to rows alone: pixels, places of patches, pooling, layer norms. Its heads are in ProductSteps.cpp
// and AttentionSteps.cpp.
#include "targets/interp/Numbers.h"
#include "targets/interp/Steps.h"
#include "targets/interp/Sums.h"

#include <cmath>

namespace gemmac::interp {

void run(gemma::AffineStep step, Frame &frame) {
  const float factor = toFloat(step.getFactor()), offset = toFloat(step.getOffset());
  const auto count = static_cast<size_t>(step.getCount());
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    std::span<const float> x = frame[step.getInput()].row(r);
    std::vector<float> y(x.size(), 0.0f);
    for (size_t i = 0; i < count; ++i)
      y[i] = x[i] * factor + offset;
    clamp(std::span(y).first(count), step.getWithin());
    frame[step.getResult()].store(r, y, 0.0f);
  }
}

void run(gemma::AddPlacesStep step, Frame &frame) {
  const Weights &columns = frame.memory.weights(step.getColumnsAttr());
  const Weights &rows = frame.memory.weights(step.getRowsAttr());
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    std::span<const float> x = frame[step.getInput()].row(r);
    std::span<const int32_t> place = frame[step.getPlaces()].integerRow(r);
    const int64_t column = step.getAlternating() ? 2 * int64_t{place[0]} : place[0];
    const int64_t row = step.getAlternating() ? 2 * int64_t{place[1]} + 1 : place[1];
    std::span<float> result = frame[step.getResult()].row(r);
    for (size_t i = 0; i < x.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      result[i] = x[i] + (columns.element(column, at) + rows.element(row, at));
    }
  }
}

void run(gemma::RopePlacesTableStep step, Frame &frame) {
  const auto quarter = static_cast<size_t>(step.getHeadDim() / 4);
  const auto halfHead = static_cast<float>(step.getHeadDim() / 2);
  const double theta = step.getTheta().convertToDouble();
  Rows &result = frame[step.getResult()];
  const auto half = static_cast<size_t>(result.width / 2);
  for (int64_t r = 0; r < frame.rows(step.getPlaces()); ++r)
    for (size_t i = 0; i < half; ++i) {
      float angle = 0.0f;
      if (i < 2 * quarter) {
        const double exponent = static_cast<float>(2 * (i % quarter)) / halfHead;
        const float frequency = 1.0f / static_cast<float>(std::pow(theta, exponent));
        angle = static_cast<float>(frame[step.getPlaces()].integerRow(r)[i / quarter]) * frequency;
      }
      const SineCosine turn = sineCosine(angle);
      result.row(r)[i] = turn.cosine;
      result.row(r)[half + i] = turn.sine;
    }
}

void run(gemma::PoolStep step, Frame &frame) {
  std::span<const float> bias = frame.memory.vector(step.getBiasAttr());
  std::span<const float> scale = frame.memory.vector(step.getScaleAttr());
  const auto count = static_cast<int64_t>(step.getCount());
  const float factor = toFloat(step.getFactor());
  for (int64_t r = 0; r < frame.rows(step.getResult()); ++r) {
    std::span<float> result = frame[step.getResult()].row(r);
    for (size_t i = 0; i < result.size(); ++i) {
      float sum = frame[step.getInput()].row(count * r)[i];
      for (int64_t k = count * r + 1; k < count * (r + 1); ++k)
        sum = sum + frame[step.getInput()].row(k)[i];
      result[i] = sum * factor;
      if (!bias.empty())
        result[i] = (result[i] - bias[i]) * scale[i];
    }
  }
}

void run(gemma::LayerNormStep step, Frame &frame) {
  std::span<const float> weight = frame.memory.vector(step.getWeightAttr());
  std::span<const float> bias = frame.memory.vector(step.getBiasAttr());
  const auto count = static_cast<size_t>(step.getCount());
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    std::span<const float> x = frame[step.getInput()].row(r);
    const float mean = stridedSum(x) / static_cast<float>(count);
    std::vector<float> y(x.size(), 0.0f);
    for (size_t i = 0; i < count; ++i)
      y[i] = x[i] - mean;
    const float q = inverseRms(y, step.getCount(), toFloat(step.getEps()));
    for (size_t i = 0; i < count; ++i)
      y[i] = (y[i] * q) * weight[i] + bias[i];
    frame[step.getResult()].store(r, y, 0.0f);
  }
}

} // namespace gemmac::interp
