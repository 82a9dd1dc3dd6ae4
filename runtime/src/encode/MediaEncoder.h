// Pictures and sounds as the text model reads them: front end, tower, soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAENCODER_H
#define GEMMAC_RUNTIME_MEDIAENCODER_H

#include "engine/Feed.h"
#include "engine/ThreadPool.h"
#include "gemmac/program.h"
#include "media/Picture.h"
#include "media/Sound.h"

namespace gemmac::runtime {

class Engine;
struct FeatureRunner;

/// Calls the functions of the program that are towers. A row of a call is a soft token, `soft_tokens` the output.
///
///     function          input      rows for each of the call
///     encode_image_N    patches    f32, as many as a soft token has, those of a cell in raster order
///       (N the most     places     i32, column and row of each patch
///       soft tokens)
///     encode_audio      mel        f32, 4
///                       valid      i32, 4: 1 for frames of the sound
///       or, without     samples    f32, 1: gemmac_media.sound samples, zeros behind the last
///       an encoder
class MediaEncoder {
public:
  /// Both must outlive it; the engine is open, `threads` are idle during calls.
  MediaEncoder(Engine &engine, ThreadPool &threads) : engine(engine), threads(threads) {}

  /// \param budget  most soft tokens; 0: as the checkpoint has it.
  /// \returns usage where the program has no vision tower, or none for so many, and for a picture that fits no size.
  Status image(const Picture &picture, int64_t budget, SoftRows &result);
  /// Of a mel spectrum at most the first 30 seconds, of samples all. \returns usage where the program has no audio
  /// tower, and for a sound that is too short.
  Status audio(const Sound &sound, SoftRows &result);
  /// Whether audio() cuts sounds of more than 30 seconds.
  bool hearsPart() const;

private:
  Status findImageFunction(int64_t budget, const gemmac_function *&function) const;
  Status mel(const gemmac_function &function, const FeatureRunner &runner, std::span<const float> wave,
             SoftRows &result);
  Status samples(const gemmac_function &function, std::span<const float> wave, SoftRows &result);
  Status run(const gemmac_function &function, int64_t count, SoftRows &result);

  Engine &engine;
  ThreadPool &threads;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAENCODER_H
