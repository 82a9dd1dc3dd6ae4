// The tensors of towers: as the text model's (TensorFiles.cpp), but a mistake sets the tower aside.
#include "compiler/import/Json.h"
#include "compiler/import/Scalars.h"
#include "compiler/import/TensorFiles.h"

#include <functional>
#include <limits>
#include <numeric>

namespace gemmac {

using Media = std::map<std::string, const StoredTensor *>;
using Sources = std::map<std::string, TensorSource>;
using Shapes = std::map<std::string, std::vector<int64_t>>;
using llvm::StringRef;

/// What makes of a scalar tensor a bound of the linear beside it (spec 4.4).
static constexpr llvm::StringLiteral boundSuffixes[] = {".input_min", ".input_max", ".output_min", ".output_max"};

static bool isBound(StringRef name) {
  return llvm::any_of(boundSuffixes, [&](StringRef suffix) { return name.ends_with(suffix); });
}

namespace {

/// The tensors of one tower. Each step returns the first mistake, empty when there is none.
class TowerSelector {
public:
  TowerSelector(const Media &media, const TensorFiles &stored) : media(media), stored(stored) {}

  std::string choose(const Shapes &expected, std::initializer_list<StringRef> prefixes) {
    for (const auto &[name, shape] : expected)
      if (std::string mistake = isBound(name) ? "" : take(name, shape); !mistake.empty())
        return mistake;
    for (const auto &[name, shape] : expected)
      if (std::string mistake = isBound(name) ? takeBound(name, shape) : ""; !mistake.empty())
        return mistake;
    return findStranger(expected, prefixes);
  }
  /// Matrices that are multiplied with the same rows must clamp them alike.
  std::string checkShared(StringRef prefix, llvm::ArrayRef<StringRef> names) const {
    const TensorSource &first = sources.at((prefix + names[0] + ".linear.weight").str());
    for (StringRef name : names.drop_front())
      if (sources.at((prefix + name + ".linear.weight").str()).reads != first.reads)
        return llvm::formatv(
                   "'{0}{1}' has other input_min and input_max than '{0}{2}', which reads the same rows: that "
                   "is not supported",
                   prefix, name, names[0])
            .str();
    return "";
  }
  void splitPlaces(StringRef table) {
    auto whole = sources.find(table.str());
    TensorSource part = whole->second;
    sources.erase(whole);
    part.shape.erase(part.shape.begin());
    part.bytes /= 2;
    sources[(table + ".columns").str()] = part;
    part.offset += part.bytes;
    sources[(table + ".rows").str()] = part;
  }
  /// A table of a row for each column and one for each row of places, by turns, becomes one matrix.
  void stackPlaces(StringRef table) {
    std::vector<int64_t> &shape = sources.at(table.str()).shape;
    shape = {shape[0] * shape[1], shape[2]};
  }
  /// Convolutions become matrices: a row holds what one channel of the result is made with.
  void flattenConvolutions() {
    for (auto &[name, source] : sources)
      if (std::vector<int64_t> &shape = source.shape; shape.size() > 2)
        shape = {shape[0], std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>())};
  }

  Sources sources;

private:
  const Media &media;
  const TensorFiles &stored;

  std::string placeOf(const StoredTensor &tensor) const { return "in " + inQuotes(stored.files[tensor.file]); }

  /// The tensor of that name; null, after `mistake` was set, where there is none of the shape.
  const StoredTensor *find(const std::string &name, const std::vector<int64_t> &shape, std::string &mistake) const {
    auto found = media.find(name);
    if (found == media.end())
      mistake = llvm::formatv("tensor '{0}' of shape {1} is missing", name, shapeText(shape)).str();
    else if (found->second->shape != shape)
      mistake = llvm::formatv("tensor '{0}' {1} has shape {2}, expected {3}", name, placeOf(*found->second),
                              shapeText(found->second->shape), shapeText(shape))
                    .str();
    return mistake.empty() ? found->second : nullptr;
  }

  std::string take(const std::string &name, const std::vector<int64_t> &shape) {
    std::string mistake;
    const StoredTensor *tensor = find(name, shape, mistake);
    if (!tensor)
      return mistake;
    std::optional<Encoding> encoding = parseEncoding(tensor->dtype);
    if (!encoding)
      return llvm::formatv("tensor '{0}' {1} has type {2}, expected F32, F16 or BF16", name, placeOf(*tensor),
                           tensor->dtype)
          .str();
    sources[name] = {tensor->file, tensor->offset, tensor->bytes, *encoding, shape};
    return "";
  }

