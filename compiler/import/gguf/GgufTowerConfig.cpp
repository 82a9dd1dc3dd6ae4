// The metadata of the file of a GGUF model's towers.
#include "compiler/import/ConfigRules.h"
#include "compiler/import/gguf/GgufTowers.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

using llvm::StringRef;

/// Types of projectors, which say whose file it is.
struct Projectors {
  llvm::StringLiteral vision, audio;
  llvm::StringLiteral of(StringRef tower) const { return tower == "vision" ? vision : audio; }
};
static constexpr Projectors encoderProjectors = {"gemma4v", "gemma4a"}, embedderProjectors = {"gemma4uv", "gemma4ua"};

/// Fields that do not change what is computed. The size of pictures is not fixed; which activation MLPs have, llama.cpp
/// tells by the type of the projector.
static constexpr llvm::StringLiteral harmlessFields[] = {"use_gelu", "use_silu", "vision.image_size"};

namespace {

class TowersReader {
public:
  TowersReader(Fields &fields, const StoredTensors &tensors, int64_t hidden)
      : fields(fields), tensors(tensors), hidden(hidden) {}

  /// Which kind of towers the types of projectors name, those of towers that are left out included.
  TowerKind kind();
  /// Whether the file has the tower "vision" or "audio"; it must be of that kind then.
  bool has(StringRef tower, TowerKind kind);
  VisionConfig readVision();
  AudioConfig readAudio();
  PatchEmbedderConfig readPatches();
  SampleEmbedderConfig readSamples();
  /// Of a tower that is left out, so that no field of it is unknown.
  void skip(StringRef tower);
  /// What differs from what is computed and changes nothing, one line each.
  std::vector<std::string> notes;

private:
  int64_t required(StringRef name, int64_t low, int64_t high);
  int64_t size(StringRef tensor, size_t rank, size_t axis, int64_t most);
  bool clips(StringRef prefix) const;
  StringRef typeField(StringRef tower) const;
  void checkWidth(StringRef tower);
  void checkColors();
  void checkNoLayers(StringRef tower);
  void readAudioEpsilon(double only);

  Fields &fields;
  const StoredTensors &tensors;
  int64_t hidden;
};

} // namespace

/// The field that names a tower's projector; files with one tower may have one for all.
StringRef TowersReader::typeField(StringRef tower) const {
  StringRef own = tower == "vision" ? "vision.projector_type" : "audio.projector_type";
  return fields.has(own) ? own : StringRef("projector_type");
}

TowerKind TowersReader::kind() {
  for (StringRef tower : {"vision", "audio"})
    if (fields.optionalString(typeField(tower)) == embedderProjectors.of(tower).str())
      return TowerKind::Embedders;
  return TowerKind::Encoders;
}

bool TowersReader::has(StringRef tower, TowerKind kind) {
  const bool own = typeField(tower) != "projector_type";
  fields.any("projector_type");
  std::optional<std::string> found = fields.optionalString(typeField(tower));
  if (!fields.boolean(("has_" + tower + "_encoder").str(), own))
    return false;
  const bool isUnified = kind == TowerKind::Embedders;
  StringRef type = (isUnified ? embedderProjectors : encoderProjectors).of(tower);
  if (isUnified && found.value_or("") == encoderProjectors.of(tower))
    fields.mismatch(typeField(tower), ("'" + type + "': the other tower is of a model without encoders").str());
  else if (found.value_or("") != type)
    fields.mismatch(typeField(tower), ("'" + encoderProjectors.of(tower) + "' or '" + embedderProjectors.of(tower) +
                                       "': no other kind of towers is supported")
                                          .str());
  return true;
}

int64_t TowersReader::required(StringRef name, int64_t low, int64_t high) {
  if (!fields.has(name))
    fields.mismatch(name, llvm::formatv("an integer from {0} to {1}", low, high).str());
  return fields.integer(name, low, low, high);
}

/// Length of an axis, at least 1 and at most `most`.
int64_t TowersReader::size(StringRef tensor, size_t rank, size_t axis, int64_t most) {
  auto found = tensors.find(tensor.str());
  if (found == tensors.end()) {
    fields.fail("tensor " + inQuotes(tensor) + " is missing");
    return 1;
  }
  const std::vector<int64_t> &shape = found->second.shape;
  if (shape.size() == rank && shape[axis] >= 1 && shape[axis] <= most)
    return shape[axis];
  fields.fail("tensor " + inQuotes(tensor) + " has shape " + shapeText(shape) + ", expected " + llvm::Twine(rank) +
              " dimensions, of which number " + llvm::Twine(axis + 1) + " is 1 to " + llvm::Twine(most));
  return 1;
}

