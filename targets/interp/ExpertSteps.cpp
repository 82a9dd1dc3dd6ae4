// "Router and experts" of docs/spec/numerics.md.
#include "targets/interp/Numbers.h"
#include "targets/interp/Steps.h"
#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>

namespace gemmac::interp {

/// The softmax over the scores of experts.
static std::vector<float> probabilities(std::span<const float> scores) {
  const float top = *std::max_element(scores.begin(), scores.end());
  std::vector<float> p;
  Lanes a = {};
  for (size_t i = 0; i < scores.size(); ++i) {
    p.push_back(exponential(scores[i] - top));
    a[i % 16] = a[i % 16] + p[i];
  }
  const float sum = sumLanes(a);
  for (float &value : p)
    value = value / sum;
  return p;
}

void run(gemma::RouteStep step, Frame &frame) {
  std::span<const float> perExpert = frame.memory.vector(step.getPerExpertScaleAttr());
  for (int64_t r = 0; r < frame.rows(); ++r) {
    std::vector<float> p = probabilities(frame[step.getScores()].row(r).first(static_cast<size_t>(step.getExperts())));
    std::vector<float> picked;
    std::span<int32_t> picks = frame[step.getPicks()].integerRow(r);
    float sum = 0.0f;
    for (size_t k = 0; k < static_cast<size_t>(step.getTopK()); ++k) {
      auto best = std::max_element(p.begin(), p.end()); // the first of equals
      picks[k] = static_cast<int32_t>(best - p.begin());
      picked.push_back(*best);
      sum = sum + *best;
      *best = -1.0f;
    }
    std::span<float> weights = frame[step.getWeights()].row(r);
    for (size_t k = 0; k < picked.size(); ++k)
      weights[k] = (picked[k] / sum) * perExpert[static_cast<size_t>(frame[step.getPicks()].integerRow(r)[k])];
  }
}

void run(gemma::ExpertUpStep step, Frame &frame) {
  const Weights &weights = frame.memory.weights(step.getWeightAttr());
  const int64_t topK = step.getTopK(), width = frame[step.getResult()].width;
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (int64_t k = 0; k < topK; ++k) {
      const int64_t first = frame[step.getPicks()].integerRow(r)[static_cast<size_t>(k)] * weights.rows;
      for (int64_t n = 0; n < width; ++n) {
        const GateUp rows(n);
        const float gate = product(weights, first + rows.gate, frame[step.getInput()], r);
        const float up = product(weights, first + rows.up, frame[step.getInput()], r);
        frame[step.getResult()].row(r * topK + k)[static_cast<size_t>(n)] = gelu(gate) * up;
      }
    }
}

void run(gemma::ExpertDownStep step, Frame &frame) {
  const Weights &weights = frame.memory.weights(step.getWeightAttr());
  const auto topK = static_cast<size_t>(step.getTopK());
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (int64_t n = 0; n < weights.rows; ++n) {
      float y = 0.0f;
      for (size_t k = 0; k < topK; ++k) {
        const int64_t row = frame[step.getPicks()].integerRow(r)[k] * weights.rows + n;
        const float down =
            product(weights, row, frame[step.getInput()], r * static_cast<int64_t>(topK) + static_cast<int64_t>(k));
        y = std::fma(down, frame[step.getWeights()].row(r)[k], y);
      }
      frame[step.getResult()].row(r)[static_cast<size_t>(n)] = y;
    }
}

} // namespace gemmac::interp
