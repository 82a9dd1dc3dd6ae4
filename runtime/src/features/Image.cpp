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
constexpr int64_t longest = 131072; // tables take 64 bytes for each column
constexpr int64_t mostPixels = int64_t(1) << 28;
constexpr int64_t kernelSide = 16; // patches of multiples of it are cut by the kernel that resizes
constexpr int64_t kernelWidth = 8; // resized pictures are as wide as a multiple of it

/// The picture and its tables, which go on, with weights of zero, to a multiple of kernelWidth. Pictures of fewer
/// pixels than taps lie in `enlarged`, with zeros behind.
struct Source {
  ResizeTaps columns, rows;
  std::vector<uint8_t> enlarged;
  const uint8_t *pixels = nullptr;
  int64_t width = 0, height = 0, rowBytes = 0;
};
} // namespace

static int64_t kernelWidthOf(ImageSize size) { return (size.width + kernelWidth - 1) / kernelWidth * kernelWidth; }

static bool canHold(ImageSize size) {
  auto fits = [](int64_t side) { return side >= 1 && side <= longest; };
  return fits(size.height) && fits(size.width) && size.height * size.width <= mostPixels;
}

static Status checkPicture(ImageSize size) {
  if (canHold(size))
    return {};
  return {ExitCode::usage, format("a picture of %lld x %lld pixels: sides of 1 to %lld and at most %lld pixels are "
                                  "taken; scale it down",
                                  static_cast<long long>(size.width), static_cast<long long>(size.height),
                                  static_cast<long long>(longest), static_cast<long long>(mostPixels))};
}

Status targetSize(ImageSize picture, PatchGrid grid, int64_t budget, ImageSize &target) {
  target = {};
  if (Status status = checkPicture(picture); !status.ok())
    return status;
  if (budget < 1 || budget > mostSoftTokens)
    return {ExitCode::usage, format("%lld soft tokens for a picture: expected 1 to %lld",
                                    static_cast<long long>(budget), static_cast<long long>(mostSoftTokens))};
  const int64_t unit = grid.cell();
  const double height = static_cast<double>(picture.height), width = static_cast<double>(picture.width);
  const double factor = std::sqrt(static_cast<double>(budget * unit * unit) / (height * width));
  auto units = [&](double side) { return static_cast<int64_t>(factor * side / static_cast<double>(unit)); };
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
  const ImageSize found{rows * unit, columns * unit};
  if (!canHold(found))
    return {
        ExitCode::usage,
        format("a picture of %lld x %lld pixels would be resized to %lld x %lld: sides of 1 to %lld and at most %lld "
               "pixels are taken; give it fewer soft tokens than %lld",
               static_cast<long long>(picture.width), static_cast<long long>(picture.height),
               static_cast<long long>(found.width), static_cast<long long>(found.height),
               static_cast<long long>(longest), static_cast<long long>(mostPixels), static_cast<long long>(budget))};
  target = found;
  return {};
}

/// \param step the sides are multiples of it.
static Status checkResized(const PixelView &picture, ImageSize size, int64_t step) {
  if (Status status = checkPicture(picture.size); !status.ok())
    return status;
  if (!canHold(size) || step < 1 || size.height % step || size.width % step)
    return {ExitCode::internal, format("a picture resized to %lld x %lld: expected multiples of %lld and at most %lld "
                                       "pixels",
                                       static_cast<long long>(size.width), static_cast<long long>(size.height),
                                       static_cast<long long>(step), static_cast<long long>(mostPixels))};
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
  const auto columns = static_cast<size_t>(kernelWidthOf(size));
  source.columns.first.resize(columns);
  source.columns.weights.resize(columns * static_cast<size_t>(4 * source.columns.taps));
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
  KernelBuffer<int32_t, 1> firstColumn(source.columns.first.data(), {kernelWidthOf(size)});
  KernelBuffer<int32_t, 2> columns(source.columns.weights.data(), {4 * source.columns.taps, kernelWidthOf(size)});
  KernelBuffer<int32_t, 1> firstRow(source.rows.first.data(), {size.height});
  KernelBuffer<int32_t, 2> rows(source.rows.weights.data(), {source.rows.taps, size.height});
  KernelCall call(runner.threads);
  const int result = kernel(&call, pixels, firstColumn, columns, firstRow, rows, arguments...);
  return call.status(result, "resizing a picture");
}

