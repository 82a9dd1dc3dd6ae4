#include "encode/MediaEncoder.h"

#include "base/Text.h"
#include "encode/PoolFor.h"
#include "engine/Cpu.h"
#include "engine/Engine.h"
#include "features/Image.h"
#include "features/Mel.h"
#include "features/Resample.h"

#include <algorithm>

namespace gemmac::runtime {

static constexpr std::string_view imagePrefix = GEMMAC_ENCODE_IMAGE "_", audioName = GEMMAC_ENCODE_AUDIO;
static constexpr int64_t framesOfToken = 4;

namespace {
/// A picture cut into patches, row by row.
struct Patches {
  int64_t columns = 0, rows = 0;
  std::vector<float> values; ///< [rows * columns, elements]
  std::vector<PatchPosition> positions;
  int64_t elements() const { return static_cast<int64_t>(values.size()) / (rows * columns); }
};
} // namespace

static Status internal(const char *function, const char *value) {
  return {ExitCode::internal, format("the compiled model's function '%s' has no '%s' as it should", function, value)};
}

/// The input of that name, which has rows of at least `width` elements, `perRow` for each of a call.
static Status findRows(const Engine &engine, const gemmac_function &function, const char *name, int64_t width,
                       int64_t perRow, uint32_t element, ValueRows &rows) {
  const gemmac_value *value = findInput(function, name);
  if (!value || value->width < width || value->per_row != perRow || value->element != element)
    return internal(function.name, name);
  rows = engine.input(function, name);
  return {};
}

/// The one for the fewest soft tokens that takes `budget` of them.
Status MediaEncoder::findImageFunction(int64_t budget, const gemmac_function *&function) const {
  function = nullptr;
  int64_t most = 0;
  for (const gemmac_function &one : functionsOf(engine.program())) {
    if (!std::string_view(one.name).starts_with(imagePrefix))
      continue;
    most = std::max(most, one.max_rows);
    if (one.max_rows >= budget && (!function || one.max_rows < function->max_rows))
      function = &one;
  }
  if (most == 0)
    return {ExitCode::usage, "this program was compiled without a vision tower; it reads no pictures"};
  if (!function)
    return {ExitCode::usage, format("%lld soft tokens for a picture: this program was compiled for at most %lld",
                                    static_cast<long long>(budget), static_cast<long long>(most))};
  return {};
}

/// Runs a tower whose inputs are written, and appends its soft tokens to the result's.
Status MediaEncoder::run(const gemmac_function &function, int64_t count, SoftRows &result) {
  std::vector<gemmac_row> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back({0, static_cast<int32_t>(i), 0, 0, 0});
  Logits none;
  if (Status status = engine.run(function, rows, none); !status.ok())
    return status;
  const ValueRows output = engine.output(function, GEMMAC_SOFT_TOKENS);
  result.width = engine.program().hidden;
  if (!output.first || output.width < result.width || output.perRow != 1)
    return internal(function.name, GEMMAC_SOFT_TOKENS);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> row = output.row<float>(i).first(static_cast<size_t>(result.width));
    result.values.insert(result.values.end(), row.begin(), row.end());
  }
  return {};
}

/// \param patchSide  of those that a tower takes, or of whole soft tokens where there is none.
static Status cut(const FeatureRunner &runner, const Picture &picture, int64_t budget, PatchSide patchSide,
                  Patches &result) {
  const PixelView view{picture.pixels.get(), {picture.height, picture.width}, static_cast<int64_t>(picture.rowBytes())};
  ImageSize size;
  if (Status status = targetSize(view.size, budget, size); !status.ok())
    return status;
  const auto side = static_cast<int64_t>(patchSide);
  result.columns = size.width / side;
  result.rows = size.height / side;
  result.positions.resize(static_cast<size_t>(result.rows * result.columns));
  result.values.resize(result.positions.size() * 3 * side * side);
  return patches(runner, view, size, patchSide, result.values, result.positions);
}

/// Writes the patches cell by cell, cells in raster order: a row of the call takes the mean of those of one.
static void writeCells(const Patches &patches, int64_t pool, const ValueRows &values, const ValueRows &positions) {
  const int64_t across = patches.columns / pool, down = patches.rows / pool, elements = patches.elements();
  size_t to = 0;
  for (int64_t cell = 0; cell < across * down; ++cell)
    for (int64_t inCell = 0; inCell < pool * pool; ++inCell, ++to) {
      const int64_t row = cell / across * pool + inCell / pool, column = cell % across * pool + inCell % pool;
      const auto from = static_cast<size_t>(row * patches.columns + column);
      values.write(
          to, std::span(patches.values).subspan(from * static_cast<size_t>(elements), static_cast<size_t>(elements)));
      const int32_t place[] = {patches.positions[from].x, patches.positions[from].y};
      positions.write(to, std::span<const int32_t>(place));
    }
}