  /// One that is missing or infinite bounds nothing (spec 2.4).
  std::string takeBound(const std::string &name, const std::vector<int64_t> &shape) {
    auto [base, kind] = StringRef(name).rsplit('.');
    TensorSource &matrix = sources.at((base + ".linear.weight").str());
    std::optional<ValueBounds> &bounds = kind.starts_with("input") ? matrix.reads : matrix.gives;
    constexpr float most = std::numeric_limits<float>::max();
    if (!bounds)
      bounds = ValueBounds{-most, most};
    if (!media.contains(name))
      return "";
    std::string mistake;
    const StoredTensor *tensor = find(name, shape, mistake);
    if (!tensor)
      return mistake;
    llvm::Expected<float> value = readScalar(name, *tensor, stored);
    if (!value)
      return llvm::toString(value.takeError());
    const bool isLeast = kind.ends_with("min");
    (isLeast ? bounds->least : bounds->most) = std::clamp(*value, -most, most);
    // Rows are padded with zeros, which are clamped with them and must stay zeros.
    if (isLeast ? *value <= 0 : *value >= 0)
      return "";
    return llvm::formatv(
               "tensor '{0}' {1} is {2}, expected a number that is not {3} 0: bounds that leave out 0 are not "
               "supported",
               name, placeOf(*tensor), *value, isLeast ? "above" : "below")
        .str();
  }

  std::string findStranger(const Shapes &expected, std::initializer_list<StringRef> prefixes) const {
    for (const auto &[name, tensor] : media)
      if (!expected.contains(name) &&
          llvm::any_of(prefixes, [&](StringRef prefix) { return StringRef(name).starts_with(prefix); }))
        return llvm::formatv("tensor {0} {1} is not part of what the configuration describes", inQuotes(name),
                             placeOf(*tensor))
            .str();
    return "";
  }
};

} // namespace

static std::string chooseVision(const VisionConfig &config, const Shapes &expected, TowerSelector &selector) {
  std::string mistake = selector.choose(expected, {"vision_tower.", "embed_vision."});
  for (int64_t layer = 0; layer < config.layers && mistake.empty(); ++layer) {
    std::string prefix = "vision_tower.encoder.layers." + std::to_string(layer) + ".";
    mistake = selector.checkShared(prefix + "self_attn.", {"q_proj", "k_proj", "v_proj"});
    if (mistake.empty())
      mistake = selector.checkShared(prefix + "mlp.", {"gate_proj", "up_proj"});
  }
  if (mistake.empty())
    selector.splitPlaces("vision_tower.patch_embedder.position_embedding_table");
  return mistake;
}

static std::string chooseAudio(const AudioConfig &, const Shapes &expected, TowerSelector &selector) {
  std::string mistake = selector.choose(expected, {"audio_tower.", "embed_audio."});
  if (mistake.empty())
    selector.flattenConvolutions();
  return mistake;
}

static std::string choosePatches(const PatchEmbedderConfig &, const Shapes &expected, TowerSelector &selector) {
  std::string mistake = selector.choose(expected, {"vision_embedder.", "embed_vision."});
  if (mistake.empty())
    selector.stackPlaces("vision_embedder.pos_embedding");
  return mistake;
}

static std::string chooseSamples(const SampleEmbedderConfig &, const Shapes &expected, TowerSelector &selector) {
  return selector.choose(expected, {"embed_audio."});
}

void selectTowers(const Media &media, const TensorFiles &stored, Checkpoint &result) {
  auto selectOne = [&](auto &tower, StringRef name, auto choose) {
    if (!tower)
      return;
    TowerSelector selector(media, stored);
    std::string mistake = choose(*tower, expectedTensors(*tower, result.config.hidden), selector);
    if (mistake.empty())
      return result.towerTensors.merge(selector.sources);
    tower.reset();
    result.notes.push_back(name.str() + ": " + mistake);
  };
  selectOne(result.config.towers.vision, "vision tower", chooseVision);
  selectOne(result.config.towers.audio, "audio tower", chooseAudio);
  selectOne(result.config.towers.patches, "vision embedder", choosePatches);
  selectOne(result.config.towers.samples, "audio embedder", chooseSamples);
}

} // namespace gemmac
