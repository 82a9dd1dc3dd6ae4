// The tensors of towers: as the text model's (TensorFiles.cpp), but a mistake sets the tower aside.
#include "compiler/import/TensorFiles.h"

#include "compiler/import/Json.h"

namespace gemmac {

using Media = std::map<std::string, const StoredTensor *>;
using Sources = std::map<std::string, TensorSource>;
using llvm::StringRef;

static std::string placeOf(const Checkpoint &result, const StoredTensor &tensor) {
  return "in " + inQuotes(result.files[tensor.file]);
}

/// Moves the tensors of one tower to `sources`.
/// \returns the first mistake, empty when there is none
static std::string choose(const Media &media, const std::map<std::string, std::vector<int64_t>> &expected,
                          std::initializer_list<StringRef> prefixes, const Checkpoint &result, Sources &sources) {
  for (const auto &[name, shape] : expected) {
    auto found = media.find(name);
    if (found == media.end())
      return llvm::formatv("tensor '{0}' of shape {1} is missing", name, shapeText(shape)).str();
    const StoredTensor &tensor = *found->second;
    if (tensor.shape != shape)
      return llvm::formatv("tensor '{0}' {1} has shape {2}, expected {3}", name, placeOf(result, tensor),
                           shapeText(tensor.shape), shapeText(shape))
          .str();
    std::optional<Encoding> encoding = parseEncoding(tensor.dtype);
    if (!encoding)
      return llvm::formatv("tensor '{0}' {1} has type {2}, expected F32, F16 or BF16", name, placeOf(result, tensor),
                           tensor.dtype)
          .str();
    sources[name] = {tensor.file, tensor.offset, tensor.bytes, *encoding, shape};
  }
  for (const auto &[name, tensor] : media)
    if (!expected.contains(name) &&
        llvm::any_of(prefixes, [&](StringRef prefix) { return StringRef(name).starts_with(prefix); }))
      return llvm::formatv("tensor {0} {1} is not part of what the configuration describes", inQuotes(name),
                           placeOf(result, *tensor))
          .str();
  return "";
}

void selectTowers(const Media &media, Checkpoint &result) {
  auto selectOne = [&](auto &tower, StringRef name, std::initializer_list<StringRef> prefixes) {
    if (!tower)
      return;
    Sources sources;
    std::string mistake = choose(media, expectedTensors(*tower, result.config.hidden), prefixes, result, sources);
    if (mistake.empty())
      return result.towerTensors.merge(sources);
    tower.reset();
    result.notes.push_back(name.str() + ": " + mistake);
  };
  selectOne(result.config.towers.vision, "vision tower", {"vision_tower.", "embed_vision."});
  selectOne(result.config.towers.audio, "audio tower", {"audio_tower.", "embed_audio."});
}

} // namespace gemmac
