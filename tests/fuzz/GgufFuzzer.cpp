// A GGUF file: the first byte's low bit decides whether the file ends with the input or, as real ones do, far behind
// it. Whatever the header claims, tensors lie inside the file and apart, configurations are consistent, tokenizers give
// sound tables, and towers have all of their tensors.
#include "ModelChecks.h"
#include "TokenizerChecks.h"
#include "compiler/import/ChatFormatReader.h"
#include "compiler/import/gguf/GgufConfig.h"
#include "compiler/import/gguf/GgufNames.h"
#include "compiler/import/gguf/GgufTokenizer.h"
#include "compiler/import/gguf/GgufTowerNames.h"
#include "compiler/import/gguf/GgufTowers.h"

using namespace gemmac;

static void checkTensors(const StoredTensors &tensors, uint64_t fileBytes) {
  uint64_t sum = 0;
  for (const auto &[name, tensor] : tensors) {
    require(tensor.offset <= fileBytes && tensor.bytes <= fileBytes - tensor.offset);
    require(parseEncoding(tensor.dtype).has_value());
    int64_t count = 1;
    for (int64_t size : tensor.shape)
      require(size > 0 && !__builtin_mul_overflow(count, size, &count));
    require(sourceRowBytes(*parseEncoding(tensor.dtype), count) == static_cast<int64_t>(tensor.bytes));
    sum += tensor.bytes;
    std::string canonical = ggufNaming.canonical(name);
    require(canonical.empty() || ggufNaming.stored(canonical) == name);
    for (TowerKind kind : {TowerKind::Encoders, TowerKind::Embedders}) {
      std::string ofTower = canonicalTowerName(name, kind);
      require(ofTower.empty() || storedTowerName(ofTower) == name);
    }
  }
  require(sum <= fileBytes); // no byte belongs to two tensors
}

/// What a tower of these sizes asks for can be counted in bytes.
template <typename Config> static void checkSizes(const Config &config, int64_t hidden) {
  for (const auto &[name, shape] : expectedTensors(config, hidden)) {
    int64_t bytes = 4;
    for (int64_t size : shape)
      require(size > 0 && !__builtin_mul_overflow(bytes, size, &bytes));
    require(!storedTowerName(name).empty());
  }
}

/// The file as that of the towers of a text model that is 8 wide.
static void checkTowers(const GgufFile &gguf, ReadBytes read) {
  Checkpoint checkpoint;
  checkpoint.config.hidden = 8;
  std::optional<GgufTowers> found = accepted(readGgufTowers("f", gguf, 8, {}, checkpoint.notes));
  if (!found)
    return;
  const TowerConfigs &towers = found->configs;
  if (towers.vision)
    checkSizes(*towers.vision, 8);
  if (towers.audio)
    checkSizes(*towers.audio, 8);
  if (towers.patches)
    checkSizes(*towers.patches, 8);
  if (towers.samples)
    checkSizes(*towers.samples, 8);
  std::optional<TowerFiles> named = accepted(nameGgufTowers("f", gguf, *found));
  if (!named)
    return;
  checkpoint.config.towers = towers;
  TensorFiles stored;
  stored.files = {"f"};
  stored.read = [&](const StoredTensor &tensor) -> llvm::Expected<std::string> {
    std::string bytes;
    if (llvm::Error error = read(tensor.offset, tensor.bytes, bytes))
      return std::move(error);
    return bytes;
  };
  auto check = [](llvm::StringRef mistake) { require(!mistake.contains('\n')); };
  if (towers.vision)
    check(selectVision(*named, stored, checkpoint));
  if (towers.audio)
    check(selectAudio(*named, stored, checkpoint));
  if (towers.patches)
    check(selectPatches(*named, stored, checkpoint));
  if (towers.samples)
    check(selectSamples(*named, stored, checkpoint));
  for (const auto &[name, source] : checkpoint.towerTensors) {
    require(!source.reads || source.reads->least <= source.reads->most);
    require(source.shape.back() % source.planes == 0 && source.shape.front() % source.rowPlanes == 0);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef input = fuzzInput(data, size);
  bool endsLater = !input.empty() && input.front() & 1;
  llvm::StringRef file = input.drop_front(input.empty() ? 0 : 1);
  uint64_t fileBytes = file.size() + (endsLater ? uint64_t(1) << 33 : 0);
  auto read = [&](uint64_t offset, uint64_t count, std::string &result) {
    require(offset <= fileBytes && count <= fileBytes - offset && count < 1 << 27);
    result = offset < file.size() ? file.substr(offset, count).str() : std::string();
    result.resize(count);
    return llvm::Error::success();
  };
  std::optional<GgufFile> gguf = accepted(readGguf("f", fileBytes, read));
  if (!gguf)
    return 0;
  checkTensors(gguf->tensors, fileBytes);
  checkTowers(*gguf, read);
  // Factors of a full layer with heads of 8, of which half the pairs turn.
  std::vector<std::string> notes;
  if (std::optional<ModelConfig> model = accepted(readGgufConfig("f", *gguf, {1.0f, 1.0f, 1e30f, 1e30f}, {}, notes))) {
    checkModel(*model);
    Checkpoint checkpoint;
    checkpoint.config = *model;
    if (llvm::Error error = selectTensors({{"f"}, gguf->tensors}, ggufNaming, checkpoint))
      accepted(llvm::Expected<int>(std::move(error)));
  }
  if (std::optional<GgufTokenizer> tokenizer = accepted(readGgufTokenizer("f", gguf->metadata, 48))) {
    checkVocabulary(tokenizer->vocabulary);
    for (int32_t id : tokenizer->stops.ids)
      require(id >= 0 && id < 48);
    if (std::optional<int32_t> bos = accepted(findBos(tokenizer->bos, tokenizer->vocabulary, notes)))
      require(*bos >= -1 && *bos < 48);
    const Json chatTemplate = gguf->metadata.value("tokenizer.chat_template", Json());
    std::string text = chatTemplate.is_string() ? chatTemplate.get<std::string>() : std::string();
    ChatFormat chat =
        accepted(probeChatTemplate("f", text, {{"bos_token", "<bos>"}}, tokenizer->vocabulary)).value_or(ChatFormat());
    if (llvm::Error error = checkLeftOut("f", tokenizer->vocabulary, text, chat, notes))
      accepted(llvm::Expected<int>(std::move(error)));
    if (auto ids = accepted(completeStopIds("f", tokenizer->stops, tokenizer->vocabulary, chat, false, notes)))
      for (int32_t id : *ids)
        require(id >= 0 && id < 48);
  }
  return 0;
}
