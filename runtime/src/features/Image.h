// Pictures as the towers take them: their size (spec 4.1), their patches and where these lie (4.2, 4.3; 10).
#ifndef GEMMAC_RUNTIME_IMAGE_H
#define GEMMAC_RUNTIME_IMAGE_H

#include "features/FeatureKernels.h"

#include <span>

namespace gemmac::runtime {

struct ImageSize {
  int64_t height = 0, width = 0;
  bool operator==(const ImageSize &) const = default;
};

/// Most soft tokens of a picture.
constexpr int64_t mostSoftTokens = 1120;

/// How a model cuts pictures into patches: a cell of pool x pool of them is a soft token. Published towers have 3 x 3
/// of 16 pixels, the model without encoders one of 48.
struct PatchGrid {
  int64_t patch = 16, pool = 3;
  int64_t cell() const { return patch * pool; } ///< pixels of its side
  int64_t patchValues() const { return 3 * patch * patch; }
};

/// The size that a picture is stretched to: multiples of a cell that fit `budget` soft tokens and keep the proportions.
/// \param budget  1 to mostSoftTokens; the processor's own are 70, 140, 280, 560 and 1120.
/// \returns usage when a side is not 1 to 131072, the picture has more than 2^28 pixels, the budget is none, no size
/// fits it, or one would have more pixels than that.
Status targetSize(ImageSize picture, PatchGrid grid, int64_t budget, ImageSize &target);

/// Pixels of four bytes: red, green, blue and one that means nothing. Rows lie `rowBytes` apart, at least 4 * width.
struct PixelView {
  const uint8_t *pixels = nullptr;
  ImageSize size;
  int64_t rowBytes = 0;
};

/// Column and row of a patch.
struct PatchPosition {
  int32_t x = 0, y = 0;
};

/// The picture resized to `size`, in 0 to 1, as patches: cell by cell in raster order, and so in each cell.
/// \param size       multiples of the cell, as targetSize() gives.
/// \param out        [patches, at least patchValues()]: row in the patch, column in it, channel; zeros behind them.
/// \param positions  [patches], of each the column and the row.
/// Allocates patchesBytes() and the tables. The bits do not depend on the threads.
/// \returns what targetSize() says of the picture; internal when sizes do not fit each other.
Status patches(const FeatureRunner &runner, const PixelView &picture, ImageSize size, PatchGrid grid,
               std::span<float> out, std::span<PatchPosition> positions);

/// What patches() takes of the heap: the picture behind the first pass of resizing, and, with patches whose sides are
/// no multiples of 16 pixels, behind the second.
uint64_t patchesBytes(ImageSize picture, ImageSize size, PatchGrid grid);

/// The picture resized to `size`, in 8 bits: what frames of a video can be kept as. patches() of it with the same size
/// are those of the picture.
/// \param out [height, width, 4]; the fourth byte means nothing.
Status resizedFrame(const FeatureRunner &runner, const PixelView &picture, ImageSize size, std::span<uint8_t> out);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_IMAGE_H
