// How second moments of a matrix's inputs, sums of x x^T, lie in memory: what an observing program adds up and the
// compiler rounds weights by. Kernels, plan and compiler read only this.
#ifndef GEMMAC_DIALECTS_FORMATS_MOMENTLAYOUT_H
#define GEMMAC_DIALECTS_FORMATS_MOMENTLAYOUT_H

#include "dialects/formats/Format.h"

#include <algorithm>

namespace gemmac {

/// Products of columns are kept within blocks of neighbouring columns, so that memory stays bounded. Of a symmetric
/// block the upper triangle is kept in panels of 16 columns: panel `k` holds f32 `[16 (k + 1)][16]`, rows from the
/// block's first column to the panel's last. Entries of a batch (experts) follow each other, and so do blocks.
struct MomentLayout {
  int64_t cols = 0, batch = 1;
  int64_t block = 0; ///< columns of a block, a multiple of 32; the last one may have fewer

  /// Whole matrices up to 2048 columns: they round better than blocks and take at most 8 MiB. Experts are many and each
  /// sees few rows, too few to tell what distant columns have in common.
  static constexpr MomentLayout of(int64_t cols, int64_t batch) {
    int64_t whole = batch == 1 ? 2048 : 64, most = batch == 1 ? 512 : 64;
    if (cols <= whole)
      return {cols, batch, cols};
    int64_t blocks = (cols + most - 1) / most;
    return {cols, batch, roundUp((cols + blocks - 1) / blocks, groupColumns)};
  }

  constexpr int64_t blockCount() const { return (cols + block - 1) / block; }
  constexpr int64_t blockCols(int64_t index) const { return std::min(block, cols - index * block); }
  constexpr int64_t panelCount() const { return cols / panelRows; } ///< of all blocks
  /// Bytes of the panels before panel `index` of a block.
  static constexpr int64_t panelOffset(int64_t index) { return index * (index + 1) / 2 * panelRows * panelRows * 4; }
  constexpr int64_t blockBytes() const { return panelOffset(block / panelRows); }
  constexpr int64_t batchBytes() const { return blockCount() * blockBytes(); }
  constexpr int64_t bytes() const { return batch * batchBytes(); }
};

} // namespace gemmac

#endif // GEMMAC_DIALECTS_FORMATS_MOMENTLAYOUT_H
