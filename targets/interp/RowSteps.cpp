// Embedding, norms, rotation tables, per-layer embeddings: steps that make a row of a row.
#include "targets/interp/Numbers.h"
#include "targets/interp/Steps.h"
#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>

namespace gemmac::interp {

void run(gemma::EmbedStep step, Frame &frame) {
  const Weights &table = frame.memory.weights(step.getTableAttr());
  const float scale = toFloat(step.getScale());
  Rows &result = frame[step.getResult()];
  for (int64_t r = 0; r < frame.rows(); ++r) {
    if (frame.token(r) < 0) {
      std::ranges::copy(frame[step.getSoft()].row(r), result.row(r).begin());
      continue;
    }
    for (int64_t i = 0; i < result.width; ++i)
      result.row(r)[static_cast<size_t>(i)] = table.element(frame.token(r), i) * scale;
  }
}

void run(gemma::RopeTableStep step, Frame &frame) {
  const double theta = step.getRope().getTheta().getValueAsDouble();
  const auto factor = static_cast<float>(step.getRope().getFactor().getValueAsDouble());
  const auto headDim = static_cast<float>(step.getHeadDim());
  Rows &result = frame[step.getResult()];
  const auto half = static_cast<size_t>(result.width / 2);
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (size_t j = 0; j < half; ++j) {
      float frequency = 0.0f;
      if (static_cast<int64_t>(j) < step.getRope().getPairs())
        frequency = 1.0f / static_cast<float>(std::pow(theta, double{static_cast<float>(2 * j) / headDim})) / factor;
      const SineCosine turn = sineCosine(static_cast<float>(frame.position(r)) * frequency);
      result.row(r)[j] = turn.cosine;
      result.row(r)[half + j] = turn.sine;
    }
}

/// A row clamped to -limit .. limit.
static std::vector<float> limited(std::span<const float> x, std::optional<llvm::APFloat> limit) {
  std::vector<float> result(x.begin(), x.end());
  if (limit)
    for (float &value : result)
      value = smaller(larger(value, -toFloat(*limit)), toFloat(*limit));
  return result;
}

void run(gemma::NormStep step, Frame &frame) {
  std::span<const float> weight = frame.memory.vector(step.getWeightAttr());
  const float factor = toFloat(step.getFactor()), eps = toFloat(step.getEps());
  Rows &input = frame[step.getInput()];
  std::vector<float> y(static_cast<size_t>(input.width));
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    const std::vector<float> x = limited(frame[step.getInput()].row(r), step.getLimit());
    const float q = inverseRms(x, step.getCount(), eps);
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = weight.empty() ? x[i] * q : (x[i] * q) * weight[i];
      y[i] = y[i] * factor;
    }
    clamp(y, step.getWithin());
    frame[step.getResult()].store(r, y, staticScale(step.getStaticScale()));
  }
}

void run(gemma::AddNormStep step, Frame &frame) {
  std::span<const float> weight = frame.memory.vector(step.getWeightAttr());
  std::span<const float> layerScale = frame.memory.vector(step.getLayerScaleAttr());
  std::vector<float> y(weight.size());
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    std::span<const float> x = frame[step.getInput()].row(r);
    const std::vector<float> branch = limited(frame[step.getBranch()].row(r), step.getLimit());
    const float q = inverseRms(branch, step.getCount(), toFloat(step.getEps()));
    for (size_t i = 0; i < y.size(); ++i) {
      const float normed = (branch[i] * q) * weight[i];
      y[i] = x[i] + (step.getFactor() ? normed * toFloat(*step.getFactor()) : normed);
      if (!layerScale.empty())
        y[i] = y[i] * layerScale[0];
    }
    frame[step.getResult()].store(r, y, 0.0f);
  }
}

void run(gemma::QuantizeStep step, Frame &frame) {
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    std::span<const float> x = frame[step.getInput()].row(r);
    std::vector<float> copy(x.begin(), x.end());
    clamp(copy, step.getWithin());
    frame[step.getResult()].store(r, copy, staticScale(step.getStaticScale()));
  }
}

void run(gemma::PleCombineStep step, Frame &frame) {
  const Weights &table = frame.memory.weights(step.getTableAttr());
  std::span<const float> norm = frame.memory.vector(step.getNormAttr());
  const float a = toFloat(step.getContextScale()), b = toFloat(step.getTokenScale()),
              h = toFloat(step.getResultScale());
  const size_t width = norm.size();
  std::vector<float> scaled(width);
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (size_t group = 0; group < static_cast<size_t>(step.getGroups()); ++group) {
      std::span<const float> context = frame[step.getContext_()].row(r).subspan(group * width, width);
      for (size_t i = 0; i < width; ++i)
        scaled[i] = context[i] * a;
      const float q = inverseRms(scaled, step.getCount(), toFloat(step.getEps()));
      std::span<float> result = frame[step.getResult()].row(r).subspan(group * width, width);
      for (size_t i = 0; i < width; ++i) {
        const float token = table.element(std::max(frame.token(r), 0), static_cast<int64_t>(group * width + i));
        result[i] = (((scaled[i] * q) * norm[i]) + (token * b)) * h;
      }
    }
}

} // namespace gemmac::interp
