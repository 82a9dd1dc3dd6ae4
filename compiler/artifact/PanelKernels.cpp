// Quantized panels are made tile by tile: 16 groups of 32 columns are rounded (GroupQuantizer.h), then
// their bits are laid out in planes.
#include "compiler/artifact/PanelKernels.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/Lanes.h"
#include "compiler/artifact/LatticeScale.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

// ---- Plain formats: `count` rows side by side, column after column.

template <typename Rows>
GEMMAC_INLINE static bool storeFloats(const Rows &rows, int64_t count, int64_t cols, uint8_t *result) {
  for (int64_t col = 0; col < cols; ++col)
    for (int64_t lane = 0; lane < count; ++lane)
      std::memcpy(result + (col * count + lane) * 4, &rows[lane].values[col], 4);
  return true;
}

template <uint16_t (*convert)(float), uint16_t infinity, typename Rows>
GEMMAC_INLINE static bool storeHalves(const Rows &rows, int64_t count, int64_t cols, uint8_t *result) {
  uint32_t bad = 0;
  for (int64_t col = 0; col < cols; ++col)
    for (int64_t lane = 0; lane < count; ++lane) {
      uint16_t half = convert(rows[lane].values[col]);
      bad |= (half & infinity) == infinity;
      std::memcpy(result + (col * count + lane) * 2, &half, 2);
    }
  return !bad;
}

template <typename Rows>
GEMMAC_INLINE static bool storePlain(Format format, const Rows &rows, int64_t count, int64_t cols, uint8_t *result) {
  if (format == Format::F32)
    return storeFloats(rows, count, cols, result);
  if (format == Format::F16)
    return storeHalves<floatToHalf, 0x7c00>(rows, count, cols, result);
  return storeHalves<floatToBFloat, 0x7f80>(rows, count, cols, result);
}

GEMMAC_CLONES static bool storePlainPanel(Format format, const PanelRows &rows, int64_t cols, uint8_t *result) {
  return storePlain(format, rows, lanes, cols, result);
}