Status MediaEncoder::image(const Picture &picture, int64_t budget, SoftRows &result) {
  const gemmac_media &media = engine.program().media;
  const gemmac_function *function;
  if (budget == 0)
    budget = media.budget;
  if (Status status = findImageFunction(budget, function); !status.ok())
    return status;
  const PatchSide side = media.pool == 1 ? PatchSide::merged : PatchSide::tower;
  if (media.patch != static_cast<int32_t>(side) || media.patch * media.pool != static_cast<int32_t>(PatchSide::merged))
    return {ExitCode::internal,
            format("a vision tower with patches of %d pixels, %d to a side of a soft token", media.patch, media.pool)};
  const FeatureKernels *kernels;
  if (Status status = findFeatureKernels(cpuFeatures(), kernels); !status.ok())
    return status;
  PoolFor tasks(threads);
  Patches patches;
  if (Status status = cut({*kernels, tasks}, picture, budget, side, patches); !status.ok())
    return status;
  if (std::max(patches.columns, patches.rows) > media.places)
    return {ExitCode::usage,
            format("the picture is too long: it has %lld x %lld patches, at most %d in a row or column "
                   "are known to this model; give fewer --image-tokens or cut it",
                   static_cast<long long>(patches.columns), static_cast<long long>(patches.rows), media.places)};
  ValueRows values, positions;
  const int64_t perRow = media.pool * media.pool;
  if (Status status = findRows(engine, *function, GEMMAC_PATCHES, patches.elements(), perRow, GEMMAC_F32, values);
      !status.ok())
    return status;
  if (Status status = findRows(engine, *function, GEMMAC_PLACES, 2, perRow, GEMMAC_I32, positions); !status.ok())
    return status;
  writeCells(patches, media.pool, values, positions);
  result.block = engine.functions().prefillBlock != nullptr;
  result.values.clear();
  return run(*function, static_cast<int64_t>(patches.positions.size()) / perRow, result);
}

/// The sound at the rate that models hear.
static Status waveOf(const FeatureRunner &runner, const Sound &sound, std::vector<float> &wave) {
  wave.resize(static_cast<size_t>(resampledLength(static_cast<int64_t>(sound.samples.size()), sound.rate)));
  return resample(runner, sound.samples, sound.rate, wave);
}

Status MediaEncoder::audio(const Sound &sound, SoftRows &result) {
  const gemmac_function *function = findFunction(engine.program(), audioName);
  if (!function)
    return {ExitCode::usage, "this program was compiled without an audio tower; it hears no sounds"};
  const FeatureKernels *kernels;
  if (Status status = findFeatureKernels(cpuFeatures(), kernels); !status.ok())
    return status;
  PoolFor tasks(threads);
  const FeatureRunner runner{*kernels, tasks};
  std::vector<float> wave;
  if (Status status = waveOf(runner, sound, wave); !status.ok())
    return status;
  result.values.clear();
  return engine.program().media.sound > 0 ? samples(*function, wave, result) : mel(*function, runner, wave, result);
}

bool MediaEncoder::hearsPart() const { return engine.program().media.sound == 0; }

Status MediaEncoder::mel(const gemmac_function &function, const FeatureRunner &runner, std::span<const float> wave,
                         SoftRows &result) {
  const MelSize size = melSize(static_cast<int64_t>(wave.size()));
  std::vector<float> values(static_cast<size_t>(std::max<int64_t>(size.frames, 0) * melBins));
  if (Status status = melFeatures(runner, wave, values); !status.ok())
    return status;
  ValueRows frames, valid;
  if (Status status = findRows(engine, function, GEMMAC_MEL, melBins, framesOfToken, GEMMAC_F32, frames); !status.ok())
    return status;
  if (Status status = findRows(engine, function, GEMMAC_VALID, 1, framesOfToken, GEMMAC_I32, valid); !status.ok())
    return status;
  const int64_t count = (size.valid + framesOfToken - 1) / framesOfToken;
  for (int64_t frame = 0; frame < count * framesOfToken; ++frame) {
    const auto at = static_cast<size_t>(frame);
    const bool exists = frame < size.valid;
    const int32_t one[] = {exists};
    frames.write(at, exists ? std::span<const float>(values).subspan(at * melBins, melBins) : std::span<const float>());
    valid.write(at, std::span<const int32_t>(one));
  }
  return run(function, count, result);
}

/// Soft tokens know nothing of each other: what is longer than a call takes several.
Status MediaEncoder::samples(const gemmac_function &function, std::span<const float> wave, SoftRows &result) {
  const auto perToken = static_cast<size_t>(engine.program().media.sound);
  ValueRows rows;
  if (Status status = findRows(engine, function, GEMMAC_SAMPLES, engine.program().media.sound, 1, GEMMAC_F32, rows);
      !status.ok())
    return status;
  if (wave.empty())
    return {ExitCode::usage, "the sound is empty"};
  const auto tokens = static_cast<int64_t>((wave.size() + perToken - 1) / perToken);
  if (tokens > engine.context())
    return {ExitCode::usage,
            format("the sound has %lld soft tokens, more than the context of %lld: give a shorter one, or compile the "
                   "model with a larger --context",
                   static_cast<long long>(tokens), static_cast<long long>(engine.context()))};
  const auto most = static_cast<size_t>(function.max_rows);
  while (!wave.empty()) {
    size_t count = 0;
    for (; count < most && !wave.empty(); ++count) {
      const size_t length = std::min(perToken, wave.size());
      rows.write(count, wave.first(length));
      wave = wave.subspan(length);
    }
    if (Status status = run(function, static_cast<int64_t>(count), result); !status.ok())
      return status;
  }
  return {};
}

} // namespace gemmac::runtime
