#include "encode/MediaEncoder.h"

#include "base/Clock.h"
#include "base/Text.h"
#include "encode/MediaPlan.h"
#include "encode/PoolFor.h"
#include "engine/Cpu.h"
#include "engine/Engine.h"
#include "engine/MemoryLimit.h"
#include "features/Mel.h"
#include "features/Resample.h"

#include <algorithm>

namespace gemmac::runtime {

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

const gemmac_program &MediaEncoder::program() const { return engine.program(); }

int64_t MediaEncoder::context() const { return engine.context(); }

/// Runs a tower whose inputs are written, and appends its soft tokens to the result's.
Status MediaEncoder::run(const gemmac_function &function, int64_t count, SoftRows &result) {
  const double prepared = monotonicSeconds();
  if (result.values.empty())
    lastTimes.prepare = prepared - began;
  std::vector<gemmac_row> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back({0, static_cast<int32_t>(i), 0, 0, 0});
  Logits none;
  Status status = engine.run(function, rows, none, cancel, progress);
  if (progress)
    progress->ended();
  if (!status.ok())
    return status;
  const ValueRows output = engine.output(function, GEMMAC_SOFT_TOKENS);
  result.width = engine.program().hidden;
  if (!output.first || output.width < result.width || output.perRow != 1)
    return internal(function.name, GEMMAC_SOFT_TOKENS);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> row = output.row<float>(i).first(static_cast<size_t>(result.width));
    result.values.insert(result.values.end(), row.begin(), row.end());
  }
  lastTimes.encode += monotonicSeconds() - prepared;
  return {};
}

/// For rows that are about to be made.
Status MediaEncoder::makeRoom(int64_t count) {
  const gemmac_program &program = engine.program();
  const int64_t most = softRowsWithinMemory(program, threads.size(), engine.context());
  const auto used = static_cast<int64_t>(seen.usedRows());
  seen.makeRoom(static_cast<size_t>(count));
  if (used + count <= most)
    return {};
  const bool limited = most < engine.context();
  return {ExitCode::context,
          format("%lld soft tokens do not fit in beside the %lld of what is shown already: at most %lld are held, %s; "
                 "show less at once, begin a new conversation, or compile with a larger %s",
                 static_cast<long long>(count), static_cast<long long>(used), static_cast<long long>(most),
                 limited ? format("to stay below %s of memory", formatBytes(program.memory.limit).c_str()).c_str()
                         : format("for a context of %lld", static_cast<long long>(engine.context())).c_str(),
                 limited ? "--max-rss" : "--context")};
}

/// What `work` makes, or made before.
template <typename Work>
Status MediaEncoder::encode(const MediaKey &key, int64_t count, bool block, std::shared_ptr<const SoftRows> &result,
                            const Work &work) {
  lastTimes = {};
  result = seen.find(key);
  lastReused = result != nullptr;
  if (lastReused)
    return {};
  if (Status status = makeRoom(count); !status.ok())
    return status;
  began = monotonicSeconds();
  auto rows = std::make_shared<SoftRows>();
  rows->block = block;
  rows->values.reserve(static_cast<size_t>(count * engine.program().hidden));
  if (Status status = work(*rows); !status.ok())
    return status;
  seen.add(key, rows);
  result = std::move(rows);
  return {};
}

Status MediaEncoder::cells(const ImagePlan &plan, Picture &&picture, SoftRows &result) {
  const FeatureKernels *kernels;
  if (Status status = findFeatureKernels(cpuFeatures(), kernels); !status.ok())
    return status;
  const int64_t perRow = plan.grid.pool * plan.grid.pool, elements = plan.grid.patchValues();
  ValueRows values, places;
  if (Status status = findRows(engine, *plan.function, GEMMAC_PATCHES, elements, perRow, GEMMAC_F32, values);
      !status.ok())
    return status;
  if (Status status = findRows(engine, *plan.function, GEMMAC_PLACES, 2, perRow, GEMMAC_I32, places); !status.ok())
    return status;
  const auto count = static_cast<size_t>(plan.tokens * perRow);
  const std::span<float> room(values.row<float>(0).data(),
                              count * static_cast<size_t>(values.rowBytes) / sizeof(float));
  const PixelView view{picture.pixels.get(), {picture.height, picture.width}, static_cast<int64_t>(picture.rowBytes())};
  std::vector<PatchPosition> positions(count);
  PoolFor tasks(threads);
  if (Status status = patches({*kernels, tasks}, view, plan.size, plan.grid, room, positions); !status.ok())
    return status;
  for (size_t i = 0; i < count; ++i) {
    const int32_t place[] = {positions[i].x, positions[i].y};
    places.write(i, std::span<const int32_t>(place));
  }
  picture = {}; // the tower needs memory of its own
  return run(*plan.function, plan.tokens, result);
}

