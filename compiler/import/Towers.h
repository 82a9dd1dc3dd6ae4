// What turns pictures and sounds into rows for the text model, towers (spec 4, 5) or embedders without an encoder
// (spec 10): what their configurations say and which tensors these ask for.
#ifndef GEMMAC_COMPILER_IMPORT_TOWERS_H
#define GEMMAC_COMPILER_IMPORT_TOWERS_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gemmac {

/// A tower of vision (spec 1.2, 4.3, 4.4, 4.5).
struct VisionConfig {
  int64_t layers = 0, hidden = 0, mlpWidth = 0;
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  int64_t patch = 0;     ///< pixels of a patch's side
  int64_t pool = 0;      ///< patches of a soft token's side
  int64_t positions = 0; ///< rows of the position table for each axis
  double rmsEpsilon = 1e-6, ropeTheta = 100.0;
  bool clipped = false;      ///< linears clip what they read and give
  bool standardized = false; ///< pooled rows are shifted and scaled
};

/// A tower of audio (spec 1.3, 5.2, 5.3, 5.4).
struct AudioConfig {
  int64_t layers = 0, hidden = 0, heads = 0;
  int64_t channels[2] = {0, 0};            ///< of the two convolutions
  int64_t taps = 0;                        ///< of the depthwise convolution
  int64_t chunk = 0, past = 0, future = 0; ///< past, future: attention_context_left and _right as the file has them
  int64_t outputWidth = 0;
  double rmsEpsilon = 1e-6, residualWeight = 0.5, logitCap = 50.0, invalidLogit = -1e9, clipping = 1e10;
  bool clipped = true;
  int64_t mlpWidth() const { return 4 * hidden; }
  int64_t headDim() const { return hidden / heads; }
};

/// The embedder of patches in the model without encoders (spec 10).
struct PatchEmbedderConfig {
  int64_t patch = 0, pool = 0; ///< pixels of a grid cell's side, and cells of a patch's side: a patch is a soft token
  int64_t width = 0;           ///< of the rows between its norms
  int64_t positions = 0;       ///< columns, and rows, in the table of places
  double rmsEpsilon = 1e-6;    ///< of the norm before the projection to the text model
  int64_t side() const { return patch * pool; }
};

/// The embedder of sound in the model without encoders (spec 10).
struct SampleEmbedderConfig {
  int64_t samples = 0; ///< of a soft token
  double rmsEpsilon = 1e-6;
};

/// A model has towers, or embedders in their place.
struct TowerConfigs {
  std::optional<VisionConfig> vision;
  std::optional<AudioConfig> audio;
  std::optional<PatchEmbedderConfig> patches = std::nullopt;
  std::optional<SampleEmbedderConfig> samples = std::nullopt;

  bool takesImages() const { return vision || patches; }
  bool takesAudio() const { return audio || samples; }
  void dropImages() { vision.reset(), patches.reset(); }
  void dropAudio() { audio.reset(), samples.reset(); }
};

/// Bins of the mel spectrum that the audio tower reads (spec 5.1); fixed by the feature extractor.
inline constexpr int64_t melBins = 128;

/// The tensors that a tower asks for, with that of its embedder, and their shapes; names as in the checkpoint without
/// "model." (spec 2.2, 2.3, 10). `hidden`: of the text model.
std::map<std::string, std::vector<int64_t>> expectedTensors(const VisionConfig &config, int64_t hidden);
std::map<std::string, std::vector<int64_t>> expectedTensors(const AudioConfig &config, int64_t hidden);
std::map<std::string, std::vector<int64_t>> expectedTensors(const PatchEmbedderConfig &config, int64_t hidden);
std::map<std::string, std::vector<int64_t>> expectedTensors(const SampleEmbedderConfig &config, int64_t hidden);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TOWERS_H
