#include "Matrices.h"

#include "dialects/formats/CacheLayout.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gemmac::test {

static uint16_t bitsOfHalf(float value) {
  _Float16 half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, sizeof(bits));
  return bits;
}

static uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float roundTo(Format format, float value) {
  switch (format) {
  case Format::F32:
    return value;
  case Format::BF16: {
    uint32_t bits = (bitsOf(value) + 0x8000u) & 0xffff0000u;
    std::memcpy(&value, &bits, sizeof(bits));
    return value;
  }
  default:
    return static_cast<float>(static_cast<_Float16>(value));
  }
}

static int lowestInteger(Format format) {
  switch (format) {
  case Format::Q12: // only as other programs may have it: rounding gives -2047
    return -2048;
  case Format::Q8:
    return -127;
  case Format::C8: // only as checkpoints have it
    return -128;
  case Format::Q6:
    return -32;
  case Format::Q5:
    return -16;
  case Format::Q4:
  case Format::C4:
    return -8;
  case Format::Q3:
    return -4;
  default: // Q2, C2
    return -2;
  }
}

/// Puts the quantized element of column `c` (0 to 31) into the bytes of its group; `stored` has the zero point added.
static void putBits(Format format, uint8_t *bytes, int64_t rows, int64_t row, int64_t c, unsigned stored) {
  auto put = [&](int64_t start, int64_t block, unsigned bits, int64_t shift) {
    bytes[start + (block * rows + row) * 4 + c % 4] |= static_cast<uint8_t>(bits << shift);
  };
  int64_t quad = c / 4;
  switch (format) {
  case Format::Q12: // the low bits as q8, then the high bits as q4
    put(0, quad, stored & 255, 0);
    return put(32 * rows, quad % 4, stored >> 8, quad < 4 ? 0 : 4);
  case Format::Q8: // [8][rows][4]
  case Format::C8:
    return put(0, quad, stored & 255, 0);
  case Format::Q6: // the low bits as q4, then the high bits as q2
    put(0, quad % 4, stored & 15, quad < 4 ? 0 : 4);
    return put(16 * rows, quad % 2, stored >> 4, quad / 2 * 2);
  case Format::Q5: // the low bits as q4, then one byte of high bits for 8 columns
    put(0, quad % 4, stored & 15, quad < 4 ? 0 : 4);
    return put(16 * rows, 0, stored >> 4, quad);
  case Format::Q4: // [4][rows][4], columns 16.. in the high nibbles
  case Format::C4:
    return put(0, quad % 4, stored, quad < 4 ? 0 : 4);
  case Format::Q3: // the low bits as q2, then one byte of high bits for 8 columns
    put(0, quad % 2, stored & 3, quad / 2 * 2);
    return put(8 * rows, 0, stored >> 2, quad);
  default: // Q2, C2: [2][rows][4], columns 0.., 8.., 16.., 24.. from the low bits up
    return put(0, quad % 2, stored, quad / 2 * 2);
  }
}

void Matrix::clearRow(int64_t row) {
  std::fill_n(numbers.begin() + row * cols, cols, 0.0f);
  std::fill_n(scales.begin() + row * cols / groupColumns, cols / groupColumns, isQuantized(format) ? 0.0f : 1.0f);
}

std::vector<float> randomVector(Random &random, int64_t length, float size) {
  std::normal_distribution<float> normal(0.0f, size);
  std::vector<float> values(length);
  for (float &value : values)
    value = normal(random);
  return values;
}

bool isPadding(int64_t headDim, int64_t place) { return place % (paddedHeadDim(headDim) / 2) >= headDim / 2; }

std::vector<float> randomHeadNorm(Random &random, int64_t headDim) {
  std::vector<float> norm = randomVector(random, paddedHeadDim(headDim));
  for (int64_t j = 0; j < paddedHeadDim(headDim); ++j)
    if (isPadding(headDim, j))
      norm[j] = 0.0f;
  return norm;
}

