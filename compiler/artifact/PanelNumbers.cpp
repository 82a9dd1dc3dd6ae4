#include "compiler/artifact/PanelNumbers.h"

#include "compiler/artifact/HalfFloat.h"

#include <cstring>

namespace gemmac {

namespace {

/// The integers of one group, by column and row; while planes are read or written, the stored values.
struct GroupIntegers {
  int16_t values[groupColumns][panelRows];
};

/// Bits of one plane, `shift` up, are added to what is there.
void readPlane(const BitPlane &plane, const uint8_t *bytes, int64_t rows, GroupIntegers &result) {
  auto mask = static_cast<uint8_t>((1 << plane.bits) - 1);
  for (int64_t col = 0; col < groupColumns; ++col) {
    PlanePlace place = planePlace(plane.bits, rows, 0, col);
    for (int64_t row = 0; row < rows; ++row)
      result.values[col][row] = static_cast<int16_t>(
          result.values[col][row] | (bytes[place.byte + row * 4] >> place.shift & mask) << plane.shift);
  }
}

void writePlane(const BitPlane &plane, const GroupIntegers &stored, int64_t rows, uint8_t *bytes) {
  auto mask = static_cast<uint8_t>((1 << plane.bits) - 1);
  std::memset(bytes, 0, plane.bits * rows * 4);
  for (int64_t col = 0; col < groupColumns; ++col) {
    PlanePlace place = planePlace(plane.bits, rows, 0, col);
    for (int64_t row = 0; row < rows; ++row)
      bytes[place.byte + row * 4] =
          static_cast<uint8_t>(bytes[place.byte + row * 4] |
                               (static_cast<uint16_t>(stored.values[col][row]) >> plane.shift & mask) << place.shift);
  }
}

void readGroup(const FormatInfo &info, const uint8_t *bytes, int64_t rows, GroupIntegers &result) {
  std::memset(&result, 0, sizeof(result));
  for (const BitPlane &plane : info.planes)
    if (plane.bits != 0) {
      readPlane(plane, bytes, rows, result);
      bytes += plane.bits * rows * 4;
    }
  for (auto &column : result.values)
    for (int64_t row = 0; row < rows; ++row)
      column[row] = static_cast<int16_t>(info.integerOf(static_cast<uint16_t>(column[row])));
}

void writeGroup(const FormatInfo &info, GroupIntegers &group, int64_t rows, uint8_t *bytes) {
  for (auto &column : group.values)
    for (int64_t row = 0; row < rows; ++row)
      column[row] = static_cast<int16_t>(column[row] + info.zeroPoint);
  for (const BitPlane &plane : info.planes)
    if (plane.bits != 0) {
      writePlane(plane, group, rows, bytes);
      bytes += plane.bits * rows * 4;
    }
}

} // namespace

void widenPanel(Format from, const uint8_t *panel, Format to, int64_t rows, int64_t cols, uint8_t *result) {
  for (int64_t group = 0; group < cols / groupColumns; ++group) {
    GroupIntegers integers;
    readGroup(formatInfo(from), panel, rows, integers);
    writeGroup(formatInfo(to), integers, rows, result);
    std::memcpy(result + valueBytes(to, rows), panel + valueBytes(from, rows), rows * sizeof(uint16_t));
    panel += groupBytes(from, rows);
    result += groupBytes(to, rows);
  }
}

void panelValues(Format format, const uint8_t *panel, int64_t rows, int64_t cols, float *result) {
  for (int64_t group = 0; group < cols / groupColumns; ++group) {
    GroupIntegers integers;
    readGroup(formatInfo(format), panel, rows, integers);
    uint16_t halves[panelRows];
    float scales[panelRows];
    std::memcpy(halves, panel + valueBytes(format, rows), rows * sizeof(uint16_t));
    for (int64_t row = 0; row < rows; ++row)
      scales[row] = halfToFloat(halves[row]);
    for (const auto &column : integers.values)
      for (int64_t row = 0; row < rows; ++row)
        *result++ = static_cast<float>(column[row]) * scales[row];
    panel += groupBytes(format, rows);
  }
}

} // namespace gemmac
