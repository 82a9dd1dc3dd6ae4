// "Activations: how a matrix reads a row" of docs/spec/numerics.md.
#include "targets/interp/Rows.h"

#include "targets/interp/Numbers.h"

#include <algorithm>
#include <cmath>

namespace gemmac::interp {

Rows::Rows(gemma::BufferType type) : element(type.getElement()), width(type.getWidth()) {
  const auto count = static_cast<size_t>(type.getRows() * width);
  if (element == Element::F32)
    values.resize(count);
  else
    integers.resize(count);
  if (type.isQuantized())
    scales.resize(count / 32);
}

/// One group of 32 to integers. \returns its scale.
static float quantizeGroup(std::span<const float> x, float most, float least, std::span<int32_t> result) {
  float largest = 0.0f;
  for (float value : x)
    largest = larger(std::fabs(value), largest);
  const float inverse = largest >= least ? most / largest : 0.0f;
  for (size_t i = 0; i < x.size(); ++i)
    result[i] = static_cast<int32_t>(std::nearbyint(x[i] * inverse));
  return largest / most;
}

void Rows::store(int64_t index, std::span<const float> input, float staticScale) {
  if (element == Element::F32) {
    std::transform(input.begin(), input.end(), row(index).begin(), [&](float x) { return onGrid(x, staticScale); });
    return;
  }
  const bool wide = element == Element::Q16;
  std::span<float> scalesOfRow = scaleRow(index);
  for (size_t group = 0; group < scalesOfRow.size(); ++group) {
    std::span<const float> x = input.subspan(32 * group, 32);
    std::span<int32_t> result = integerRow(index).subspan(32 * group, 32);
    if (element == Element::S8) {
      std::transform(x.begin(), x.end(), result.begin(),
                     [&](float value) { return static_cast<int32_t>(gridSteps(value, staticScale)); });
      scalesOfRow[group] = staticScale;
    } else {
      scalesOfRow[group] = quantizeGroup(x, wide ? 32512.0f : 127.0f, std::ldexp(1.0f, wide ? -110 : -120), result);
    }
  }
}

} // namespace gemmac::interp
