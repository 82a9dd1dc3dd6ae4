#include "compiler/import/TensorFiles.h"

#include "compiler/import/ActivationScales.h"
#include "compiler/import/FileAccess.h"
#include "compiler/import/Json.h"
#include "compiler/import/QuantizedTensors.h"
#include "compiler/import/Shards.h"

#include <set>

using namespace gemmac;
using llvm::StringRef;

static constexpr StringRef singleFile = "model.safetensors", indexFile = "model.safetensors.index.json";

static llvm::Expected<StoredTensors> readHeader(StringRef directory, StringRef name) {
  llvm::Expected<InputFile> file = InputFile::open(directory, name);
  if (!file)
    return file.takeError();
  std::string start;
  if (llvm::Error error = file->read(0, std::min<uint64_t>(8, file->bytes()), start))
    return std::move(error);
  llvm::Expected<uint64_t> length = safetensorsHeaderBytes(name, start, file->bytes());
  if (!length)
    return length.takeError();
  std::string header;
  if (llvm::Error error = file->read(8, *length, header))
    return std::move(error);
  return readSafetensorsHeader(name, header, file->bytes());
}

/// Adds a file's tensors to those of the files before it.
static llvm::Error addFile(StringRef directory, const std::string &name, TensorFiles &result) {
  llvm::Expected<StoredTensors> tensors = readHeader(directory, name);
  if (!tensors)
    return tensors.takeError();
  for (auto &[tensor, stored] : *tensors) {
    stored.file = static_cast<uint32_t>(result.files.size());
    if (auto [known, isNew] = result.tensors.try_emplace(tensor, std::move(stored)); !isNew)
      return importError(name, "tensor {0} is here and in {1}, expected it once", inQuotes(tensor),
                         inQuotes(result.files[known->second.file]));
  }
  result.files.push_back(name);
  return llvm::Error::success();
}

static llvm::Error addIndexedFiles(StringRef directory, const std::map<std::string, std::string> &index,
                                   TensorFiles &result) {
  std::set<std::string> names;
  for (const auto &[tensor, file] : index)
    names.insert(file);
  for (const std::string &name : names) {
    if (!fileExists(directory, name))
      return importError(name, "no such file in {0}, expected it because {1} names it; fetch the missing shard",
                         inQuotes(directory), indexFile);
    if (llvm::Error error = addFile(directory, name, result))
      return error;
  }
  for (const auto &[tensor, stored] : result.tensors) {
    const std::string &name = result.files[stored.file];
    auto listed = index.find(tensor);
    if (listed == index.end())
      return importError(name, "tensor {0} is not listed in {1}", inQuotes(tensor), indexFile);
    if (listed->second != name)
      return importError(name, "tensor {0} is here, expected in {1} according to {2}", inQuotes(tensor),
                         inQuotes(listed->second), indexFile);
  }
  for (const auto &[tensor, file] : index)
    if (!result.tensors.contains(tensor))
      return importError(file, "tensor {0} is missing, expected it here according to {1}", inQuotes(tensor), indexFile);
  return llvm::Error::success();
}

/// Opens the file anew: what is read so are a few bytes of a few tensors.
static auto readerOf(StringRef directory, std::vector<std::string> files) {
  return [directory = directory.str(),
          files = std::move(files)](const StoredTensor &tensor) -> llvm::Expected<std::string> {
    llvm::Expected<InputFile> file = InputFile::open(directory, files[tensor.file]);
    if (!file)
      return file.takeError();
    std::string bytes;
    if (llvm::Error error = file->read(tensor.offset, tensor.bytes, bytes))
      return std::move(error);
    return bytes;
  };
}

static llvm::Error addFiles(StringRef directory, TensorFiles &result) {
  if (fileExists(directory, singleFile)) {
    result.listing = singleFile;
    return addFile(directory, singleFile.str(), result);
  }
  if (fileExists(directory, indexFile)) {
    result.listing = indexFile;
    llvm::Expected<std::string> text = readTextFile(directory, indexFile);
    if (!text)
      return text.takeError();
    llvm::Expected<std::map<std::string, std::string>> index = readSafetensorsIndex(indexFile, *text);
    return index ? addIndexedFiles(directory, *index, result) : index.takeError();
  }
  llvm::Expected<std::vector<std::string>> shards = findShards(directory);
  if (!shards)
    return shards.takeError();
  if (shards->empty())
    return noTensorFiles(directory);
  result.listing = shards->front() + (shards->size() == 1 ? "" : " to " + shards->back());
  for (const std::string &name : *shards)
    if (llvm::Error error = addFile(directory, name, result))
      return error;
  return llvm::Error::success();
}

