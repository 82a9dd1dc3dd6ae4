#include "encode/MediaPlan.h"

#include "base/Text.h"
#include "features/Mel.h"
#include "features/Resample.h"
#include "program/TextFunctions.h"

#include <algorithm>

namespace gemmac::runtime {

static constexpr std::string_view imagePrefix = GEMMAC_ENCODE_IMAGE "_";

static bool readsPictures(const gemmac_function &function) {
  return std::string_view(function.name).starts_with(imagePrefix);
}

bool takes(const gemmac_program &program, MediaKind kind) {
  switch (kind) {
  case MediaKind::picture:
  case MediaKind::video:
    return std::ranges::any_of(functionsOf(program), readsPictures);
  case MediaKind::sound:
    return findFunction(program, GEMMAC_ENCODE_AUDIO) != nullptr;
  case MediaKind::none:
    break;
  }
  return false;
}

/// The one for the fewest soft tokens that takes `budget` of them.
static Status findImageFunction(const gemmac_program &program, int64_t budget, const gemmac_function *&function) {
  function = nullptr;
  int64_t most = 0;
  for (const gemmac_function &one : functionsOf(program)) {
    if (!readsPictures(one))
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

Status planImage(const gemmac_program &program, ImageSize picture, int64_t budget, ImagePlan &plan) {
  const gemmac_media &media = program.media;
  plan.budget = budget == 0 ? media.budget : budget;
  if (Status status = findImageFunction(program, plan.budget, plan.function); !status.ok())
    return status;
  if (media.patch < 1 || media.pool < 1)
    return {ExitCode::internal,
            format("a vision tower with patches of %d pixels, %d to a side of a soft token", media.patch, media.pool)};
  plan.grid = {media.patch, media.pool};
  if (Status status = targetSize(picture, plan.grid, plan.budget, plan.size); !status.ok())
    return status;
  plan.columns = plan.size.width / media.patch;
  plan.rows = plan.size.height / media.patch;
  plan.tokens = plan.columns / media.pool * (plan.rows / media.pool);
  if (std::max(plan.columns, plan.rows) > media.places)
    return {ExitCode::usage,
            format("the picture is too long: it has %lld x %lld patches, at most %d in a row or column "
                   "are known to this model; give fewer --image-tokens or cut it",
                   static_cast<long long>(plan.columns), static_cast<long long>(plan.rows), media.places)};
  return {};
}

uint64_t frontEndBytes(ImageSize picture, const ImagePlan &plan) {
  constexpr int64_t pixelBytes = 4;
  return static_cast<uint64_t>(pixelBytes * picture.height * picture.width) +
         patchesBytes(picture, plan.size, plan.grid);
}

Status planAudio(const gemmac_program &program, int64_t samples, int64_t rate, AudioPlan &plan) {
  plan.function = findFunction(program, GEMMAC_ENCODE_AUDIO);
  if (!plan.function)
    return {ExitCode::usage, "this program was compiled without an audio tower; it hears no sounds"};
  if (Status status = checkResampling(samples, rate); !status.ok())
    return status;
  plan.samples = resampledLength(samples, rate);
  plan.cut = isCut(program, samples, rate);
  if (const int64_t perToken = program.media.sound; perToken > 0) {
    plan.frames = plan.tokens = (plan.samples + perToken - 1) / perToken;
    return plan.tokens > 0 ? Status() : Status(ExitCode::usage, "the sound is empty");
  }
  if (Status status = checkMelSamples(plan.samples); !status.ok())
    return status;
  plan.frames = melSize(plan.samples).valid;
  plan.tokens = (plan.frames + framesOfToken - 1) / framesOfToken;
  return {};
}

uint64_t frontEndBytes(int64_t samples, const AudioPlan &plan) {
  const int64_t spectrum = std::max<int64_t>(melSize(plan.samples).frames, 0) * melBins;
  return sizeof(float) * static_cast<uint64_t>(samples + plan.samples + spectrum);
}

bool hearsPart(const gemmac_program &program) { return program.media.sound == 0; }

bool isCut(const gemmac_program &program, int64_t samples, int64_t rate) {
  return hearsPart(program) && resampledLength(samples, rate) > mostMelSamples;
}

} // namespace gemmac::runtime
