// "The audio tower" of docs/spec/numerics.md.
#include "targets/interp/Numbers.h"
#include "targets/interp/Steps.h"
#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace gemmac::interp {

static bool isValid(Frame &frame, mlir::Value flags, int64_t row) { return frame[flags].integerRow(row)[0] != 0; }

/// x / (1 + e^-y).
static float gated(float x, float y) { return x / (exponential(-y) + 1.0f); }

//===--- conv2d

namespace {

/// The input of a convolution, with zeros around it.
class Frames {
public:
  Frames(gemma::Conv2dStep step, Frame &frame)
      : step(step), frame(frame), rows(frame.rows(step.getInput())), binWidth(step.getBinWidth()) {}

  /// The value of a channel, or null where nothing is.
  const float *at(int64_t row, int64_t bin, int64_t channel) const {
    if (row < 0 || row >= rows || bin < 0 || bin >= static_cast<int64_t>(step.getBins()) ||
        !isValid(frame, step.getValid(), row * static_cast<int64_t>(step.getEvery())))
      return nullptr;
    return &frame[step.getInput()].row(row)[static_cast<size_t>(bin * binWidth + channel)];
  }

private:
  mutable gemma::Conv2dStep step;
  Frame &frame;
  int64_t rows, binWidth;
};

} // namespace

static float convolved(const Frames &frames, std::span<const float> weight, int64_t channels, int64_t row,
                       int64_t bin) {
  float sum = 0.0f;
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 3; ++j)
      for (int64_t c = 0; c < channels; ++c) {
        const float *x = frames.at(2 * row - 1 + i, 2 * bin - 1 + j, c);
        sum = std::fma(weight[static_cast<size_t>(9 * c + 3 * i + j)], x ? *x : 0.0f, sum);
      }
  return sum;
}

/// max(layer_norm(x), 0) of the channels of a bin, in place; what is behind `count` is padding.
static void normChannels(std::span<float> x, size_t count, std::span<const float> weight, float eps) {
  Lanes sums = {}, squares = {};
  for (size_t i = 0; i < count; ++i)
    sums[i % 16] = sums[i % 16] + x[i];
  const float mean = sumLanes(sums) / static_cast<float>(count);
  for (size_t i = 0; i < count; ++i) {
    x[i] = x[i] - mean;
    squares[i % 16] = std::fma(x[i], x[i], squares[i % 16]);
  }
  const float q = 1.0f / std::sqrt(sumLanes(squares) / static_cast<float>(count) + eps);
  for (size_t i = 0; i < count; ++i)
    x[i] = larger((x[i] * q) * weight[i], 0.0f);
}

void run(gemma::Conv2dStep step, Frame &frame) {
  const Weights &weights = frame.memory.weights(step.getWeightAttr());
  std::span<const float> norm = frame.memory.vector(step.getNormAttr());
  const Frames frames(step, frame);
  const int64_t count = step.getCount(), binWidth = (count + 15) / 16 * 16;
  for (int64_t r = 0; r < frame.rows(step.getResult()); ++r)
    for (int64_t bin = 0; bin < step.getResultBins(); ++bin) {
      std::span<float> result = frame[step.getResult()].row(r).subspan(static_cast<size_t>(bin * binWidth));
      for (int64_t o = 0; o < count; ++o)
        result[static_cast<size_t>(o)] = convolved(frames, weights.valueRow(o), step.getChannels(), r, bin);
      normChannels(result, static_cast<size_t>(count), norm, toFloat(step.getEps()));
    }
}

//===--- silu, glu, add, add_bias

void run(gemma::SiluStep step, Frame &frame) {
  std::vector<float> y;
  for (int64_t r = 0; r < frame.rows(); ++r) {
    y.clear();
    for (float x : frame[step.getInput()].row(r))
      y.push_back(gated(x, x));
    clamp(y, step.getWithin());
    frame[step.getResult()].store(r, y, staticScale(step.getStaticScale()));
  }
}

void run(gemma::GluStep step, Frame &frame) {
  for (int64_t r = 0; r < frame.rows(); ++r) {
    std::span<float> result = frame[step.getResult()].row(r);
    std::span<const float> x = frame[step.getInput()].row(r);
    for (size_t i = 0; i < result.size(); ++i)
      result[i] = gated(x[i], x[result.size() + i]);
  }
}

void run(gemma::AddStep step, Frame &frame) {
  for (int64_t r = 0; r < frame.rows(); ++r) {
    std::span<const float> a = frame[step.getInput()].row(r), b = frame[step.getBranch()].row(r);
    std::transform(a.begin(), a.end(), b.begin(), frame[step.getResult()].row(r).begin(), std::plus<>());
  }
}