GEMMAC_CLONES static bool storePlainRow(Format format, const PanelRow &row, int64_t cols, uint8_t *result) {
  return storePlain(format, &row, 1, cols, result);
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

/// Writes `count` lanes from `first` on as the rows of one group: the values, and the scales if the group has some.
GEMMAC_INLINE static void storeGroup(const BitPlane *planes, bool scales, const QuantizedTile &tile, int64_t first,
                                     int64_t count, uint8_t *result) {
  for (int64_t plane = 0; plane < mostPlanes; ++plane) {
    auto [bits, shift] = planes[plane];
    for (int64_t row = 0; row < count; ++row)
      if (bits == 8)
        storePlane<8>(tile, shift, first + row, row, count, result);
      else if (bits == 4)
        storePlane<4>(tile, shift, first + row, row, count, result);
      else if (bits == 2)
        storePlane<2>(tile, shift, first + row, row, count, result);
      else if (bits == 1)
        storePlane<1>(tile, shift, first + row, row, count, result);
    result += bits * count * 4;
  }
  if (scales)
    std::memcpy(result, &tile.scales[first], count * sizeof(uint16_t));
}

GEMMAC_CLONES static void storePanelGroup(const BitPlane *planes, bool scales, const QuantizedTile &tile,
                                          uint8_t *result) {
  storeGroup(planes, scales, tile, 0, lanes, result);
}

GEMMAC_CLONES static void loadColumns(const float *const *rows, int64_t firstCol, GroupTile &tile) {
  for (int64_t lane = 0; lane < lanes; ++lane)
    for (int64_t col = 0; col < groupColumns; ++col)
      tile.values[col][lane] = rows[lane][firstCol + col];
}

namespace {

/// What the 16 lanes of a tile are: rows of a panel, groups or blocks of one row.
struct LaneSource {
  const float *values;
  const int8_t *integers; ///< null: round the values
  const float *scale;     ///< of the integers
  bool padding;
};

/// Makes the tiles of one run of 16 lanes.
class TilePacker {
public:
  TilePacker(Format format, Encoding stored, const ScaleChoice &choice, PackCounts &counts)
      : choice(choice), format(format), stored(stored), info(formatInfo(format)), counts(counts) {}

  LaneSource lane[lanes];
  ScaleChoice choice; ///< of the columns in `lane`

  /// One group of each lane, with scales of its own. False on overflow.
  bool quantizeGroups(QuantizedTile &result) {
    GroupTile tile;
    load(0, tile);
    uint32_t taken = 0;
    QuantizedTile given;
    bool fits = true;
    for (int64_t i = 0; i < lanes; ++i)
      if (lane[i].integers) {
        takeIntegers(i, 0, given);
        given.scales[i] = floatToHalf(*lane[i].scale);
        fits &= (given.scales[i] & 0x7c00) != 0x7c00;
        taken |= 1u << i;
      }
    uint32_t exact = taken == allLanes ? 0 : findLattice(format, stored, tile, result);
    if ((exact | taken) != allLanes) {
      QuantizedTile rounded;
      fits &= quantizeTile(format, tile, rounded, choice);
      merge(rounded, ~exact, result);
    }
    merge(given, taken, result);
    for (int64_t i = 0; i < lanes; ++i) // a scale of the checkpoint that f16 cannot hold was rounded
      if (taken >> i & 1 && halfToFloat(given.scales[i]) != *lane[i].scale)
        exact &= ~(1u << i);
      else if (taken >> i & 1)
        exact |= 1u << i;
    count(exact, 1);
    return fits;
  }

  /// `groups` groups of each lane, which share the lane's scale. False on overflow.
  bool quantizeRuns(int64_t groups, std::vector<QuantizedTile> &results, float *scales) {
    std::vector<GroupTile> tiles(groups);
    results.resize(groups);
    for (int64_t group = 0; group < groups; ++group)
      load(group * groupColumns, tiles[group]);
    bool fits = true;
    uint32_t exact = 0;
    if (llvm::any_of(lane, [](const LaneSource &source) { return !source.integers && !source.padding; }))
      fits = quantizeRows(format, tiles.data(), groups, results.data(), scales, choice);
    for (int64_t i = 0; i < lanes; ++i) {
      if (!lane[i].integers && !lane[i].padding)
        continue;
      exact |= 1u << i;
      scales[i] = lane[i].integers ? *lane[i].scale : 0.0f;
      for (int64_t group = 0; group < groups; ++group)
        takeIntegers(i, group * groupColumns, results[group]);
    }
    count(exact, groups);
    return fits;
  }

private:
  static constexpr uint32_t allLanes = (1u << lanes) - 1;

  void load(int64_t firstCol, GroupTile &tile) {
    const float *rows[lanes];
    for (int64_t i = 0; i < lanes; ++i)
      rows[i] = lane[i].values;
    loadColumns(rows, firstCol, tile);
  }

  void takeIntegers(int64_t i, int64_t firstCol, QuantizedTile &result) {
    for (int64_t col = 0; col < groupColumns; ++col) {
      int integer = lane[i].integers ? lane[i].integers[firstCol + col] : 0;
      result.stored[col][i] = static_cast<uint16_t>(integer + info.zeroPoint);
    }
  }

  static void merge(const QuantizedTile &from, uint32_t which, QuantizedTile &result) {
    for (int64_t i = 0; i < lanes; ++i) {
      if (!(which >> i & 1))
        continue;
      result.scales[i] = from.scales[i];
      for (int64_t col = 0; col < groupColumns; ++col)
        result.stored[col][i] = from.stored[col][i];
    }
  }

  void count(uint32_t exact, int64_t groups) {
    for (int64_t i = 0; i < lanes; ++i)
      if (!lane[i].padding) {
        counts.groups += groups;
        counts.exact += (exact >> i & 1) * groups;
      }
  }

  Format format;
  Encoding stored;
  const FormatInfo &info;
  PackCounts &counts;
};

} // namespace

/// What all rows were rounded to; f32 when they differ, which finds fewer lattices and no wrong one.
static Encoding commonEncoding(const PanelRows &rows) {
  std::optional<Encoding> common;
  for (const PanelRow &row : rows)
    if (!row.padding)
      common = !common || *common == row.stored ? row.stored : Encoding::F32;
  return common.value_or(Encoding::F32);
}

static bool quantizePanel(Format format, const PanelRows &rows, int64_t cols, uint8_t *result, PackCounts &counts,
                          const ScaleChoice &choice) {
  const FormatInfo &info = formatInfo(format);
  TilePacker packer(format, commonEncoding(rows), choice, counts);
  auto place = [&](int64_t group) {
    if (choice.importance)
      packer.choice.importance = choice.importance + group * groupColumns;
    for (int64_t i = 0; i < lanes; ++i)
      packer.lane[i] = {rows[i].values + group * groupColumns,
                        rows[i].integers ? rows[i].integers + group * groupColumns : nullptr,
                        rows[i].scales ? rows[i].scales + group : nullptr, rows[i].padding};
  };
  int64_t groups = cols / groupColumns, groupStride = groupBytes(format, lanes);
  bool fits = true;
  if (info.rowScales()) {
    std::vector<QuantizedTile> tiles;
    float scales[lanes];
    place(0);
    fits = packer.quantizeRuns(groups, tiles, scales);
    for (int64_t group = 0; group < groups; ++group)
      storePanelGroup(info.planes, /*scales=*/false, tiles[group], result + group * groupStride);
    std::memcpy(result + groups * groupStride, scales, sizeof(scales));
    return fits;
  }
  for (int64_t group = 0; group < groups; ++group) {
    QuantizedTile tile;
    place(group);
    fits &= packer.quantizeGroups(tile);
    storePanelGroup(info.planes, /*scales=*/true, tile, result + group * groupStride);
  }
  return fits;
}

/// Lanes are groups of the row or, where a block of columns shares a scale, blocks: columns
/// have no importance of their own.
static bool quantizeRow(Format format, const PanelRow &row, int64_t cols, int64_t scaleBlocks, uint8_t *result,
                        PackCounts &counts, bool plain) {
  const FormatInfo &info = formatInfo(format);
  std::vector<float> zeros(cols);
  TilePacker packer(format, row.stored, {plain, nullptr}, counts);
  int64_t groups = cols / groupColumns, runs = info.rowScales() ? scaleBlocks : groups, runGroups = groups / runs;
  bool fits = true;
  for (int64_t first = 0; first < runs; first += lanes) {
    int64_t count = std::min(runs - first, lanes);
    for (int64_t i = 0; i < lanes; ++i) {
      int64_t col = (first + i) * runGroups * groupColumns;
      packer.lane[i] = i < count ? LaneSource{row.values + col, row.integers ? row.integers + col : nullptr,
                                              row.scales ? row.scales + first + i : nullptr, row.padding}
                                 : LaneSource{zeros.data(), nullptr, nullptr, true};
    }
    std::vector<QuantizedTile> tiles(1);
    float scales[lanes];
    fits &= info.rowScales() ? packer.quantizeRuns(runGroups, tiles, scales) : packer.quantizeGroups(tiles[0]);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t group = 0; group < runGroups; ++group)
        storeGroup(info.planes, !info.rowScales(), tiles[group], i, 1,
                   result + ((first + i) * runGroups + group) * groupBytes(format, 1));
    if (info.rowScales())
      std::memcpy(result + rowScalesOffset(format, 1, cols) + first * sizeof(float), scales, count * sizeof(float));
  }
  return fits;
}