/// Whether a layer has bounds.
bool TowersReader::clips(StringRef prefix) const {
  return llvm::any_of(tensors, [&](const auto &tensor) {
    StringRef name = tensor.first;
    return name.starts_with(prefix) &&
           llvm::any_of(boundEndings, [&](StringRef ending) { return name.ends_with(ending); });
  });
}

void TowersReader::checkWidth(StringRef tower) {
  std::string name = (tower + ".projection_dim").str();
  if (required(name, 1, limits::hidden) != hidden)
    fields.mismatch(name, std::to_string(hidden) + ", the width of the text model: the files are of two models");
}

/// Colors are shifted and scaled by nothing.
void TowersReader::checkColors() {
  for (auto [name, only] : {std::pair("vision.image_mean", 0.0), std::pair("vision.image_std", 1.0)}) {
    const Json *colors = fields.array(name);
    if (colors && *colors != Json::array({only, only, only}))
      fields.mismatch(name, "three times " + shortNumber(only));
  }
}

/// A tower without an encoder has sizes of layers for llama.cpp's reader alone.
void TowersReader::checkNoLayers(StringRef tower) {
  for (StringRef part : {".block_count", ".feed_forward_length", ".attention.head_count"})
    if (std::string name = (tower + part).str(); fields.integer(name, 0, 0, INT32_MAX) != 0)
      fields.mismatch(name, "0: towers of this kind have no layers");
}

/// Converters of Gemma 4's first weeks wrote another; llama.cpp takes no heed of the field either.
void TowersReader::readAudioEpsilon(double only) {
  double epsilon = fields.number("audio.attention.layer_norm_epsilon", only, 1e-30, 1.0);
  if (epsilon != only)
    notes.push_back(fields.pathOf("audio.attention.layer_norm_epsilon") + " is " + shortNumber(epsilon) + ", but " +
                    shortNumber(only) + " in all published models: the latter counts");
}

VisionConfig TowersReader::readVision() {
  VisionConfig config;
  checkWidth("vision");
  config.layers = required("vision.block_count", 1, limits::layers);
  config.hidden = required("vision.embedding_length", 1, limits::hidden);
  config.mlpWidth = required("vision.feed_forward_length", 1, limits::width);
  config.heads = required("vision.attention.head_count", 1, limits::heads);
  config.patch = required("vision.patch_size", 1, 256);
  config.pool = fields.integer("vision.projector.scale_factor", 3, 1, 64);
  config.rmsEpsilon = fields.number("vision.attention.layer_norm_epsilon", 1e-6, 1e-30, 1.0);
  checkColors();
  config.headDim = size("v.blk.0.attn_q_norm.weight", 1, 0, limits::headDim);
  const int64_t keys = size("v.blk.0.attn_k.weight", 2, 0, limits::heads * limits::headDim);
  config.positions = size("v.position_embd.weight", 3, 1, limits::vocab);
  config.kvHeads = std::max<int64_t>(keys / config.headDim, 1);
  config.standardized = tensors.contains("v.std_bias") || tensors.contains("v.std_scale");
  config.clipped = clips("v.");
  if (config.headDim % 4 != 0)
    fields.fail("tensor 'v.blk.0.attn_q_norm.weight' has " + llvm::Twine(config.headDim) +
                " values, expected a multiple of 4: a half of a head turns with the column and one with the row");
  if (keys % config.headDim != 0 || config.heads % config.kvHeads != 0)
    fields.fail("tensor 'v.blk.0.attn_k.weight' has " + llvm::Twine(keys) + " rows, expected those of heads of " +
                llvm::Twine(config.headDim) + ", whose number divides " + llvm::Twine(config.heads));
  for (auto [name, value] : {std::pair("vision.attention.head_count_kv", config.kvHeads),
                             std::pair("vision.attention.head_dim", config.headDim)})
    if (fields.integer(name, value, 1, limits::heads * limits::headDim) != value)
      fields.mismatch(name, std::to_string(value) + ", which the tensors say");
  return config;
}

