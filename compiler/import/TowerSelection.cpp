// The tensors of towers: as the text model's (TensorFiles.cpp), but callers decide what a mistake means.
#include "compiler/import/Json.h"
#include "compiler/import/Scalars.h"
#include "compiler/import/TensorFiles.h"

#include <functional>
#include <limits>
#include <numeric>

namespace gemmac {

using Sources = std::map<std::string, TensorSource>;
using Shapes = std::map<std::string, std::vector<int64_t>>;
using llvm::StringRef;

static bool isBound(StringRef name) {
  return llvm::any_of(boundEndings, [&](StringRef ending) { return name.ends_with(ending); });
}

namespace {

/// The tensors of one tower. Each step returns the first mistake, empty when there is none.
class TowerSelector {
public:
  TowerSelector(const TowerFiles &tower, const TensorFiles &stored) : tower(tower), stored(stored) {}

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
                   "'{0}' has other input_min and input_max than '{1}', which reads the same rows: that is not "
                   "supported",
                   spelled(prefix, name), spelled(prefix, names[0]))
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
    TensorSource &source = sources.at(table.str());
    source.shape = {source.shape[0] * source.shape[1], source.shape[2]};
    source.rowPlanes = tower.placePlanes;
  }
  /// Convolutions become matrices: a row holds what one channel of the result is made with.
  void flattenConvolutions() {
    for (auto &[name, source] : sources)
      if (std::vector<int64_t> &shape = source.shape; shape.size() > 2)
        shape = {shape[0], std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>())};
  }

  Sources sources;

private:
  const TowerFiles &tower;
  const TensorFiles &stored;

  /// A linear as its files call it.
  std::string spelled(StringRef prefix, StringRef name) const {
    std::string matrix = tower.spelled((prefix + name + ".linear.weight").str());
    StringRef linear = matrix;
    linear.consume_back(".weight");
    linear.consume_back(".linear");
    return linear.str();
  }
  std::string placeOf(const StoredTensor &tensor) const { return "in " + inQuotes(stored.files[tensor.file]); }

  /// The tensor of that name; null, after `mistake` was set, where there is none of the shape.
  const StoredTensor *find(const std::string &name, const std::vector<int64_t> &shape, std::string &mistake) const {
    auto found = tower.tensors.find(name);
    if (found == tower.tensors.end())
      mistake = llvm::formatv("tensor '{0}' of shape {1} is missing", tower.spelled(name), shapeText(shape)).str();
    else if (found->second.shape != shape)
      mistake = llvm::formatv("tensor '{0}' {1} has shape {2}, expected {3}", tower.spelled(name),
                              placeOf(found->second), shapeText(found->second.shape), shapeText(shape))
                    .str();
    return mistake.empty() ? &found->second : nullptr;
  }

  std::string take(const std::string &name, const std::vector<int64_t> &shape) {
    std::string mistake;
    const StoredTensor *tensor = find(name, shape, mistake);
    if (!tensor)
      return mistake;
    std::optional<Encoding> encoding = parseEncoding(tensor->dtype);
    if (!encoding)
      return otherType(name, *tensor);
    sources[name] = {tensor->file, tensor->offset, tensor->bytes, *encoding, shape};
    return "";
  }

  std::string otherType(const std::string &name, const StoredTensor &tensor) const {
    return llvm::formatv("tensor '{0}' {1} has type {2}, expected F32, F16 or BF16", tower.spelled(name),
                         placeOf(tensor), tensor.dtype)
        .str();
  }

  /// One that is missing or infinite bounds nothing (spec 2.4).
  std::string takeBound(const std::string &name, const std::vector<int64_t> &shape) {
    auto [base, kind] = StringRef(name).rsplit('.');
    TensorSource &matrix = sources.at((base + ".linear.weight").str());
    std::optional<ValueBounds> &bounds = kind.starts_with("input") ? matrix.reads : matrix.gives;
    constexpr float most = std::numeric_limits<float>::max();
    if (!bounds)
      bounds = ValueBounds{-most, most};
    if (!tower.tensors.contains(name))
      return "";
    std::string mistake;
    const StoredTensor *tensor = find(name, shape, mistake);
    if (!tensor)
      return mistake;
    if (tensor->dtype != "F32" && tensor->dtype != "F16" && tensor->dtype != "BF16")
      return otherType(name, *tensor);
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
               tower.spelled(name), placeOf(*tensor), *value, isLeast ? "above" : "below")
        .str();
  }

  std::string findStranger(const Shapes &expected, std::initializer_list<StringRef> prefixes) const {
    for (const auto &[name, tensor] : tower.tensors)
      if (!expected.contains(name) &&
          llvm::any_of(prefixes, [&](StringRef prefix) { return StringRef(name).starts_with(prefix); }))
        return llvm::formatv("tensor {0} {1} is not part of what the configuration describes",
                             inQuotes(tower.spelled(name)), placeOf(tensor))
            .str();
    return "";
  }
};

} // namespace

std::string selectVision(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result) {
  const VisionConfig &config = *result.config.towers.vision;
  TowerSelector selector(tower, stored);
  std::string mistake =
      selector.choose(expectedTensors(config, result.config.hidden), {"vision_tower.", "embed_vision."});
  for (int64_t layer = 0; layer < config.layers && mistake.empty(); ++layer) {
    std::string prefix = "vision_tower.encoder.layers." + std::to_string(layer) + ".";
    mistake = selector.checkShared(prefix + "self_attn.", {"q_proj", "k_proj", "v_proj"});
    if (mistake.empty())
      mistake = selector.checkShared(prefix + "mlp.", {"gate_proj", "up_proj"});
  }
  if (!mistake.empty())
    return mistake;
  selector.splitPlaces("vision_tower.patch_embedder.position_embedding_table");
  selector.sources.at("vision_tower.patch_embedder.input_proj.weight").planes = tower.patchPlanes;
  result.towerTensors.merge(selector.sources);
  return "";
}

std::string selectAudio(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result) {
  const AudioConfig &config = *result.config.towers.audio;
  TowerSelector selector(tower, stored);
  std::string mistake =
      selector.choose(expectedTensors(config, result.config.hidden), {"audio_tower.", "embed_audio."});
  if (!mistake.empty())
    return mistake;
  selector.flattenConvolutions();
  for (int64_t layer = 0; layer < config.layers; ++layer)
    selector.sources.at("audio_tower.layers." + std::to_string(layer) + ".self_attn.per_dim_scale").softplus =
        tower.scalesAreRaw;
  result.towerTensors.merge(selector.sources);
  return "";
}

std::string selectPatches(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result) {
  TowerSelector selector(tower, stored);
  std::string mistake = selector.choose(expectedTensors(*result.config.towers.patches, result.config.hidden),
                                        {"vision_embedder.", "embed_vision."});
  if (!mistake.empty())
    return mistake;
  selector.stackPlaces("vision_embedder.pos_embedding");
  for (const char *name : {"patch_dense.weight", "patch_ln1.weight", "patch_ln1.bias"})
    selector.sources.at(std::string("vision_embedder.") + name).planes = tower.patchPlanes;
  result.towerTensors.merge(selector.sources);
  return "";
}

std::string selectSamples(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result) {
  TowerSelector selector(tower, stored);
  std::string mistake =
      selector.choose(expectedTensors(*result.config.towers.samples, result.config.hidden), {"embed_audio."});
  if (mistake.empty())
    result.towerTensors.merge(selector.sources);
  return mistake;
}

} // namespace gemmac