Status MediaEncoder::image(Picture &&picture, int64_t budget, std::shared_ptr<const SoftRows> &result) {
  ImagePlan plan;
  if (Status status = planImage(engine.program(), {picture.height, picture.width}, budget, plan); !status.ok())
    return status;
  const std::span pixels(picture.pixels.get(), picture.rowBytes() * picture.height);
  const MediaKey key{plan.function, {picture.width, picture.height, plan.columns, plan.rows}, hashOf(pixels)};
  const bool block = engine.functions().prefillBlock != nullptr;
  return encode(key, plan.tokens, block, result, [&](SoftRows &rows) { return cells(plan, std::move(picture), rows); });
}

/// The sound at the rate that models hear.
static Status waveOf(const FeatureRunner &runner, const Sound &sound, std::vector<float> &wave) {
  wave.resize(static_cast<size_t>(resampledLength(static_cast<int64_t>(sound.samples.size()), sound.rate)));
  return resample(runner, sound.samples, sound.rate, wave);
}

Status MediaEncoder::sound(const AudioPlan &plan, const Sound &sound, SoftRows &result) {
  const FeatureKernels *kernels;
  if (Status status = findFeatureKernels(cpuFeatures(), kernels); !status.ok())
    return status;
  PoolFor tasks(threads);
  const FeatureRunner runner{*kernels, tasks};
  std::vector<float> wave;
  if (Status status = waveOf(runner, sound, wave); !status.ok())
    return status;
  return hearsPart(engine.program()) ? mel(plan, runner, wave, result) : samples(plan, wave, result);
}

Status MediaEncoder::mel(const AudioPlan &plan, const FeatureRunner &runner, std::span<const float> wave,
                         SoftRows &result) {
  const MelSize size = melSize(static_cast<int64_t>(wave.size()));
  std::vector<float> values(static_cast<size_t>(std::max<int64_t>(size.frames, 0) * melBins));
  if (Status status = melFeatures(runner, wave, values); !status.ok())
    return status;
  const gemmac_function &function = *plan.function;
  ValueRows frames, valid;
  if (Status status = findRows(engine, function, GEMMAC_MEL, melBins, framesOfToken, GEMMAC_F32, frames); !status.ok())
    return status;
  if (Status status = findRows(engine, function, GEMMAC_VALID, 1, framesOfToken, GEMMAC_I32, valid); !status.ok())
    return status;
  for (int64_t frame = 0; frame < plan.tokens * framesOfToken; ++frame) {
    const auto at = static_cast<size_t>(frame);
    const bool exists = frame < size.valid;
    const int32_t one[] = {exists};
    frames.write(at, exists ? std::span<const float>(values).subspan(at * melBins, melBins) : std::span<const float>());
    valid.write(at, std::span<const int32_t>(one));
  }
  return run(function, plan.tokens, result);
}

/// Soft tokens know nothing of each other: what is longer than a call takes several.
Status MediaEncoder::samples(const AudioPlan &plan, std::span<const float> wave, SoftRows &result) {
  const gemmac_function &function = *plan.function;
  const int64_t perToken = engine.program().media.sound;
  ValueRows rows;
  if (Status status = findRows(engine, function, GEMMAC_SAMPLES, perToken, 1, GEMMAC_F32, rows); !status.ok())
    return status;
  if (plan.tokens > engine.context())
    return {ExitCode::usage,
            format("the sound has %lld soft tokens, more than the context of %lld: give a shorter one, or compile the "
                   "model with a larger --context",
                   static_cast<long long>(plan.tokens), static_cast<long long>(engine.context()))};
  const auto most = static_cast<size_t>(function.max_rows);
  while (!wave.empty()) {
    size_t count = 0;
    for (; count < most && !wave.empty(); ++count) {
      const size_t length = std::min(static_cast<size_t>(perToken), wave.size());
      rows.write(count, wave.first(length));
      wave = wave.subspan(length);
    }
    if (Status status = run(function, static_cast<int64_t>(count), result); !status.ok())
      return status;
  }
  return {};
}

Status MediaEncoder::audio(const Sound &sound, std::shared_ptr<const SoftRows> &result) {
  AudioPlan plan;
  const auto samples = static_cast<int64_t>(sound.samples.size());
  if (Status status = planAudio(engine.program(), samples, sound.rate, plan); !status.ok())
    return status;
  const std::span bytes(reinterpret_cast<const uint8_t *>(sound.samples.data()), sound.samples.size() * sizeof(float));
  const MediaKey key{plan.function, {sound.rate}, hashOf(bytes)};
  return encode(key, plan.tokens, /*block=*/false, result,
                [&](SoftRows &rows) { return this->sound(plan, sound, rows); });
}

} // namespace gemmac::runtime
