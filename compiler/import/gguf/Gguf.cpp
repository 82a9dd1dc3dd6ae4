// A GGUF file as a whole checkpoint.
#include "compiler/import/ChatFormatReader.h"
#include "compiler/import/MediaReader.h"
#include "compiler/import/ModelName.h"
#include "compiler/import/gguf/GgufConfig.h"
#include "compiler/import/gguf/GgufNames.h"
#include "compiler/import/gguf/GgufSource.h"
#include "compiler/import/gguf/GgufTokenizer.h"
#include "compiler/import/gguf/GgufTowers.h"

#include "llvm/Support/Path.h"

using namespace gemmac;
using llvm::StringRef;

/// The values of rope_freqs.weight; none when the file has no such tensor.
static llvm::Expected<std::vector<float>> readRopeFactors(const InputFile &file, StringRef name, const GgufFile &gguf) {
  auto found = gguf.tensors.find(ropeFactorsName.str());
  if (found == gguf.tensors.end())
    return std::vector<float>();
  const StoredTensor &tensor = found->second;
  if (tensor.dtype != "F32" || tensor.shape.size() != 1 || tensor.bytes > 1 << 16)
    return importError(name, "tensor '{0}' is {1} of shape {2}, expected a short vector of F32", ropeFactorsName,
                       tensor.dtype, shapeText(tensor.shape));
  std::string bytes;
  if (llvm::Error error = file.read(tensor.offset, tensor.bytes, bytes))
    return std::move(error);
  std::vector<float> factors(tensor.bytes / 4);
  std::memcpy(factors.data(), bytes.data(), tensor.bytes);
  return factors;
}

static llvm::Error importTensors(StringRef name, GgufFile &gguf, Checkpoint &result) {
  TensorFiles stored;
  stored.files = {name.str()};
  stored.listing = name.str();
  stored.tensors = std::move(gguf.tensors);
  stored.tensors.erase(ropeFactorsName.str()); // part of the configuration by now
  return selectTensors(std::move(stored), ggufNaming, result);
}

/// Some files carry the sampling of generation_config.json along.
static llvm::Error importSampling(StringRef name, const GgufFile &gguf, Checkpoint &result) {
  Fields fields(name, "", gguf.metadata);
  std::optional<double> temperature = fields.optionalNumber("general.sampling.temp", 0.0, 1000.0);
  result.sampling.temperature = temperature.value_or(0.0);
  result.sampling.topK = fields.optionalInteger("general.sampling.top_k", 0, INT32_MAX).value_or(0);
  result.sampling.topP = fields.optionalNumber("general.sampling.top_p", 0.0, 1.0).value_or(1.0);
  if (!temperature)
    result.notes.push_back("no sampling settings in the file: the program samples greedily by default");
  return fields.takeError();
}

static llvm::Error importTokenizer(StringRef name, const GgufFile &gguf, const ImportOptions &options,
                                   Checkpoint &result) {
  llvm::Expected<GgufTokenizer> tokenizer = readGgufTokenizer(name, gguf.metadata, result.config.vocab, options);
  if (!tokenizer)
    return tokenizer.takeError();
  const Vocabulary &vocabulary = tokenizer->vocabulary;
  llvm::append_range(result.notes, tokenizer->notes);
  llvm::Expected<int32_t> bos = findBos(tokenizer->bos, vocabulary, result.notes);
  if (!bos)
    return bos.takeError();
  result.bosId = *bos;
  result.tokenizer = serializeTokenizer(vocabulary);
  if (llvm::Error error = findMediaTokens(name, vocabulary, result.config))
    return error;
  if (options.projector.empty() && vocabulary.ids.contains(pictureToken))
    result.notes.push_back(
        "pictures and sounds: the model takes them with the file of its towers, which --mmproj names");
  result.sampling.suppressIds = std::move(tokenizer->suppressIds);

  Fields fields(name, "", gguf.metadata);
  std::optional<std::string> chatTemplate = fields.optionalString("tokenizer.chat_template");
  if (llvm::Error error = fields.takeError())
    return error;
  SpecialTokens tokens;
  if (!tokenizer->stops.ids.empty())
    if (const std::optional<std::string> &eos = vocabulary.texts[tokenizer->stops.ids.front()])
      tokens["eos_token"] = *eos;
  if (llvm::Error error = importChat(name, chatTemplate, std::move(tokens), vocabulary, options, result))
    return error;
  if (llvm::Error error = checkLeftOut(name, vocabulary, chatTemplate.value_or(""), result.chat, result.notes))
    return error;
  llvm::Expected<std::vector<int32_t>> stopIds =
      completeStopIds(name, tokenizer->stops, vocabulary, result.chat, /*isTold=*/false, result.notes);
  if (!stopIds)
    return stopIds.takeError();
  result.sampling.stopIds = std::move(*stopIds);
  return llvm::Error::success();
}

/// general.name, or what else a file calls its model.
static std::string givenName(const GgufFile &gguf) {
  for (const char *name : {"general.name", "general.basename"})
    if (auto found = gguf.metadata.find(name); found != gguf.metadata.end() && found->is_string())
      return stringOf(*found).str();
  return "";
}

llvm::Expected<Checkpoint> gemmac::importGguf(StringRef path, const ImportOptions &options) {
  Checkpoint result;
  StringRef name = llvm::sys::path::filename(path);
  llvm::Expected<GgufSource> source = GgufSource::open(path);
  if (!source)
    return source.takeError();
  GgufFile &gguf = source->gguf;
  result.directory = source->directory;
  llvm::Expected<std::vector<float>> ropeFactors = readRopeFactors(source->file, name, gguf);
  if (!ropeFactors)
    return ropeFactors.takeError();
  llvm::Expected<ModelConfig> config = readGgufConfig(name, gguf, *ropeFactors, options, result.notes);
  if (!config)
    return config.takeError();
  result.config = std::move(*config);
  result.config.name = fileModelName(name, givenName(gguf));
  if (llvm::Error error = importTensors(name, gguf, result))
    return std::move(error);
  if (!options.projector.empty())
    if (llvm::Error error = importGgufTowers(options, result))
      return std::move(error);
  if (llvm::Error error = importSampling(name, gguf, result))
    return std::move(error);
  if (llvm::Error error = importTokenizer(name, gguf, options, result))
    return std::move(error);
  return result;
}