/// Patches of the resized picture, whose rows are `across` pixels apart.
static void cut(std::span<const uint8_t> frame, int64_t across, PatchGrid grid,
                std::span<const PatchPosition> positions, std::span<float> out) {
  const size_t stride = out.size() / positions.size();
  for (size_t i = 0; i < positions.size(); ++i) {
    float *to = out.data() + i * stride;
    for (int64_t y = 0; y < grid.patch; ++y) {
      const int64_t first = (positions[i].y * grid.patch + y) * across + positions[i].x * grid.patch;
      const uint8_t *pixel = frame.data() + 4 * first;
      for (int64_t x = 0; x < grid.patch; ++x, pixel += 4)
        for (int channel = 0; channel < 3; ++channel)
          *to++ = static_cast<float>(pixel[channel]) * (1.0f / 255.0f);
    }
    std::fill(to, out.data() + (i + 1) * stride, 0.0f);
  }
}

/// The picture resized, in rows of kernelWidthOf(size) pixels.
static Status resizeTo(const FeatureRunner &runner, const PixelView &picture, ImageSize size, std::span<uint8_t> out) {
  KernelBuffer<uint8_t, 2> buffer(out.data(), {4 * kernelWidthOf(size), size.height});
  return resize(runner, runner.kernels.frame, picture, size, buffer);
}

static size_t frameBytes(ImageSize size) { return static_cast<size_t>(4 * kernelWidthOf(size) * size.height); }

uint64_t patchesBytes(ImageSize picture, ImageSize size, PatchGrid grid) {
  const auto firstPass = static_cast<uint64_t>(4 * kernelWidthOf(size) * picture.height);
  return firstPass + (grid.patch % kernelSide == 0 ? 0 : frameBytes(size));
}

Status patches(const FeatureRunner &runner, const PixelView &picture, ImageSize size, PatchGrid grid,
               std::span<float> out, std::span<PatchPosition> positions) {
  if (Status status = checkResized(picture, size, grid.cell()); !status.ok())
    return status;
  const int64_t rows = size.height / grid.patch, columns = size.width / grid.patch, count = rows * columns;
  const auto values = static_cast<size_t>(count * grid.patchValues());
  if (static_cast<int64_t>(positions.size()) != count || out.size() < values || out.size() % positions.size() != 0)
    return {ExitCode::internal,
            format("room for %zu positions and %zu values of patches: expected %lld and %zu or more", positions.size(),
                   out.size(), static_cast<long long>(count), values)};
  const int64_t pool = grid.pool, across = columns / pool;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t cell = i / (pool * pool), inCell = i % (pool * pool);
    positions[static_cast<size_t>(i)] = {static_cast<int32_t>(cell % across * pool + inCell % pool),
                                         static_cast<int32_t>(cell / across * pool + inCell / pool)};
  }
  if (grid.patch % kernelSide == 0 && out.size() == values) {
    KernelBuffer<float, 7> buffer(out.data(), {3, grid.patch, grid.patch, pool, pool, across, rows / pool});
    return resize(runner, runner.kernels.patches, picture, size, static_cast<int32_t>(grid.patch), buffer);
  }
  std::vector<uint8_t> frame(frameBytes(size));
  if (Status status = resizeTo(runner, picture, size, frame); !status.ok())
    return status;
  cut(frame, kernelWidthOf(size), grid, positions, out);
  return {};
}

Status resizedFrame(const FeatureRunner &runner, const PixelView &picture, ImageSize size, std::span<uint8_t> out) {
  if (Status status = checkResized(picture, size, 1); !status.ok())
    return status;
  const auto rowBytes = static_cast<size_t>(4 * size.width), height = static_cast<size_t>(size.height);
  if (out.size() != rowBytes * height)
    return {ExitCode::internal, format("room for %zu bytes of a frame: expected %zu", out.size(), rowBytes * height)};
  if (frameBytes(size) == out.size())
    return resizeTo(runner, picture, size, out);
  std::vector<uint8_t> wider(frameBytes(size));
  if (Status status = resizeTo(runner, picture, size, wider); !status.ok())
    return status;
  for (size_t y = 0; y < height; ++y)
    std::copy_n(wider.data() + y * wider.size() / height, rowBytes, out.data() + y * rowBytes);
  return {};
}

} // namespace gemmac::runtime