llvm::Expected<TensorFiles> gemmac::readTensorFiles(StringRef directory) {
  TensorFiles result;
  if (llvm::Error error = addFiles(directory, result))
    return std::move(error);
  result.read = readerOf(directory, result.files);
  return result;
}

static constexpr SetAside mediaParts[] = {{"model.vision_tower.", "vision tower"},
                                          {"vision_tower.", "vision tower"},
                                          {"model.audio_tower.", "audio tower"},
                                          {"model.embed_vision.", "vision embedder"},
                                          {"model.vision_embedder.", "vision embedder"},
                                          {"model.embed_audio.", "audio embedder"},
                                          {"model.multi_modal_projector.", "vision embedder"},
                                          {"multi_modal_projector.", "vision embedder"}};

/// Less what wrappers of a training program put before and into names when they are saved with the model.
static std::string withoutWrappers(StringRef name) {
  constexpr StringRef compiled = "_orig_mod.";
  while (name.consume_front("base_model.model.") || name.consume_front(compiled))
    continue;
  auto [plain, rest] = name.split(compiled);
  return rest.empty() ? name.str() : plain.str() + withoutWrappers(rest);
}

/// The first files of Gemma 3 with a vision tower have the text model's class, head included, under "language_model.".
/// A text model saved without its head has no prefix.
static std::string canonicalName(StringRef stored) {
  std::string plain = withoutWrappers(stored);
  StringRef name = plain;
  name.consume_front("language_model.");
  if (name == "lm_head.weight")
    return name.str();
  bool isInside = name.consume_front("model.language_model.") || name.consume_front("model.");
  return isInside && name == "lm_head.weight" ? "" : name.str();
}

const TensorNaming gemmac::huggingFaceNaming = {canonicalName, [](StringRef canonical) { return canonical.str(); },
                                                mediaParts};

namespace {

/// Counts what is set aside, for the notes.
class AsideCounter {
public:
  AsideCounter(const TensorNaming &naming, const ModelConfig &config) : naming(naming), config(config) {}

  /// Whether a tensor belongs to a part that is recognised and not compiled.
  bool isMedia(StringRef name, const StoredTensor &tensor) {
    std::string plain = withoutWrappers(name);
    for (const SetAside &part : naming.setAside)
      if (StringRef(plain).starts_with(part.prefix)) {
        ++media[part.name.str()];
        StringRef inside = plain;
        inside.consume_front("model.");
        tensors[inside.str()] = tensor;
        return true;
      }
    return false;
  }
  /// Those of media so far, by their names without "model.".
  const std::map<std::string, StoredTensor> &mediaTensors() const { return tensors; }
  /// Whether a tensor that the configuration does not ask for may be left out.
  bool isIdle(StringRef canonical);
  void note(const TowerConfigs &compiled, std::vector<std::string> &notes) const;

private:
  const TensorNaming &naming;
  const ModelConfig &config;
  std::map<std::string, size_t> media;
  std::map<std::string, StoredTensor> tensors;
  size_t heads = 0, deadKv = 0, rotaryTables = 0;
};

} // namespace

/// Keys and values that no layer reads (spec 2.4): "layers.<i>.self_attn.k_proj.weight" of a layer that reuses others',
/// and the scales of quantized ones.
static bool isDeadKv(const ModelConfig &config, StringRef name) {
  if (!name.consume_front("layers."))
    return false;
  auto [index, part] = name.split('.');
  size_t layer = 0;
  return !index.getAsInteger(10, layer) && layer < config.layers.size() && !config.ownsKv(layer) &&
         (part.starts_with("self_attn.k_proj.") || part.starts_with("self_attn.v_proj.") ||
          part == "self_attn.k_norm.weight");
}

static llvm::Expected<TensorSource> toSource(StringRef file, StringRef name, StoredTensor stored,
                                             const std::vector<int64_t> &shape, const ModelConfig &config,
                                             StringRef canonical) {
  if (stored.shape != shape)
    return importError(file, "tensor {0} has shape {1}, expected {2} ({3})", inQuotes(name), shapeText(stored.shape),
                       shapeText(shape), shapeReason(config, canonical));
  std::optional<Encoding> encoding = parseEncoding(stored.dtype);
  for (const EncodingInfo &info : encodingTable)
    if (stored.scales && nameOf(info.encoding) == stored.dtype)
      encoding = info.encoding;
  if (!encoding)
    return importError(file, "tensor {0} has type {1}, expected F32, F16 or BF16", inQuotes(name), stored.dtype);
  TensorSource source{stored.file, stored.offset, stored.bytes, *encoding, std::move(stored.shape), stored.scales};
  source.activations = stored.activations;
  return source;
}

