// Rounding of weights to quantized formats: values in, stored integers and scales out. Where the bytes go is not known
// here (PanelKernels.h), nor where values come from, so that better ways of rounding only replace these functions.
#ifndef GEMMAC_COMPILER_ARTIFACT_GROUPQUANTIZER_H
#define GEMMAC_COMPILER_ARTIFACT_GROUPQUANTIZER_H

#include "dialects/formats/Format.h"

#include <cstdint>

namespace gemmac {

/// 16 groups of 32 columns side by side. For a matmul panel a lane is a row; for a table row it is one of
/// 16 neighbouring groups. Every lane has its own scale and no sum crosses lanes, so a group's result
/// depends on its own values only.
struct GroupTile {
  alignas(64) float values[groupColumns][panelRows];
};

/// What the tile becomes: `stored` is the integer weight plus the format's zero point (two's complement without one),
/// the weight that it stands for is the integer times the f16 scale.
struct QuantizedTile {
  alignas(64) uint16_t stored[groupColumns][panelRows];
  alignas(64) uint16_t scales[panelRows];
};

/// How the scale of a group is chosen.
struct ScaleChoice {
  bool plain = false;                ///< the extreme value stands for the end of the range; else least squared error
  const float *importance = nullptr; ///< of each column's squared error; null: all alike
};

/// Finds a scale for each lane and rounds with it (docs/formats.md says how). Values are finite. False
/// when a scale is too large for f16.
bool quantizeTile(Format format, const GroupTile &tile, QuantizedTile &result, const ScaleChoice &choice = {});

/// The second half alone: rounds all values with the scales that `result` already holds.
void roundTile(Format format, const GroupTile &tile, QuantizedTile &result);

/// For formats whose scales hold for whole rows: one f32 scale for each lane of `count` tiles, which lie one behind the
/// other in their rows, and all of them rounded with it. Leaves the tiles' own scales
/// alone. False when a scale overflows.
bool quantizeRows(Format format, const GroupTile *tiles, int64_t count, QuantizedTile *results, float *scales,
                  const ScaleChoice &choice = {});

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_GROUPQUANTIZER_H
