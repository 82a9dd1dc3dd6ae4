// Products of matrices, and what follows the sums: epilogues; norms, rotation and caches of queries, keys and values.
#include "targets/interp/Numbers.h"
#include "targets/interp/Steps.h"
#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>

namespace gemmac::interp {

/// A sum on the grid of its source, within the bounds of it.
static float finished(const Weights &weights, int64_t row, size_t source, const Rows &input, int64_t inputRow) {
  const float total = onGrid(product(weights, row, input, inputRow), weights.outputScale(source));
  const std::optional<Bounds> bounds = weights.boundsOf(source);
  return bounds ? bounds->clamp(total) : total;
}

/// Element `n` of row `r` of the result.
static float element(gemma::MatmulStep step, Frame &frame, const Weights &weights, int64_t r, int64_t n) {
  const Rows &input = frame[step.getInput()];
  if (step.getEpilogue() == Epilogue::GeGlu) {
    const GateUp rows(n);
    return gelu(finished(weights, rows.gate, 0, input, r)) * finished(weights, rows.up, 1, input, r);
  }
  const float total = finished(weights, n, 0, input, r);
  switch (step.getEpilogue()) {
  case Epilogue::GeluMul:
    return gelu(total) * frame[step.getFactor()].row(r)[static_cast<size_t>(step.getFactorOffset() + n)];
  case Epilogue::Softcap:
    return softcap(total, step.getCap()->convertToDouble());
  default:
    return total;
  }
}

void run(gemma::MatmulStep step, Frame &frame) {
  const Weights &weights = frame.memory.weights(step.getWeightAttr());
  const int64_t width = frame[step.getResult()].width;
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r)
    for (int64_t n = 0; n < width; ++n) {
      const float value = element(step, frame, weights, r, n);
      frame[step.getResult()].row(r)[static_cast<size_t>(n)] = value;
    }
}

namespace {

/// The projections of one row: heads of queries, of keys, of values.
class Heads {
public:
  template <typename Step>
  Heads(Step step, Frame &frame, int64_t row)
      : weights(frame.memory.weights(step.getWeightAttr())), input(frame[step.getInput()]), row(row),
        padded(frame[step.getRopeTable()].width), headDim(step.getHeadDim()), eps(toFloat(step.getEps())),
        table(frame[step.getRopeTable()].row(row)) {}

  /// Head `head` of the stacked matrix as it is projected; `source` 0: queries, 1: keys, 2: values.
  std::vector<float> raw(int64_t head, size_t source) const {
    std::vector<float> result;
    for (int64_t j = 0; j < padded; ++j)
      result.push_back(finished(weights, head * padded + j, source, input, row));
    return result;
  }

  /// \param weight empty: none.
  std::vector<float> normed(std::vector<float> x, std::span<const float> weight) const {
    const float q = inverseRms(x, headDim, eps);
    for (size_t j = 0; j < x.size(); ++j)
      x[j] = weight.empty() ? x[j] * q : (x[j] * q) * weight[j];
    return x;
  }

  std::vector<float> rotated(std::vector<float> x) const {
    const size_t half = x.size() / 2;
    for (size_t j = 0; j < half; ++j) {
      const float cosine = table[j], sine = table[half + j], low = x[j], high = x[half + j];
      x[j] = low * cosine - high * sine;
      x[half + j] = high * cosine + low * sine;
    }
    return x;
  }

private:
  const Weights &weights;
  const Rows &input;
  int64_t row, padded, headDim;
  float eps;
  std::span<const float> table;
};

} // namespace

static void keepKeysAndValues(gemma::QkvStep step, Frame &frame, const Heads &heads, int64_t row) {
  Cache &cache = frame.memory.cache(step.getCacheAttr());
  std::span<const float> keyNorm = frame.memory.vector(step.getKNormAttr());
  const int64_t queries = step.getHeads(), position = frame.position(row);
  for (int64_t head = 0; head < cache.headCount(); ++head) {
    const std::vector<float> key = heads.raw(queries + head, 1);
    const std::vector<float> value = step.getKeysAreValues() ? key : heads.raw(queries + cache.headCount() + head, 2);
    cache.keepKey(position, head, heads.rotated(heads.normed(key, keyNorm)));
    cache.keepValue(position, head, step.getRawValues() ? value : heads.normed(value, {}));
  }
}

void run(gemma::QkvStep step, Frame &frame) {
  std::span<const float> queryNorm = frame.memory.vector(step.getQNormAttr());
  for (int64_t r = 0; r < frame.rows(); ++r) {
    const Heads heads(step, frame, r);
    std::span<float> result = frame[step.getQuery()].row(r);
    for (int64_t head = 0; head < static_cast<int64_t>(step.getHeads()); ++head) {
      const std::vector<float> query = heads.rotated(heads.normed(heads.raw(head, 0), queryNorm));
      std::copy(query.begin(), query.end(), result.begin() + head * static_cast<int64_t>(query.size()));
    }
    if (step.getCacheAttr())
      keepKeysAndValues(step, frame, heads, r);
  }
}

static void keepWords(const EncoderMemory &memory, int64_t row, int64_t head, std::span<const float> key,
                      std::span<const float> value, float valueFactor) {
  const WordRow words(key);
  for (size_t j = 0; j < key.size(); ++j)
    memory.keep(
        row, head, j,
        {static_cast<int16_t>(words.integers[j]), static_cast<int16_t>(std::nearbyint(value[j] * valueFactor))});
  memory.keepKeyScale(row, head, words.scale);
}

void run(gemma::EncoderQkvStep step, Frame &frame) {
  std::span<const float> queryNorm = frame.memory.vector(step.getQNormAttr());
  std::span<const float> keyNorm = frame.memory.vector(step.getKNormAttr());
  const EncoderMemory memory(step, frame);
  const auto queries = static_cast<int64_t>(step.getHeads()), keys = static_cast<int64_t>(step.getKvHeads());
  for (int64_t r = 0; r < frame.rows(step.getInput()); ++r) {
    const Heads heads(step, frame, r);
    for (int64_t head = 0; head < queries; ++head) {
      const std::vector<float> query = heads.rotated(heads.normed(heads.raw(head, 0), queryNorm));
      std::ranges::copy(query, frame[step.getQuery()].row(r).begin() + head * static_cast<int64_t>(query.size()));
    }
    for (int64_t head = 0; head < keys; ++head) {
      const std::vector<float> key = heads.rotated(heads.normed(heads.raw(queries + head, 1), keyNorm));
      const std::vector<float> value = heads.normed(heads.raw(queries + keys + head, 2), {});
      if (memory.words) {
        keepWords(memory, r, head, key, value, encoderValueFactor(static_cast<int64_t>(step.getHeadDim())));
      } else {
        std::ranges::copy(key, memory.key(r, head).begin());
        std::ranges::copy(value, memory.value(r, head).begin());
      }
    }
  }
}

} // namespace gemmac::interp