AudioConfig TowersReader::readAudio() {
  AudioConfig config;
  checkWidth("audio");
  config.layers = required("audio.block_count", 1, limits::layers);
  config.hidden = required("audio.embedding_length", 2, limits::hidden);
  config.heads = required("audio.attention.head_count", 1, limits::heads);
  if (fields.integer("audio.feed_forward_length", config.mlpWidth(), 1, 4 * limits::hidden) != config.mlpWidth())
    fields.mismatch("audio.feed_forward_length", std::to_string(config.mlpWidth()) + ", four times embedding_length");
  if (fields.integer("audio.num_mel_bins", melBins, 1, limits::hidden) != melBins)
    fields.mismatch("audio.num_mel_bins", std::to_string(melBins));
  readAudioEpsilon(config.rmsEpsilon);
  config.channels[0] = size("a.conv1d.0.weight", 4, 0, limits::hidden);
  config.channels[1] = size("a.conv1d.1.weight", 4, 0, limits::hidden);
  config.taps = size("a.blk.0.conv_dw.weight", 2, 1, 1024);
  config.outputWidth = size("a.pre_encode.out.weight", 2, 0, limits::hidden);
  config.clipped = clips("a.");
  // Not among the metadata: as in the class (spec 1.3).
  config.chunk = 12;
  config.past = 13;
  config.future = 0;
  if (config.channels[0] != melBins)
    fields.fail("tensor 'a.conv1d.0.weight' has " + llvm::Twine(config.channels[0]) + " channels, expected " +
                llvm::Twine(melBins) + ", the number of mel bins");
  if (config.hidden % (2 * config.heads) != 0)
    fields.mismatch("audio.embedding_length",
                    "a multiple of twice audio.attention.head_count = " + std::to_string(config.heads));
  return config;
}

PatchEmbedderConfig TowersReader::readPatches() {
  PatchEmbedderConfig config;
  checkWidth("vision");
  checkNoLayers("vision");
  checkColors();
  config.width = required("vision.embedding_length", 1, limits::hidden);
  config.patch = required("vision.patch_size", 1, 256);
  config.pool = fields.integer("vision.projector.scale_factor", 3, 1, 64);
  config.rmsEpsilon = fields.number("vision.attention.layer_norm_epsilon", 1e-6, 1e-30, 1.0);
  config.positions = size("v.position_embd.weight", 3, 1, limits::vocab);
  return config;
}

SampleEmbedderConfig TowersReader::readSamples() {
  SampleEmbedderConfig config;
  checkWidth("audio");
  checkNoLayers("audio");
  fields.any("audio.num_mel_bins"); // of no spectrum
  readAudioEpsilon(config.rmsEpsilon);
  config.samples = size("mm.a.input_projection.weight", 2, 1, limits::hidden);
  if (required("audio.embedding_length", 1, limits::hidden) != config.samples)
    fields.mismatch("audio.embedding_length", std::to_string(config.samples) + ", the samples of a soft token, as " +
                                                  "tensor 'mm.a.input_projection.weight' has columns");
  return config;
}

void TowersReader::skip(StringRef tower) {
  fields.boolean(("has_" + tower + "_encoder").str(), false);
  for (const std::string &name : fields.unread())
    if (StringRef(name).starts_with((tower + ".").str()))
      fields.any(name);
}

/// The metadata of the towers without their prefix.
static Json ownFields(const Json &metadata) {
  Json own = Json::object();
  for (const auto &item : metadata.items())
    if (StringRef name = item.key(); name.consume_front("clip."))
      own[name.str()] = item.value();
  return own;
}

llvm::Expected<GgufTowers> readGgufTowers(StringRef file, const GgufFile &gguf, int64_t hidden,
                                          const ImportOptions &options, std::vector<std::string> &notes) {
  Fields general(file, "", gguf.metadata);
  if (general.string("general.architecture", "") != "clip")
    general.mismatch("general.architecture", "'clip': --mmproj wants the file of a model's towers");
  if (general.string("general.type", "mmproj") != "mmproj")
    general.mismatch("general.type", "'mmproj'");
  if (llvm::Error error = general.takeError())
    return std::move(error);

  Json own = ownFields(gguf.metadata);
  Fields fields(file, "clip.", own);
  TowersReader reader(fields, gguf.tensors, hidden);
  GgufTowers result{reader.kind(), {}};
  TowerConfigs &towers = result.configs;
  if (options.withoutImages)
    reader.skip("vision");
  if (options.withoutAudio)
    reader.skip("audio");
  const bool sees = !options.withoutImages && reader.has("vision", result.kind);
  const bool hears = !options.withoutAudio && reader.has("audio", result.kind);
  const bool isUnified = result.kind == TowerKind::Embedders;
  if (sees && isUnified)
    towers.patches = reader.readPatches();
  else if (sees)
    towers.vision = reader.readVision();
  if (hears && isUnified)
    towers.samples = reader.readSamples();
  else if (hears)
    towers.audio = reader.readAudio();
  if (!towers.takesImages() && !towers.takesAudio() && !options.withoutImages && !options.withoutAudio)
    fields.mismatch("has_vision_encoder", "true, or has_audio_encoder to be it: the file has no tower");
  if (llvm::Error error = fields.finish(harmlessFields, options.ignoredFields, notes))
    return std::move(error);
  llvm::append_range(notes, reader.notes);
  return result;
}

} // namespace gemmac