void run(gemma::AddBiasStep step, Frame &frame) {
  std::span<const float> bias = frame.memory.vector(step.getBiasAttr());
  for (int64_t r = 0; r < frame.rows(); ++r) {
    std::span<const float> x = frame[step.getInput()].row(r);
    std::transform(x.begin(), x.end(), bias.begin(), frame[step.getResult()].row(r).begin(), std::plus<>());
  }
}

//===--- depthwise_conv

void run(gemma::DepthwiseConvStep step, Frame &frame) {
  const Weights &weights = frame.memory.weights(step.getWeightAttr());
  const int64_t taps = step.getTaps(), width = frame[step.getResult()].width;
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (int64_t i = 0; i < width; ++i) {
      float sum = 0.0f;
      for (int64_t j = std::max<int64_t>(0, taps - 1 - r); j < taps; ++j)
        sum = std::fma(weights.valueRow(i)[static_cast<size_t>(j)],
                       frame[step.getInput()].row(r - taps + 1 + j)[static_cast<size_t>(i)], sum);
      frame[step.getResult()].row(r)[static_cast<size_t>(i)] = sum;
    }
}

//===--- sinusoids, relative_attention

void run(gemma::SinusoidsStep step, Frame &frame) {
  const auto half = static_cast<size_t>(step.getHalf()), padded = (half + 15) / 16 * 16;
  const auto slope = static_cast<float>(-std::log(10000.0) / static_cast<double>(std::max<size_t>(half - 1, 1)));
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (size_t j = 0; j < half; ++j) {
      const auto frequency = static_cast<float>(std::exp(double{static_cast<float>(j) * slope}));
      const SineCosine turn = sineCosine(static_cast<float>(r) * frequency);
      frame[step.getResult()].row(r)[j] = turn.sine;
      frame[step.getResult()].row(r)[padded + j] = turn.cosine;
    }
}

namespace {

/// One head of one row, and the rows that it sees.
class Neighbours {
public:
  Neighbours(gemma::RelativeAttentionStep step, Frame &frame, int64_t row, int64_t head)
      : step(step), frame(frame), row(row), first(static_cast<size_t>(head) * padded()) {
    std::span<const float> scale = frame.memory.vector(step.getScaleAttr()), q = part(step.getQuery(), row);
    for (size_t i = 0; i < padded(); ++i)
      query.push_back(q[i] * scale[i]);
  }

  std::vector<float> mixed() {
    const int64_t begin = std::max<int64_t>(0, row - past() + 1);
    const int64_t end = std::min(frame.rows(), row + std::max<int64_t>(step.getFuture(), 1));
    std::map<int64_t, float> scores; // of the rows that are seen
    float top = -3e38f;
    for (int64_t other = begin; other < end; ++other)
      if (isValid(frame, step.getValid(), other * static_cast<int64_t>(step.getEvery())))
        top = larger(scores[other] = softcap(score(other), step.getCap().convertToDouble()), top);
    Lanes sums = {};
    std::vector<float> result(padded(), 0.0f);
    for (int64_t other = begin; other < end; ++other) {
      const float weight = scores.contains(other) ? power(scores[other] - top) : 0.0f;
      float &lane = sums[static_cast<size_t>(other - row + past() - 1) % 16];
      lane = lane + weight;
      for (size_t i = 0; i < result.size(); ++i)
        result[i] = std::fma(part(step.getValue(), other)[i], weight, result[i]);
    }
    const float inverse = scores.empty() ? 0.0f : 1.0f / sumLanes(sums);
    for (float &value : result)
      value = value * inverse;
    return result;
  }

private:
  gemma::RelativeAttentionStep step;
  Frame &frame;
  int64_t row;
  size_t first; ///< element of the head
  std::vector<float> query;

  int64_t past() { return step.getPast(); }
  size_t padded() { return (static_cast<size_t>(step.getHeadDim()) + 15) / 16 * 16; }
  std::span<const float> part(mlir::Value buffer, int64_t index) {
    return std::as_const(frame[buffer]).row(index).subspan(first, padded());
  }
  float dot(std::span<const float> other) {
    Lanes lanes = {};
    for (size_t i = 0; i < other.size(); ++i)
      lanes[i % 16] = std::fma(other[i], query[i], lanes[i % 16]);
    return sumLanes(lanes);
  }
  float score(int64_t other) {
    const float plain = dot(part(step.getKey(), other)) * toFloat(step.getKeyScale());
    if (other > row)
      return plain;
    return plain + dot(part(step.getRelative(), std::min<int64_t>(row - other, step.getDistances())));
  }
};

} // namespace

void run(gemma::RelativeAttentionStep step, Frame &frame) {
  for (int64_t r = 0; r < frame.rows(); ++r) {
    auto place = frame[step.getResult()].row(r).begin();
    for (int64_t head = 0; head < static_cast<int64_t>(step.getHeads()); ++head) {
      const std::vector<float> result = Neighbours(step, frame, r, head).mixed();
      place = std::copy(result.begin(), result.end(), place);
    }
  }
}

} // namespace gemmac::interp
