#include "features/Image.h"

#include "base/Text.h"
#include "features/KernelCall.h"
#include "features/ResizeTaps.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace gemmac::runtime {

namespace {
constexpr int64_t unit = 48;        // sides are multiples of three patches
constexpr int64_t longest = 131072; // tables take 64 bytes for each column
constexpr int64_t mostPixels = int64_t(1) << 28;

/// The picture and its tables. Pictures of fewer pixels than taps lie in `enlarged`, with zeros behind.
struct Source {
  ResizeTaps columns, rows;
  std::vector<uint8_t> enlarged;
  const uint8_t *pixels = nullptr;
  int64_t width = 0, height = 0, rowBytes = 0;
};
} // namespace

static Status checkPicture(ImageSize size) {
  auto fits = [](int64_t side) { return side >= 1 && side <= longest; };
  if (fits(size.height) && fits(size.width) && size.height * size.width <= mostPixels)
    return {};
  return {ExitCode::usage, format("a picture of %lld x %lld pixels: sides of 1 to %lld and at most %lld pixels are "
                                  "taken; scale it down",
                                  static_cast<long long>(size.width), static_cast<long long>(size.height),
                                  static_cast<long long>(longest), static_cast<long long>(mostPixels))};
}

Status targetSize(ImageSize picture, int64_t budget, ImageSize &target) {
  target = {};
  if (Status status = checkPicture(picture); !status.ok())
    return status;
  if (budget < 1 || budget > mostSoftTokens)
    return {ExitCode::usage, format("%lld soft tokens for a picture: expected 1 to %lld",
                                    static_cast<long long>(budget), static_cast<long long>(mostSoftTokens))};
  const double height = static_cast<double>(picture.height), width = static_cast<double>(picture.width);
  const double factor = std::sqrt(static_cast<double>(budget * unit * unit) / (height * width));
  auto units = [&](double side) { return static_cast<int64_t>(factor * side / unit); };
  // A very long picture is one unit high, and loses its proportions when the budget is too small for them.
  int64_t rows = units(height), columns = units(width);
  if (rows == 0 && columns > 0) {
    rows = 1;
    columns = std::min(picture.width / picture.height, budget);
  } else if (columns == 0 && rows > 0) {
    columns = 1;
    rows = std::min(picture.height / picture.width, budget);
  }
  if (rows * columns == 0 || rows * columns > budget)
    return {ExitCode::usage,
            format("a picture of %lld x %lld pixels has no size that fits %lld soft tokens; give it more",
                   static_cast<long long>(picture.width), static_cast<long long>(picture.height),
                   static_cast<long long>(budget))};
  target = {rows * unit, columns * unit};
  return {};
}

/// \param step the sides are multiples of it.
static Status checkResized(const PixelView &picture, ImageSize size, int64_t step) {
  if (Status status = checkPicture(picture.size); !status.ok())
    return status;
  const bool within = size.height > 0 && size.width > 0 && size.height <= mostSoftTokens * unit &&
                      size.width <= mostSoftTokens * unit && size.height * size.width <= mostSoftTokens * unit * unit;
  if (!within || size.height % step || size.width % step)
    return {ExitCode::internal,
            format("a picture resized to %lld x %lld: expected multiples of %lld and at most %lld "
                   "pixels",
                   static_cast<long long>(size.width), static_cast<long long>(size.height),
                   static_cast<long long>(step), static_cast<long long>(mostSoftTokens * unit * unit))};
  if (picture.rowBytes < 4 * picture.size.width || picture.rowBytes > 4 * mostPixels / picture.size.height)
    return {ExitCode::internal,
            format("rows of a picture lie %lld bytes apart: expected at least %lld",
                   static_cast<long long>(picture.rowBytes), static_cast<long long>(4 * picture.size.width))};
  return {};
}

