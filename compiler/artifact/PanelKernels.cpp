// Quantized panels are made tile by tile: 16 groups of 32 columns are rounded (GroupQuantizer.h), then their bits are laid
// out in planes.
#include "compiler/artifact/PanelKernels.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/Lanes.h"

#include <cstring>

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

// ---- Plain formats: `count` rows side by side, column after column.

template <typename Rows>
GEMMAC_INLINE static bool storeFloats(const Rows &rows, int64_t count, int64_t cols, uint8_t *result) {
  for (int64_t col = 0; col < cols; ++col)
    for (int64_t lane = 0; lane < count; ++lane)
      std::memcpy(result + (col * count + lane) * 4, &rows[lane][col], 4);
  return true;
}

template <uint16_t (*convert)(float), uint16_t infinity, typename Rows>
GEMMAC_INLINE static bool storeHalves(const Rows &rows, int64_t count, int64_t cols, uint8_t *result) {
  uint32_t bad = 0;
  for (int64_t col = 0; col < cols; ++col)
    for (int64_t lane = 0; lane < count; ++lane) {
      uint16_t half = convert(rows[lane][col]);
      bad |= (half & infinity) == infinity;
      std::memcpy(result + (col * count + lane) * 2, &half, 2);
    }
  return !bad;
}

template <typename Rows>
GEMMAC_INLINE static bool storePlain(WeightFormat format, const Rows &rows, int64_t count, int64_t cols,
                                     uint8_t *result) {
  if (format == WeightFormat::F32)
    return storeFloats(rows, count, cols, result);
  if (format == WeightFormat::F16)
    return storeHalves<floatToHalf, 0x7c00>(rows, count, cols, result);
  return storeHalves<floatToBFloat, 0x7f80>(rows, count, cols, result);
}

GEMMAC_CLONES static bool storePlainPanel(WeightFormat format, const PanelRows &rows, int64_t cols, uint8_t *result) {
  return storePlain(format, rows, lanes, cols, result);
}

GEMMAC_CLONES static bool storePlainRow(WeightFormat format, const float *row, int64_t cols, uint8_t *result) {
  return storePlain(format, std::array<const float *, 1>{row}, 1, cols, result);
}

// ---- Quantized formats: bit planes as planePlace says.

/// Writes lane `lane` of the tile as row `row` of `rows` of one plane.
template <int64_t bits>
GEMMAC_INLINE static void storePlane(const QuantizedTile &tile, int64_t shift, int64_t lane, int64_t row, int64_t rows,
                                     uint8_t *result) {
  constexpr int64_t fields = 8 / bits;
  constexpr unsigned mask = (1u << bits) - 1;
  for (int64_t block = 0; block < bits; ++block)
    for (int64_t byte = 0; byte < 4; ++byte) {
      unsigned packed = 0;
      for (int64_t field = 0; field < fields; ++field)
        packed |= (tile.stored[(field * bits + block) * 4 + byte][lane] >> shift & mask) << field * bits;
      result[(block * rows + row) * 4 + byte] = static_cast<uint8_t>(packed);
    }
}

/// Writes `count` lanes from `first` on as the rows of one group, scales behind the values.
GEMMAC_INLINE static void storeGroup(WeightFormat format, const QuantizedTile &tile, int64_t first, int64_t count,
                                     uint8_t *result) {
  for (const BitPlane &plane : formatInfo(format).planes) {
    for (int64_t row = 0; row < count; ++row)
      if (plane.bits == 8)
        storePlane<8>(tile, plane.shift, first + row, row, count, result);
      else if (plane.bits == 4)
        storePlane<4>(tile, plane.shift, first + row, row, count, result);
      else if (plane.bits == 2)
        storePlane<2>(tile, plane.shift, first + row, row, count, result);
      else if (plane.bits == 1)
        storePlane<1>(tile, plane.shift, first + row, row, count, result);
    result += plane.bits * count * 4;
  }
  std::memcpy(result, &tile.scales[first], count * sizeof(uint16_t));
}

GEMMAC_CLONES static void storePanelGroup(WeightFormat format, const QuantizedTile &tile, uint8_t *result) {
  storeGroup(format, tile, 0, lanes, result);
}

GEMMAC_CLONES static void loadPanelTile(const PanelRows &rows, int64_t firstCol, GroupTile &tile) {
  for (int64_t lane = 0; lane < lanes; ++lane)
    for (int64_t col = 0; col < groupColumns; ++col)
      tile.values[col][lane] = rows[lane][firstCol + col];
}

static bool quantizePanel(WeightFormat format, const PanelRows &rows, int64_t cols, uint8_t *result) {
  bool fits = true;
  for (int64_t first = 0; first < cols; first += groupColumns, result += groupBytes(format, lanes)) {
    GroupTile tile;
    QuantizedTile quantized;
    loadPanelTile(rows, first, tile);
    fits &= quantizeTile(format, tile, quantized);
    storePanelGroup(format, quantized, result);
  }
  return fits;
}

static bool quantizeRow(WeightFormat format, const float *row, int64_t cols, uint8_t *result) {
  bool fits = true;
  int64_t groups = cols / groupColumns;
  for (int64_t first = 0; first < groups; first += lanes) {
    int64_t count = groups - first < lanes ? groups - first : lanes;
    GroupTile tile = {};
    QuantizedTile quantized;
    for (int64_t lane = 0; lane < count; ++lane)
      for (int64_t col = 0; col < groupColumns; ++col)
        tile.values[col][lane] = row[(first + lane) * groupColumns + col];
    fits &= quantizeTile(format, tile, quantized);
    for (int64_t lane = 0; lane < count; ++lane, result += groupBytes(format, 1))
      storeGroup(format, quantized, lane, 1, result);
  }
  return fits;
}

bool packPanel(WeightFormat format, const PanelRows &rows, int64_t cols, uint8_t *result) {
  return formatInfo(format).quantized ? quantizePanel(format, rows, cols, result)
                                      : storePlainPanel(format, rows, cols, result);
}

bool packRow(WeightFormat format, const float *row, int64_t cols, uint8_t *result) {
  return formatInfo(format).quantized ? quantizeRow(format, row, cols, result)
                                      : storePlainRow(format, row, cols, result);
}

} // namespace gemmac
