// The inner loops of packing: f32 rows to a packed panel. Each is compiled for several ISA
// levels of the machine that gemmac runs on; all give the same bits, because nothing is contracted or reassociated.
#ifndef GEMMAC_COMPILER_ARTIFACT_PANELKERNELS_H
#define GEMMAC_COMPILER_ARTIFACT_PANELKERNELS_H

#include "compiler/artifact/GroupQuantizer.h"
#include "dialects/formats/Encoding.h"
#include "dialects/formats/Format.h"

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <cstdint>

namespace gemmac {

/// Groups of 32 values of the checkpoint that were packed in a quantized format, and how many of them the program holds
/// exactly: their products of scale and integer, rounded to what the checkpoint stores,
/// are the checkpoint's own numbers.
struct PackCounts {
  int64_t groups = 0, exact = 0;
  /// Groups that are not all zero, and those of them whose values are too small for the format: their f16 scale keeps
  /// less than four bits, or nothing.
  int64_t alive = 0, faint = 0;
  void add(const PackCounts &other) {
    groups += other.groups, exact += other.exact;
    alive += other.alive, faint += other.faint;
  }
};

/// One row of a panel: `cols` values at their padded places, and what is known of them.
struct PanelRow {
  const float *values = nullptr;
  bool padding = true;             ///< no row of the checkpoint; values are zeros
  Encoding stored = Encoding::F32; ///< what the values were rounded to
  /// Where the checkpoint holds what the format asks for: the integer weights and, for each group or block that has a
  /// scale in the format, that scale. They are taken as they are. Else null.
  const int8_t *integers = nullptr;
  const float *scales = nullptr;
};

using PanelRows = std::array<PanelRow, panelRows>;

/// How rows become the bytes of a layout of gemma.packed. A target chooses the layouts of its weights
/// (targets/PlanModel.h): one that has another layout than these adds an entry to panelWriter.
struct PanelWriter {
  /// Packs rowsOf(layout) rows as packPanel and packRow do.
  bool (*pack)(Format format, const PanelRows &rows, int64_t cols, int64_t scaleBlocks, uint8_t *result,
               PackCounts &counts, const ScaleChoice &choice);
  /// Writes what is rounded already, as storePanel does; null where nothing rounds by what matrices see.
  void (*store)(Format format, llvm::ArrayRef<QuantizedTile> tiles, uint8_t *result);
};
const PanelWriter &panelWriter(Layout layout);

/// Writes a panel of 16 rows and `cols` columns (a multiple of 32) in the layout of gemma.packed, without the padding
/// that follows a panel. False when a value or scale is too large for the format's floats; other values are finite by
/// then.
/// \param choice how scales of quantized formats are found; its importance has `cols` elements here.
bool packPanel(Format format, const PanelRows &rows, int64_t cols, uint8_t *result, PackCounts &counts,
               const ScaleChoice &choice = {});

/// The same for one row as its own panel, the layout of tables; `scaleBlocks` as in panelBytes.
bool packRow(Format format, const PanelRow &row, int64_t cols, int64_t scaleBlocks, uint8_t *result, PackCounts &counts,
             const ScaleChoice &choice = {});

/// Writes a panel of 16 rows that is rounded already, with scales for each group: one tile for each 32 columns.
void storePanel(Format format, llvm::ArrayRef<QuantizedTile> tiles, uint8_t *result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PANELKERNELS_H