Matrix randomMatrix(Random &random, Format format, int64_t rows, int64_t cols, float size, Layout layout) {
  Matrix matrix(format, rows, cols);
  if (!isQuantized(format)) {
    matrix.numbers = randomVector(random, rows * cols, size);
    for (float &value : matrix.numbers)
      value = roundTo(format, value);
    return matrix;
  }
  int lowest = lowestInteger(format), highest = format == Format::Q8 ? 127 : -lowest - 1;
  bool rowScales = format == Format::C8 || format == Format::C4 || format == Format::C2;
  std::uniform_int_distribution<int> integer(lowest, highest);
  for (float &value : matrix.numbers)
    value = static_cast<float>(integer(random));
  std::uniform_real_distribution<float> scale(0.2f * size / highest, 2.0f * size / highest);
  for (float &value : matrix.scales)
    value = rowScales ? scale(random) : roundTo(format, scale(random));
  for (int64_t row = 0; rowScales && layout != Layout::Table && row < rows; ++row) {
    auto first = matrix.scales.begin() + row * cols / groupColumns;
    std::fill_n(first, cols / groupColumns, *first);
  }
  // One group all at the lowest and one all at the highest integer: the largest sums that there are.
  std::fill_n(matrix.numbers.begin(), groupColumns, static_cast<float>(lowest));
  std::fill_n(matrix.numbers.end() - groupColumns, groupColumns, static_cast<float>(highest));
  return matrix;
}

// One panel: rows [first, first + count) of the matrix.
static void packPanel(const Matrix &matrix, int64_t first, int64_t count, uint8_t *panel) {
  const FormatInfo &info = formatInfo(matrix.format);
  bool bytes8 = matrix.format == Format::Q8 || matrix.format == Format::C8;
  int zeroPoint = bytes8 ? 0 : -lowestInteger(matrix.format);
  for (int64_t group = 0; group < matrix.cols / groupColumns; ++group) {
    uint8_t *bytes = panel + group * groupBytes(matrix.format, count);
    for (int64_t lane = 0; lane < count; ++lane) {
      for (int64_t c = 0; c < groupColumns; ++c) {
        float value = matrix.number(first + lane, group * groupColumns + c);
        int64_t place = c * count + lane; // of unquantized elements: [cols][rows]
        uint32_t bits = bitsOf(value);
        uint16_t half = matrix.format == Format::BF16 ? static_cast<uint16_t>(bits >> 16) : bitsOfHalf(value);
        if (matrix.format == Format::F32)
          std::memcpy(bytes + 4 * place, &bits, 4);
        else if (!info.quantized)
          std::memcpy(bytes + 2 * place, &half, 2);
        else
          putBits(matrix.format, bytes, count, lane, c, static_cast<unsigned>(static_cast<int>(value) + zeroPoint));
      }
      float scale = matrix.scale(first + lane, group * groupColumns);
      uint16_t half = bitsOfHalf(scale);
      int64_t groups = matrix.cols / groupColumns, valuesOfGroup = count * groupColumns * info.bits / 8;
      if (info.scales == ScaleKind::Group)
        std::memcpy(bytes + valuesOfGroup + 2 * lane, &half, 2);
      if (info.scales == ScaleKind::Row) // f32 behind all groups: of 16 rows, or of one row's blocks of 32
        std::memcpy(panel + groups * valuesOfGroup + 4 * (count == 1 ? group : lane), &scale, 4);
    }
  }
}

std::vector<uint8_t> pack(const std::vector<Matrix> &batch, Layout layout) {
  const Matrix &first = batch.front();
  int64_t together = rowsOf(layout), panels = first.rows / together,
          blocks = layout == Layout::Table ? first.cols / groupColumns : 1,
          bytes = panelBytes(first.format, together, first.cols, blocks);
  std::vector<uint8_t> packed(
      packedBytes(first.format, layout, static_cast<int64_t>(batch.size()), first.rows, first.cols, blocks));
  uint8_t *place = packed.data();
  for (const Matrix &matrix : batch)
    for (int64_t panel = 0; panel < panels; ++panel, place += bytes)
      packPanel(matrix, panel * together, together, place);
  return packed;
}

Matrix interleave(const Matrix &gate, const Matrix &up) {
  Matrix both(gate.format, 2 * gate.rows, gate.cols);
  for (int64_t row = 0; row < both.rows; ++row) {
    const Matrix &source = row / panelRows % 2 ? up : gate;
    int64_t from = row / (2 * panelRows) * panelRows + row % panelRows;
    std::copy_n(source.numbers.begin() + from * gate.cols, gate.cols, both.numbers.begin() + row * gate.cols);
    std::copy_n(source.scales.begin() + from * gate.cols / groupColumns, gate.cols / groupColumns,
                both.scales.begin() + row * gate.cols / groupColumns);
  }
  return both;
}

} // namespace gemmac::test
