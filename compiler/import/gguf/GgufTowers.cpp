// The tensors of the file of a GGUF model's towers, and the file as a part of a checkpoint.
#include "compiler/import/gguf/GgufTowers.h"

#include "compiler/import/MediaReader.h"
#include "compiler/import/gguf/GgufSource.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"

#include <filesystem>

namespace gemmac {

using llvm::StringRef;

/// A tensor's shape in `file` -> its shape in Towers.h. Bounds have one element, patches are pictures, convolutions of
/// one channel have no axis for it, a table of alternating places begins with its two halves.
static llvm::Error reshape(StringRef file, StringRef name, StringRef canonical, const TowerConfigs &towers,
                           std::vector<int64_t> &shape) {
  auto replace = [&](const std::vector<int64_t> &expected, std::vector<int64_t> result) -> llvm::Error {
    if (shape != expected)
      return importError(file, "tensor {0} has shape {1}, expected {2}", inQuotes(name), shapeText(shape),
                         shapeText(expected));
    shape = std::move(result);
    return llvm::Error::success();
  };
  if (llvm::any_of(boundEndings, [&](StringRef ending) { return canonical.ends_with(ending); })) {
    if (shape == std::vector<int64_t>{1})
      shape.clear();
  } else if (canonical == "vision_tower.patch_embedder.input_proj.weight" && towers.vision) {
    const int64_t side = towers.vision->patch, width = towers.vision->hidden;
    return replace({width, 3, side, side}, {width, 3 * side * side});
  } else if (canonical == "vision_embedder.pos_embedding" && towers.patches) {
    const int64_t positions = towers.patches->positions, width = towers.patches->width;
    return replace({2, positions, width}, {positions, 2, width});
  } else if (canonical.ends_with(".depthwise_conv1d.weight") && shape.size() == 2) {
    shape.insert(shape.begin() + 1, 1);
  }
  return llvm::Error::success();
}

llvm::Expected<TowerFiles> nameGgufTowers(StringRef file, const GgufFile &gguf, const GgufTowers &towers) {
  TowerFiles result{{}, storedTowerName, /*patchPlanes=*/3, /*placePlanes=*/2, /*scalesAreRaw=*/false};
  for (const auto &[name, tensor] : gguf.tensors) {
    std::string canonical = canonicalTowerName(name, towers.kind);
    if (canonical.empty())
      return importError(file, "tensor {0} is not part of the towers of a Gemma 4 model", inQuotes(name));
    StoredTensor named = tensor;
    if (llvm::Error error = reshape(file, name, canonical, towers.configs, named.shape))
      return std::move(error);
    result.tensors.emplace(std::move(canonical), std::move(named));
  }
  return result;
}

/// `path` as seen from `directory`, links on the way followed: files of a checkpoint are named so. A file beside the
/// model keeps its name.
static std::string pathFrom(StringRef directory, StringRef path) {
  namespace fs = std::filesystem;
  std::error_code failed;
  StringRef parent = llvm::sys::path::parent_path(path), name = llvm::sys::path::filename(path);
  fs::path between = fs::relative(parent.empty() ? "." : parent.str(), directory.str(), failed);
  if (failed || between.empty())
    return fs::absolute(path.str(), failed).string();
  return between == "." ? name.str() : (between / name.str()).string();
}

/// The first mistake of a tower, empty when there is none.
static std::string selectTowers(const TowerFiles &named, const TensorFiles &stored, Checkpoint &result) {
  const TowerConfigs &towers = result.config.towers;
  std::string mistake;
  if (towers.vision)
    mistake = selectVision(named, stored, result);
  if (towers.audio && mistake.empty())
    mistake = selectAudio(named, stored, result);
  if (towers.patches && mistake.empty())
    mistake = selectPatches(named, stored, result);
  if (towers.samples && mistake.empty())
    mistake = selectSamples(named, stored, result);
  return mistake;
}

/// The configuration and the tensors of the towers, in `result` or refused.
static llvm::Error takeTowers(StringRef name, GgufSource &source, const ImportOptions &options, Checkpoint &result) {
  llvm::Expected<GgufTowers> towers = readGgufTowers(name, source.gguf, result.config.hidden, options, result.notes);
  if (!towers)
    return towers.takeError();
  llvm::Expected<TowerFiles> named = nameGgufTowers(name, source.gguf, *towers);
  if (!named)
    return named.takeError();
  result.config.towers = towers->configs;
  result.config.architecture =
      towers->kind == TowerKind::Embedders ? "Gemma4UnifiedForConditionalGeneration" : "Gemma4ForConditionalGeneration";
  TensorFiles stored;
  stored.files = {name.str()};
  stored.read = [&](const StoredTensor &tensor) -> llvm::Expected<std::string> {
    std::string bytes;
    if (llvm::Error error = source.file.read(tensor.offset, tensor.bytes, bytes))
      return std::move(error);
    return bytes;
  };
  if (std::string mistake = selectTowers(*named, stored, result); !mistake.empty())
    return importError(name, "{0}", mistake);
  return llvm::Error::success();
}

llvm::Error importGgufTowers(const ImportOptions &options, Checkpoint &result) {
  StringRef name = llvm::sys::path::filename(options.projector);
  if (result.config.architecture != "Gemma4ForCausalLM")
    return importError(name, "the model is of the class {0}, expected Gemma 4: other models' towers are not compiled",
                       result.config.architecture);
  llvm::Expected<GgufSource> source = GgufSource::open(options.projector);
  if (!source)
    return source.takeError();
  if (llvm::Error error = takeTowers(name, *source, options, result))
    return error;
  for (auto &[tensor, where] : result.towerTensors)
    where.file = static_cast<uint32_t>(result.files.size());
  result.files.push_back(pathFrom(result.directory, options.projector));
  // What a directory with these towers says; files have no field for it. Models with per-layer embeddings are those
  // whose pictures are read in one direction (spec 1.1).
  result.config.visionBlocks = !result.config.perLayerEmbedding;
  describeTowers(result.config);
  return llvm::Error::success();
}

} // namespace gemmac
