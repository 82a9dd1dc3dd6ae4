#include "compiler/import/TensorFiles.h"

#include "compiler/import/ActivationScales.h"
#include "compiler/import/FileAccess.h"
#include "compiler/import/Json.h"
#include "compiler/import/QuantizedTensors.h"

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

static llvm::Error mergeShards(StringRef directory, const std::map<std::string, std::string> &index,
                               TensorFiles &result) {
  std::set<std::string> names;
  for (const auto &[tensor, file] : index)
    names.insert(file);
  for (const std::string &name : names) {
    if (!fileExists(directory, name))
      return importError(name, "no such file in {0}, expected it because {1} names it; fetch the missing shard",
                         inQuotes(directory), indexFile);
    llvm::Expected<StoredTensors> shard = readHeader(directory, name);
    if (!shard)
      return shard.takeError();
    for (auto &[tensor, stored] : *shard) {
      auto listed = index.find(tensor);
      if (listed == index.end())
        return importError(name, "tensor {0} is not listed in {1}", inQuotes(tensor), indexFile);
      if (listed->second != name)
        return importError(name, "tensor {0} is here, expected in {1} according to {2}", inQuotes(tensor),
                           inQuotes(listed->second), indexFile);
      stored.file = static_cast<uint32_t>(result.files.size());
      result.tensors.emplace(tensor, std::move(stored));
    }
    result.files.push_back(name);
  }
  for (const auto &[tensor, file] : index)
    if (!result.tensors.contains(tensor))
      return importError(file, "tensor {0} is missing, expected it here according to {1}", inQuotes(tensor), indexFile);
  return llvm::Error::success();
}

/// Opens the file anew: what is read so are a few bytes of a few tensors.
static auto readerOf(StringRef directory, std::vector<std::string> files) {
  return [directory = directory.str(), files = std::move(files)](const StoredTensor &tensor) -> llvm::Expected<std::string> {
    llvm::Expected<InputFile> file = InputFile::open(directory, files[tensor.file]);
    if (!file)
      return file.takeError();
    std::string bytes;
    if (llvm::Error error = file->read(tensor.offset, tensor.bytes, bytes))
      return std::move(error);
    return bytes;
  };
}

llvm::Expected<TensorFiles> gemmac::readTensorFiles(StringRef directory) {
  TensorFiles result;
  if (fileExists(directory, singleFile)) {
    llvm::Expected<StoredTensors> tensors = readHeader(directory, singleFile);
    if (!tensors)
      return tensors.takeError();
    result.files.push_back(singleFile.str());
    result.tensors = std::move(*tensors);
    result.read = readerOf(directory, result.files);
    return result;
  }
  if (!fileExists(directory, indexFile))
    return importError(directory, "found neither '{0}' nor '{1}'; gemmac reads weights in safetensors form only",
                       singleFile, indexFile);
  llvm::Expected<std::string> text = readTextFile(directory, indexFile);
  if (!text)
    return text.takeError();
  llvm::Expected<std::map<std::string, std::string>> index = readSafetensorsIndex(indexFile, *text);
  if (!index)
    return index.takeError();
  if (llvm::Error error = mergeShards(directory, *index, result))
    return std::move(error);
  result.read = readerOf(directory, result.files);
  return result;
}

namespace {

/// Parts of a checkpoint that are recognised and not compiled.
struct SetAside {
  llvm::StringLiteral prefix, name;
};

constexpr SetAside mediaParts[] = {{"model.vision_tower.", "vision tower"},
                                   {"vision_tower.", "vision tower"},
                                   {"model.audio_tower.", "audio tower"},
                                   {"model.embed_vision.", "vision embedder"},
                                   {"model.vision_embedder.", "vision embedder"},
                                   {"model.embed_audio.", "audio embedder"},
                                   {"model.multi_modal_projector.", "vision embedder"},
                                   {"multi_modal_projector.", "vision embedder"}};

} // namespace

