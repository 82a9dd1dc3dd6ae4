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

/// The size that a picture is stretched to: multiples of 48 that fit `budget` soft tokens and keep the proportions.
/// \param budget  1 to mostSoftTokens; the processor's own are 70, 140, 280, 560 and 1120.
/// \returns usage when a side is not 1 to 131072, the picture has more than 2^28 pixels, the budget is none, or no
/// size fits it.
Status targetSize(ImageSize picture, int64_t budget, ImageSize &target);

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

/// Sides of a patch in pixels: `tower` for models with an encoder, `merged` for the 12B model, which has none.
enum class PatchSide : int32_t { tower = 16, merged = 48 };

/// The picture resized to `size`, in 0 to 1, as patches: cell by cell in raster order, and so in each cell. A cell is
/// 48 pixels wide and high, which is a soft token: 3 x 3 patches for a tower, or one.
/// \param size       multiples of the side with at most 1120 * 48 * 48 pixels, as targetSize() gives.
/// \param out        [patches, side * side * 3]: row in the patch, column in it, channel.
/// \param positions  [patches], of each the column and the row.
/// Allocates 4 * size.width * picture.size.height bytes and the tables. The bits do not depend on the threads.
/// \returns what targetSize() says of the picture; internal when sizes do not fit each other.
Status patches(const FeatureRunner &runner, const PixelView &picture, ImageSize size, PatchSide side,
               std::span<float> out, std::span<PatchPosition> positions);

/// The picture resized to `size`, in 8 bits: what frames of a video can be kept as. patches() of it with the same size
/// are those of the picture.
/// \param out [height, width, 4]; the fourth byte means nothing.
Status resizedFrame(const FeatureRunner &runner, const PixelView &picture, ImageSize size, std::span<uint8_t> out);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_IMAGE_H
