// What a program's towers make of a picture or a sound, before anything is computed: sizes, soft tokens, the function.
#ifndef GEMMAC_RUNTIME_MEDIAPLAN_H
#define GEMMAC_RUNTIME_MEDIAPLAN_H

#include "features/Image.h"
#include "gemmac/program.h"
#include "media/Decode.h"

namespace gemmac::runtime {

/// Whether the program has a tower for it.
bool takes(const gemmac_program &program, MediaKind kind);

struct ImagePlan {
  const gemmac_function *function = nullptr; ///< the tower
  int64_t budget = 0;                        ///< most soft tokens
  ImageSize size;                            ///< that the picture is stretched to, in pixels
  PatchGrid grid;                            ///< as the model has it
  int64_t columns = 0, rows = 0;             ///< patches
  int64_t tokens = 0;                        ///< soft tokens
};

/// \param picture  its size in pixels.
/// \param budget   most soft tokens; 0: as the checkpoint has it.
/// \returns usage where the program has no vision tower, or none for so many, and for a picture that fits no size.
Status planImage(const gemmac_program &program, ImageSize picture, int64_t budget, ImagePlan &plan);

/// What the front end takes of the heap before the tower runs, in bytes: the decoded picture, and what its first pass
/// of resizing leaves.
uint64_t frontEndBytes(ImageSize picture, const ImagePlan &plan);

struct AudioPlan {
  const gemmac_function *function = nullptr;
  int64_t samples = 0; ///< at 16 kHz, all of them
  bool cut = false;    ///< only the first 30 seconds are heard
  int64_t frames = 0;  ///< valid ones of the mel spectrum of what is heard; without an encoder, of samples
  int64_t tokens = 0;
};

/// Mel frames of a soft token.
constexpr int64_t framesOfToken = 4;

/// \returns usage where the program has no audio tower, for a rate that resample() refuses and for a sound that is too
/// short.
Status planAudio(const gemmac_program &program, int64_t samples, int64_t rate, AudioPlan &plan);

/// The same of a sound: its samples as they are and at 16 kHz, and their mel spectrum.
uint64_t frontEndBytes(int64_t samples, const AudioPlan &plan);

/// Whether at most the first 30 seconds of a sound are heard; without an encoder all are.
bool hearsPart(const gemmac_program &program);
/// Whether this sound is longer than what is heard.
bool isCut(const gemmac_program &program, int64_t samples, int64_t rate);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAPLAN_H
