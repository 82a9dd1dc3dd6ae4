#include "compiler/driver/Inspect.h"

#include "compiler/base/ByteSize.h"
#include "compiler/import/Json.h"
#include "dialects/formats/Format.h"
#include "gemmac/tokenizer.h"
#include "passes/quantize/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <set>

namespace gemmac {

static int64_t valueCount(const TensorSource &tensor) {
  int64_t count = 1;
  for (int64_t size : tensor.shape)
    count *= size;
  return count;
}

/// One line per kind of layer: "35 layers: 28 sliding (...), 7 full (...)".
static void describeLayers(const ModelConfig &config, llvm::raw_ostream &os) {
  for (bool full : {false, true}) {
    size_t count = 0, sharing = 0;
    std::set<std::string> shapes;
    for (auto [index, layer] : llvm::enumerate(config.layers)) {
      if (layer.fullAttention != full)
        continue;
      ++count;
      sharing += !config.ownsKv(index);
      std::string shape = llvm::formatv("{0} heads of {1}, {2} for keys{3}, MLP {4}", layer.heads, layer.headDim,
                                        layer.kvHeads, layer.keysAreValues ? " (keys are values)" : "", layer.mlpWidth);
      if (layer.window > 0)
        shape += llvm::formatv(", window {0}", layer.window);
      shapes.insert(shape);
    }
    if (count == 0)
      continue;
    os << "  " << count << (full ? " full attention" : " sliding");
    if (sharing != 0)
      os << ", " << sharing << " of them read another layer's keys";
    os << "\n";
    for (const std::string &shape : shapes)
      os << "    " << shape << "\n";
  }
}

/// "0.168 G values, 320 MiB as BF16"
static std::string amountOf(llvm::function_ref<bool(llvm::StringRef name)> counts,
                            const std::map<std::string, TensorSource> &tensors) {
  int64_t number = 0, values = 0;
  uint64_t bytes = 0;
  std::set<std::string> encodings;
  for (const auto &[name, tensor] : tensors) {
    if (!counts(name))
      continue;
    ++number;
    values += valueCount(tensor);
    bytes += tensor.bytes;
    encodings.insert(nameOf(tensor.encoding).upper());
  }
  return llvm::formatv("{0} tensors, {1:F3} G values, {2} as {3}", number, static_cast<double>(values) / 1e9,
                       formatBytes(bytes), llvm::join(encodings, ", "));
}

/// In how many files the text model's tensors lie.
static size_t fileCount(const Checkpoint &checkpoint) {
  std::set<uint32_t> files;
  for (const auto *tensors : {&checkpoint.tensors, &checkpoint.pieces})
    for (const auto &[name, tensor] : *tensors)
      if (tensor.pieces.empty())
        files.insert(tensor.file);
  return files.size();
}

/// What tensors of a tower take in a program whose text is quantized, padding aside, if nobody asks for a format.
static uint64_t bytesBesideQuantizedText(const TensorSource &tensor) {
  if (tensor.shape.size() < 2)
    return static_cast<uint64_t>(valueCount(tensor)) * sizeof(float);
  if (tensor.shape.size() > 2) // tables of places, as they are stored; convolutions, which are small
    return tensor.bytes;
  int64_t groups = llvm::divideCeil(valueCount(tensor), groupColumns);
  return std::min(tensor.bytes, static_cast<uint64_t>(groups * groupBytes(towerFormatBesideQuantizedText, 1)));
}

static void describeTowers(const Checkpoint &checkpoint, llvm::raw_ostream &os) {
  auto amount = [&](llvm::StringRef tower, llvm::StringRef embedder) {
    auto counts = [=](llvm::StringRef name) { return name.starts_with(tower) || name.starts_with(embedder); };
    uint64_t bytes = 0;
    for (const auto &[name, tensor] : checkpoint.towerTensors)
      bytes += counts(name) ? bytesBesideQuantizedText(tensor) : 0;
    return amountOf(counts, checkpoint.towerTensors) +
           llvm::formatv("; beside quantized text {0} unless stored in less, about {1}",
                         nameOf(towerFormatBesideQuantizedText), formatBytes(bytes))
               .str();
  };
  const TowerConfigs &towers = checkpoint.config.towers;
  if (const auto &vision = towers.vision) {
    os << llvm::formatv(
        "vision tower: {0} layers, {1} wide, {2} heads of {3}, MLP {4}, patches of {5} pixels, {6} x {6} "
        "of them a token{7}{8}\n",
        vision->layers, vision->hidden, vision->heads, vision->headDim, vision->mlpWidth, vision->patch, vision->pool,
        vision->clipped ? ", clipped" : "", vision->standardized ? ", standardized" : "");
    os << "  " << amount("vision_tower.", "embed_vision.") << "\n";
  }
  if (const auto &audio = towers.audio) {
    os << llvm::formatv("audio tower: {0} layers, {1} wide, {2} heads of {3}, MLP {4}, {5} taps{6}\n", audio->layers,
                        audio->hidden, audio->heads, audio->headDim(), audio->mlpWidth(), audio->taps,
                        audio->clipped ? ", clipped" : "");
    os << "  " << amount("audio_tower.", "embed_audio.") << "\n";
  }
  if (const auto &patches = towers.patches) {
    os << llvm::formatv("pictures without an encoder: patches of {0} pixels, each a token, {1} wide, {2} places\n",
                        patches->side(), patches->width, patches->positions);
    os << "  " << amount("vision_embedder.", "embed_vision.") << "\n";
  }
  if (const auto &samples = towers.samples) {
    os << llvm::formatv("sounds without an encoder: {0} samples a token\n", samples->samples);
    os << "  " << amount("embed_audio.", "embed_audio.") << "\n";
  }
}

/// Sizes by the bits of each format, without padding; norms stay f32 in the program and weigh next to nothing.
static void describeSizes(const Checkpoint &checkpoint, llvm::raw_ostream &os) {
  int64_t embedding = 0, others = 0;
  for (const auto &[name, tensor] : checkpoint.tensors)
    (name == "embed_tokens.weight" ? embedding : others) += valueCount(tensor);
  os << "weights of a program, about:";
  const char *separator = " ";
  for (Format format : {Format::F32, Format::BF16, Format::Q8, Format::Q4, Format::Q2}) {
    Format least = leastEmbeddingFormat(embedding);
    Format table = formatInfo(format).bits < formatInfo(least).bits ? least : format;
    auto bytes = [](int64_t values, Format kind) { return values / groupColumns * groupBytes(kind, 1); };
    os << separator << nameOf(format) << " "
       << formatBytes(static_cast<uint64_t>(bytes(others, format) + bytes(embedding, table)));
    separator = ", ";
  }
  os << "\n";
}

/// The text of a token in a serialized gemmac_tokenizer.
static llvm::StringRef tokenText(llvm::StringRef tokenizer, int32_t id) {
  gemmac_tokenizer header;
  std::memcpy(&header, tokenizer.data(), sizeof header);
  auto endOf = [&](int32_t token) {
    uint32_t end;
    std::memcpy(&end, tokenizer.data() + header.text_ends + token * sizeof end, sizeof end);
    return end;
  };
  uint32_t begin = id ? endOf(id - 1) : 0;
  return tokenizer.substr(header.texts + begin, endOf(id) - begin);
}

/// "texts begin with 2 '<bos>'; answers end with 1 '<eos>', 106 '<turn|>'"
static void describeTokens(const Checkpoint &checkpoint, llvm::raw_ostream &os) {
  auto named = [&](int32_t id) { return std::to_string(id) + " " + inQuotes(tokenText(checkpoint.tokenizer, id)); };
  os << "texts begin with " << (checkpoint.bosId < 0 ? "no token of their own" : named(checkpoint.bosId));
  os << "; answers end with ";
  for (auto [index, id] : llvm::enumerate(checkpoint.sampling.stopIds))
    os << (index ? ", " : "") << named(id);
  os << (checkpoint.sampling.stopIds.empty() ? "no token" : "") << "\n";
}

std::string describeCheckpoint(const Checkpoint &checkpoint) {
  const ModelConfig &config = checkpoint.config;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << config.name << ": " << config.architecture << "\n";
  os << llvm::formatv("{0} layers, {1} wide, vocabulary {2}, context {3}, {4} head\n", config.layers.size(),
                      config.hidden, config.vocab, config.context, config.tiedHead ? "tied" : "untied");
  describeLayers(config, os);
  if (config.experts)
    os << llvm::formatv("  experts: {0} of {1} in every layer, each {2} wide\n", config.experts->topK,
                        config.experts->count, config.experts->width);
  if (config.perLayerEmbedding)
    os << llvm::formatv("  per-layer embeddings: {0} wide, vocabulary {1}\n", config.perLayerEmbedding->width,
                        config.perLayerEmbedding->vocab);
  auto all = [](llvm::StringRef) { return true; };
  size_t files = fileCount(checkpoint);
  os << llvm::formatv("text model: {0} in {1} {2}\n", amountOf(all, checkpoint.tensors), files,
                      files == 1 ? "file" : "files");
  describeTowers(checkpoint, os);
  os << "chat format: " << checkpoint.chat.name << "; tokenizer " << formatBytes(checkpoint.tokenizer.size())
     << " compiled\n";
  describeTokens(checkpoint, os);
  describeSizes(checkpoint, os);
  for (const std::string &note : checkpoint.notes)
    os << "note: " << note << "\n";
  return text;
}

} // namespace gemmac