/// The first files of Gemma 3 with a vision tower have the text model's class, head included, under "language_model.".
static std::string canonicalName(StringRef name) {
  name.consume_front("language_model.");
  if (name == "lm_head.weight")
    return name.str();
  if (!name.consume_front("model.language_model.") && !name.consume_front("model."))
    return "";
  return name == "lm_head.weight" ? "" : name.str();
}

const TensorNaming gemmac::huggingFaceNaming = {canonicalName, [](StringRef canonical) { return canonical.str(); }};

/// Keys and values that no layer reads (spec 2.4): "layers.<i>.self_attn.k_proj.weight" of a layer that reuses others', and
/// the scales of quantized ones.
static bool isDeadKv(const ModelConfig &config, StringRef name) {
  if (!name.consume_front("layers."))
    return false;
  auto [index, part] = name.split('.');
  size_t layer = 0;
  return !index.getAsInteger(10, layer) && layer < config.layers.size() && !config.ownsKv(layer) &&
         (part.starts_with("self_attn.k_proj.") || part.starts_with("self_attn.v_proj.") || part == "self_attn.k_norm.weight");
}

static llvm::Expected<TensorSource> toSource(StringRef file, StringRef name, StoredTensor stored,
                                             const std::vector<int64_t> &shape, const ModelConfig &config,
                                             StringRef canonical) {
  if (stored.shape != shape)
    return importError(file, "tensor {0} has shape {1}, expected {2} ({3})", inQuotes(name), shapeText(stored.shape),
                       shapeText(shape), shapeReason(config, canonical));
  std::optional<SourceEncoding> encoding = parseSourceEncoding(stored.dtype);
  for (const SourceEncodingInfo &info : sourceEncodingTable)
    if (stored.scales && info.name == stored.dtype)
      encoding = info.encoding;
  if (!encoding)
    return importError(file, "tensor {0} has type {1}, expected F32, F16 or BF16", inQuotes(name), stored.dtype);
  TensorSource source{stored.file, stored.offset, stored.bytes, *encoding, std::move(stored.shape), stored.scales};
  source.activations = stored.activations;
  return source;
}

llvm::Error gemmac::selectTensors(TensorFiles stored, const TensorNaming &naming, Checkpoint &result,
                                  QuantizedLayout layout) {
  const ModelConfig &config = result.config;
  TensorShapes expected = expectedTensors(config), pieces = expertShapes(config), all = pieces;
  all.insert(expected.begin(), expected.end());
  if (llvm::Error error = joinQuantized(layout, all, stored, result.notes))
    return error;
  std::map<std::string, size_t> media;
  size_t deadKv = 0;
  for (auto &[name, tensor] : stored.tensors) {
    StringRef file = stored.files[tensor.file];
    const auto *part =
        llvm::find_if(mediaParts, [&](const SetAside &p) { return StringRef(name).starts_with(p.prefix); });
    if (part != std::end(mediaParts)) {
      ++media[part->name.str()];
      continue;
    }
    std::string canonical = naming.canonical(name);
    auto wanted = all.find(canonical);
    if (wanted == all.end()) {
      if (canonical == "lm_head.weight") {
        result.notes.push_back("lm_head.weight: set aside, tie_word_embeddings makes the embedding table the head");
      } else if (isDeadKv(config, canonical)) {
        ++deadKv;
      } else {
        return importError(file, "tensor {0} is not part of the model that the configuration describes",
                           inQuotes(name));
      }
      continue;
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
    StringRef where = stored.files.size() == 1 ? StringRef(stored.files.front()) : indexFile;
    return importError(where, "tensor '{0}' of shape {1} is missing ({2})", naming.stored(name), shapeText(shape),
                       shapeReason(config, name));
  }
  for (const auto &[name, count] : media)
    result.notes.push_back(llvm::formatv("{0}: {1} tensors set aside, not compiled yet", name, count).str());
  if (deadKv)
    result.notes.push_back(
        llvm::formatv("{0} key and value tensors of layers that reuse other layers' are left out", deadKv).str());
  return llvm::Error::success();
}