bool AsideCounter::isIdle(StringRef canonical) {
  // Buffers of older releases, which follow from the configuration.
  bool isRotaryTable = canonical.contains("rotary_emb.") && canonical.ends_with("inv_freq");
  bool isHead = canonical == "lm_head.weight", isDead = isDeadKv(config, canonical);
  heads += isHead;
  deadKv += isDead;
  rotaryTables += isRotaryTable;
  return isHead || isDead || isRotaryTable;
}

void AsideCounter::note(const TowerConfigs &compiled, std::vector<std::string> &notes) const {
  if (heads)
    notes.push_back("lm_head.weight: set aside, tie_word_embeddings makes the embedding table the head");
  for (const auto &[name, count] : media)
    if (!(StringRef(name).starts_with("vision") && compiled.takesImages()) &&
        !(StringRef(name).starts_with("audio") && compiled.takesAudio()))
      notes.push_back(llvm::formatv("{0}: {1} tensors set aside", name, count).str());
  if (deadKv)
    notes.push_back(
        llvm::formatv("{0} key and value tensors of layers that reuse other layers' are left out", deadKv).str());
  if (rotaryTables)
    notes.push_back(
        llvm::formatv("{0} tables of rotary frequencies are left out, they follow from the configuration", rotaryTables)
            .str());
}

/// A tower that is not what its configuration says is set aside: the text model does without.
static void selectTowers(const TowerFiles &media, const TensorFiles &stored, Checkpoint &result) {
  auto note = [&](auto &tower, StringRef name, std::string mistake) {
    if (mistake.empty())
      return;
    tower.reset();
    result.notes.push_back(name.str() + ": " + mistake);
  };
  TowerConfigs &towers = result.config.towers;
  if (towers.vision)
    note(towers.vision, "vision tower", selectVision(media, stored, result));
  if (towers.audio)
    note(towers.audio, "audio tower", selectAudio(media, stored, result));
  if (towers.patches)
    note(towers.patches, "vision embedder", selectPatches(media, stored, result));
  if (towers.samples)
    note(towers.samples, "audio embedder", selectSamples(media, stored, result));
}

llvm::Error gemmac::selectTensors(TensorFiles stored, const TensorNaming &naming, Checkpoint &result,
                                  QuantizedLayout layout) {
  const ModelConfig &config = result.config;
  TensorShapes expected = expectedTensors(config), pieces = expertShapes(config), all = pieces;
  all.insert(expected.begin(), expected.end());
  if (llvm::Error error = joinQuantized(layout, all, stored, result.notes))
    return error;
  AsideCounter aside(naming, config);
  for (auto &[name, tensor] : stored.tensors) {
    StringRef file = stored.files[tensor.file];
    if (aside.isMedia(name, tensor))
      continue;
    std::string canonical = naming.canonical(name);
    auto wanted = all.find(canonical);
    if (wanted == all.end()) {
      if (aside.isIdle(canonical))
        continue;
      return importError(file, "tensor {0} is not part of the model that the configuration describes", inQuotes(name));
    }
    auto &chosen = pieces.contains(wanted->first) ? result.pieces : result.tensors;
    if (chosen.contains(wanted->first))
      return importError(file, "tensor {0} is given twice, under different prefixes of 'model.'",
                         inQuotes(wanted->first));
    llvm::Expected<TensorSource> source = toSource(file, name, std::move(tensor), wanted->second, config, canonical);
    if (!source)
      return source.takeError();
    chosen.emplace(wanted->first, std::move(*source));
  }
  result.files = stored.files;
  if (layout == QuantizedLayout::Gemma)
    if (llvm::Error error = checkActivationScales(result))
      return error;
  if (llvm::Error error = stackExperts(result))
    return error;
  for (const auto &[name, shape] : expected) {
    // A missing scalar means 1 (spec 2.4).
    if (result.tensors.contains(name) || StringRef(name).ends_with(".layer_scalar"))
      continue;
    return importError(stored.listing, "tensor '{0}' of shape {1} is missing ({2})", naming.stored(name),
                       shapeText(shape), shapeReason(config, name));
  }
  selectTowers({aside.mediaTensors(), naming.stored}, stored, result);
  aside.note(result.config.towers, result.notes);
  return llvm::Error::success();
}