static Source prepare(const PixelView &picture, ImageSize size) {
  Source source;
  source.columns = resizeTaps(picture.size.width, size.width, /*copies=*/4, /*multiple=*/2);
  source.rows = resizeTaps(picture.size.height, size.height, /*copies=*/1, /*multiple=*/1);
  source.pixels = picture.pixels;
  source.rowBytes = picture.rowBytes;
  source.width = std::max(picture.size.width, source.columns.taps);
  source.height = std::max(picture.size.height, source.rows.taps);
  if (source.width == picture.size.width && source.height == picture.size.height)
    return source;
  source.rowBytes = 4 * source.width;
  source.enlarged.resize(static_cast<size_t>(source.rowBytes * source.height));
  for (int64_t y = 0; y < picture.size.height; ++y)
    memcpy(source.enlarged.data() + y * source.rowBytes, picture.pixels + y * picture.rowBytes,
           static_cast<size_t>(4 * picture.size.width));
  source.pixels = source.enlarged.data();
  return source;
}

/// Calls `kernel` with the buffers that resizing has, then `arguments`.
template <typename Kernel, typename... Arguments>
static Status resize(const FeatureRunner &runner, Kernel kernel, const PixelView &picture, ImageSize size,
                     Arguments &&...arguments) {
  const Source source = prepare(picture, size);
  KernelBuffer<uint8_t, 2> pixels(source.pixels, {4 * source.width, source.height}, {1, source.rowBytes});
  KernelBuffer<int32_t, 1> firstColumn(source.columns.first.data(), {size.width});
  KernelBuffer<int32_t, 2> columns(source.columns.weights.data(), {4 * source.columns.taps, size.width});
  KernelBuffer<int32_t, 1> firstRow(source.rows.first.data(), {size.height});
  KernelBuffer<int32_t, 2> rows(source.rows.weights.data(), {source.rows.taps, size.height});
  KernelCall call(runner.threads);
  const int result = kernel(&call, pixels, firstColumn, columns, firstRow, rows, arguments...);
  return call.status(result, "resizing a picture");
}

Status patches(const FeatureRunner &runner, const PixelView &picture, ImageSize size, PatchSide side,
               std::span<float> out, std::span<PatchPosition> positions) {
  const int64_t pixels = static_cast<int64_t>(side);
  if (Status status = checkResized(picture, size, unit); !status.ok())
    return status;
  const int64_t rows = size.height / pixels, columns = size.width / pixels, count = rows * columns;
  if (static_cast<int64_t>(positions.size()) != count ||
      static_cast<int64_t>(out.size()) != count * 3 * pixels * pixels)
    return {ExitCode::internal,
            format("room for %zu positions and %zu values of patches: expected %lld and %lld", positions.size(),
                   out.size(), static_cast<long long>(count), static_cast<long long>(count * 3 * pixels * pixels))};
  const int64_t pool = unit / pixels, across = columns / pool;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t cell = i / (pool * pool), inCell = i % (pool * pool);
    positions[static_cast<size_t>(i)] = {static_cast<int32_t>(cell % across * pool + inCell % pool),
                                         static_cast<int32_t>(cell / across * pool + inCell / pool)};
  }
  KernelBuffer<float, 7> buffer(out.data(), {3, pixels, pixels, pool, pool, across, rows / pool});
  return resize(runner, runner.kernels.patches, picture, size, static_cast<int32_t>(pixels), buffer);
}

Status resizedFrame(const FeatureRunner &runner, const PixelView &picture, ImageSize size, std::span<uint8_t> out) {
  if (Status status = checkResized(picture, size, 16); !status.ok())
    return status;
  if (static_cast<int64_t>(out.size()) != 4 * size.height * size.width)
    return {ExitCode::internal, format("room for %zu bytes of a frame: expected %lld", out.size(),
                                       static_cast<long long>(4 * size.height * size.width))};
  KernelBuffer<uint8_t, 2> buffer(out.data(), {4 * size.width, size.height});
  return resize(runner, runner.kernels.frame, picture, size, buffer);
}

} // namespace gemmac::runtime
