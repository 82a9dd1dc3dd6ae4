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
struct FeatureRunner;
struct AudioPlan;
struct ImagePlan;

/// What the last picture or sound took, in seconds. 0 where it had been seen before.
struct EncodeTimes {
  double prepare = 0; ///< the front end: patches, mel features
  double encode = 0;  ///< the tower
};

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
///
/// What was seen is kept (SoftRowsCache, GEMMAC_MEDIA_CACHE_ROWS) and not encoded again. All rows that are in memory,
/// those that others hold among them, are at most softRowsWithinMemory().
class MediaEncoder {
public:
  /// All must outlive it; the engine is open, `threads` are idle during calls.
  /// \param cancel    stops the tower in the middle; null: nobody can
  /// \param progress  hears of the tower; null: nobody does
  MediaEncoder(Engine &engine, ThreadPool &threads, const Cancel *cancel = nullptr, Progress *progress = nullptr)
      : engine(engine), threads(threads), cancel(cancel), progress(progress), seen(GEMMAC_MEDIA_CACHE_ROWS) {}

  /// \param budget  most soft tokens; 0: as the checkpoint has it.
  /// \param picture  goes before the tower begins.
  /// \returns what planImage() says; context where there is no room for the rows; interrupted after `cancel`.
  Status image(Picture &&picture, int64_t budget, std::shared_ptr<const SoftRows> &result);
  /// Of a mel spectrum at most the first 30 seconds, of samples all. \returns what planAudio() says, usage for more
  /// than the context holds, context where there is no room for the rows; interrupted after `cancel`.
  Status audio(const Sound &sound, std::shared_ptr<const SoftRows> &result);

  const gemmac_program &program() const;
  /// Tokens that the engine has room for.
  int64_t context() const;
  const EncodeTimes &times() const { return lastTimes; }
  /// Whether the last picture or sound had been seen before.
  bool reused() const { return lastReused; }
  /// Forgets what was seen.
  void forget() { seen.clear(); }

private:
  template <typename Work>
  Status encode(const MediaKey &key, int64_t count, bool block, std::shared_ptr<const SoftRows> &result,
                const Work &work);
  Status makeRoom(int64_t count);
  Status cells(const ImagePlan &plan, Picture &&picture, SoftRows &result);
  Status sound(const AudioPlan &plan, const Sound &sound, SoftRows &result);
  Status mel(const AudioPlan &plan, const FeatureRunner &runner, std::span<const float> wave, SoftRows &result);
  Status samples(const AudioPlan &plan, std::span<const float> wave, SoftRows &result);
  Status run(const gemmac_function &function, int64_t count, SoftRows &result);

  Engine &engine;
  ThreadPool &threads;
  const Cancel *cancel;
  Progress *progress;
  SoftRowsCache seen;
  EncodeTimes lastTimes;
  double began = 0; ///< when what is encoded now was taken up
  bool lastReused = false;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAENCODER_H
