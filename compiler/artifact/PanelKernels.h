// The inner loops of packing: f32 rows to a packed panel. Each is compiled for several ISA
// levels of the machine that gemmac runs on; all give the same bits, because nothing is contracted or reassociated.
#ifndef GEMMAC_COMPILER_ARTIFACT_PANELKERNELS_H
#define GEMMAC_COMPILER_ARTIFACT_PANELKERNELS_H

#include "compiler/formats/WeightFormat.h"

#include <array>
#include <cstdint>

namespace gemmac {

/// The rows of one panel, each `cols` f32 values; padding rows point to zeros.
using PanelRows = std::array<const float *, panelRows>;

/// Writes a panel of 16 rows and `cols` columns (a multiple of 32) in the layout of gemma.packed, without the padding
/// that follows a panel. False when a value or scale is too large for the format's 16-bit floats; other values are
/// finite by then.
bool packPanel(WeightFormat format, const PanelRows &rows, int64_t cols, uint8_t *result);

/// The same for one row as its own panel, the layout of tables.
bool packRow(WeightFormat format, const float *row, int64_t cols, uint8_t *result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PANELKERNELS_H
