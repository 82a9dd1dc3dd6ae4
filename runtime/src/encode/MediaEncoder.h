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

/// Calls the functions of the program that are towers:
///
/// | function | input | output |
/// |---|---|---|
/// | encode_image_N, N the most soft tokens | "patches" f32, 9 rows for each of the call, those of a cell in raster
/// order; "places" i32, column and row of each patch | "soft_tokens" | | encode_audio | "mel" f32, 4 rows for each;
/// "valid" i32, 1 for frames of the sound | "soft_tokens" |
///
/// A row of a call is a soft token.
class MediaEncoder {
public:
  /// Both must outlive it; the engine is open, `threads` are idle during calls.
  MediaEncoder(Engine &engine, ThreadPool &threads) : engine(engine), threads(threads) {}

  /// \param budget  most soft tokens; 0: as the checkpoint has it.
  /// \returns usage where the program has no vision tower, or none for so many, and for a picture that fits no size.
  Status image(const Picture &picture, int64_t budget, SoftRows &result);
  /// At most the first 30 seconds. \returns usage where the program has no audio tower, and for a sound that is too
  /// short.
  Status audio(const Sound &sound, SoftRows &result);

private:
  Status findImageFunction(int64_t budget, const gemmac_function *&function) const;
  Status run(const gemmac_function &function, int64_t count, SoftRows &result);

  Engine &engine;
  ThreadPool &threads;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAENCODER_H