bool packPanel(Format format, const PanelRows &rows, int64_t cols, uint8_t *result, PackCounts &counts,
               const ScaleChoice &choice) {
  return formatInfo(format).quantized ? quantizePanel(format, rows, cols, result, counts, choice)
                                      : storePlainPanel(format, rows, cols, result);
}

bool packRow(Format format, const PanelRow &row, int64_t cols, int64_t scaleBlocks, uint8_t *result, PackCounts &counts,
             const ScaleChoice &choice) {
  return formatInfo(format).quantized ? quantizeRow(format, row, cols, scaleBlocks, result, counts, choice.plain)
                                      : storePlainRow(format, row, cols, result);
}

void storePanel(Format format, llvm::ArrayRef<QuantizedTile> tiles, uint8_t *result) {
  for (const QuantizedTile &tile : tiles) {
    storePanelGroup(formatInfo(format).planes, /*scales=*/true, tile, result);
    result += groupBytes(format, lanes);
  }
}

const PanelWriter &panelWriter(Layout layout) {
  static constexpr PanelWriter panels = {
      [](Format format, const PanelRows &rows, int64_t cols, int64_t, uint8_t *result, PackCounts &counts,
         const ScaleChoice &choice) { return packPanel(format, rows, cols, result, counts, choice); },
      storePanel};
  static constexpr PanelWriter singleRows = {
      [](Format format, const PanelRows &rows, int64_t cols, int64_t scaleBlocks, uint8_t *result, PackCounts &counts,
         const ScaleChoice &choice) { return packRow(format, rows[0], cols, scaleBlocks, result, counts, choice); },
      nullptr};
  return layout == Layout::Panels ? panels : singleRows;
}

} // namespace gemmac
