// `bench --image WxH --audio S`: how fast the towers are.
#ifndef GEMMAC_RUNTIME_BENCHMEDIA_H
#define GEMMAC_RUNTIME_BENCHMEDIA_H

#include "commands/BenchReport.h"
#include "encode/MediaEncoder.h"
#include "engine/Sequence.h"

namespace gemmac::runtime {

/// A picture and a sound of random numbers, the same ones every time, in memory: no file is read, none is decoded.
class BenchMedia {
public:
  /// The engine of `model` is open; both outlive it.
  BenchMedia(Model &model, const BenchOptions &options);

  /// To be called once: makes them. \returns what planImage() and planAudio() say; context where their soft tokens do
  /// not fit into the context.
  Status prepare();
  /// Encodes each, and feeds what comes of it to `sequence`, from its beginning.
  Status measure(Sequence &sequence, std::vector<MediaRuns> &measured);

private:
  Status preparePicture();
  Status prepareSound();
  Status take(MediaRuns runs);
  Status measureOne(Sequence &sequence, const MediaRuns &one, MediaRuns &measured);

  Model &model;
  const BenchOptions &options;
  MediaEncoder encoder;
  Sound sound;
  std::vector<MediaRuns> all; // what is measured, without times
};

/// Of what was measured.
std::string mediaText(const std::vector<MediaRuns> &media);
nlohmann::ordered_json mediaJson(const std::vector<MediaRuns> &media);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_BENCHMEDIA_H
