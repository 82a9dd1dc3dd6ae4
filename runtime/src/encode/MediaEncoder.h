// Pictures and sounds as the text model reads them: front end, tower, soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAENCODER_H
#define GEMMAC_RUNTIME_MEDIAENCODER_H

#include "base/Progress.h"
#include "encode/SoftRowsCache.h"
#include "engine/ThreadPool.h"
#include "gemmac/program.h"
#include "media/Picture.h"
#include "media/Sound.h"

namespace gemmac::runtime {

class Cancel;
class Engine;
struct AudioPlan;
struct ImagePlan;

/// What the last picture or sound took, in seconds. 0 where it had been seen before.
struct EncodeTimes {
  double prepare = 0; ///< the front end: patches, mel features
  double encode = 0;  ///< the tower
};

/// Calls the functions of the program that are towers:
///
/// | function | input | output |
/// |---|---|---|
/// | encode_image_N, N the most soft tokens | "patches" f32, 9 rows for each of the call, those of a cell in raster
/// order; "places" i32, column and row of each patch | "soft_tokens" | | encode_audio | "mel" f32, 4 rows for each;
/// "valid" i32, 1 for frames of the sound | "soft_tokens" |
///
/// A row of a call is a soft token. What was seen is kept (SoftRowsCache, GEMMAC_MEDIA_CACHE_ROWS) and not encoded
/// again.
class MediaEncoder {
public:
  /// All must outlive it; the engine is open, `threads` are idle during calls.
  /// \param cancel    stops the tower in the middle; null: nobody can
  /// \param progress  hears of the tower; null: nobody does
  MediaEncoder(Engine &engine, ThreadPool &threads, const Cancel *cancel = nullptr, Progress *progress = nullptr)
      : engine(engine), threads(threads), cancel(cancel), progress(progress), seen(GEMMAC_MEDIA_CACHE_ROWS) {}

  /// \param budget  most soft tokens; 0: as the checkpoint has it.
  /// \returns what planImage() says; interrupted after `cancel`.
  Status image(const Picture &picture, int64_t budget, std::shared_ptr<const SoftRows> &result);
  /// At most the first 30 seconds. \returns what planAudio() says; interrupted after `cancel`.
  Status audio(const Sound &sound, std::shared_ptr<const SoftRows> &result);

  const EncodeTimes &times() const { return lastTimes; }
  /// Whether the last picture or sound had been seen before.
  bool reused() const { return lastReused; }
  /// Forgets what was seen.
  void forget() { seen.clear(); }

private:
  Status prepareImage(const ImagePlan &plan, const Picture &picture);
  Status prepareAudio(const AudioPlan &plan, const Sound &sound);
  template <typename Prepare>
  Status encode(const MediaKey &key, int64_t count, bool block, std::shared_ptr<const SoftRows> &result,
                const Prepare &prepare);
  Status run(const gemmac_function &function, int64_t count, SoftRows &result);

  Engine &engine;
  ThreadPool &threads;
  const Cancel *cancel;
  Progress *progress;
  SoftRowsCache seen;
  EncodeTimes lastTimes;
  bool lastReused = false;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAENCODER_H
