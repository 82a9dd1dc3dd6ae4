// A Hugging Face checkpoint directory as a whole.
#include "compiler/import/ChatFormatReader.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/FileAccess.h"
#include "compiler/import/Json.h"
#include "compiler/import/MediaReader.h"
#include "compiler/import/ModelName.h"
#include "compiler/import/SamplingReader.h"
#include "compiler/import/SpecialTokens.h"
#include "compiler/import/TensorFiles.h"
#include "compiler/import/TokenizerReader.h"

#include "llvm/Support/Path.h"

using namespace gemmac;
using llvm::StringRef;

/// The text of a file that may be missing.
static llvm::Expected<std::optional<std::string>> readOptional(StringRef directory, StringRef name) {
  if (!fileExists(directory, name))
    return std::optional<std::string>();
  llvm::Expected<std::string> text = readTextFile(directory, name);
  if (!text)
    return text.takeError();
  return std::optional(std::move(*text));
}

static llvm::Error checkDirectory(StringRef directory) {
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(directory, status))
    return importError(directory, "cannot read the checkpoint: {0}", code.message());
  if (status.type() != llvm::sys::fs::file_type::directory_file) {
    return importError(directory, "this is a file, expected a Hugging Face checkpoint directory (config.json, "
                                  "model.safetensors, tokenizer.json) or a file named *.gguf");
  }
  if (fileExists(directory, "config.json"))
    return llvm::Error::success();
  if (fileExists(directory, "adapter_config.json"))
    return importError(directory,
                       "no config.json, only adapter_config.json: this is an adapter; merge it into its base "
                       "model and compile that");
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(directory, code), end; !code && it != end; it.increment(code))
    if (StringRef(it->path()).ends_with_insensitive(".gguf"))
      return importError(directory,
                         "no config.json, expected a Hugging Face checkpoint directory; name the GGUF file in "
                         "it to compile that");
  return importError(directory, "no config.json, expected a Hugging Face checkpoint directory");
}

/// Norms whose files hold the factor without `addend`.
static void completeNorms(double addend, Checkpoint &result) {
  for (auto &[name, source] : result.tensors)
    if (StringRef(name).ends_with("norm.weight") || StringRef(name).contains("layernorm"))
      source.addend = addend;
}

static llvm::Error importConfig(StringRef directory, const ImportOptions &options, Checkpoint &result,
                                ConfigFile &config) {
  llvm::Expected<std::string> text = readTextFile(directory, "config.json");
  if (!text)
    return text.takeError();
  llvm::Expected<ConfigFile> read = readConfig("config.json", *text, options);
  if (!read)
    return read.takeError();
  config = std::move(*read);
  result.config = config.model;
  result.config.name = directoryModelName(directory, config.givenName);
  result.notes = config.notes;
  return llvm::Error::success();
}

/// How many soft tokens a picture gets unless the user says: the first of the processor's files that tells.
static llvm::Error importPictureBudget(StringRef directory, Checkpoint &result) {
  for (const char *name : {"processor_config.json", "preprocessor_config.json"}) {
    llvm::Expected<std::optional<std::string>> text = readOptional(directory, name);
    if (!text)
      return text.takeError();
    if (!*text)
      continue;
    llvm::Expected<std::optional<int64_t>> budget = readPictureBudget(name, **text);
    if (!budget)
      return budget.takeError();
    if (!*budget)
      continue;
    result.config.media.budget = static_cast<int32_t>(**budget);
    return llvm::Error::success();
  }
  return llvm::Error::success();
}

namespace {

/// Stop tokens as listed, and by which file.
struct Stops {
  const char *file;
  ListedIds listed;
};

} // namespace

/// Settings of generation_config.json into `result`. Its stop tokens have the word, config.json's stand in for them.
static llvm::Expected<Stops> importSampling(StringRef directory, const ConfigFile &config, Checkpoint &result) {
  constexpr const char *name = "generation_config.json";
  llvm::Expected<std::optional<std::string>> text = readOptional(directory, name);
  if (!text)
    return text.takeError();
  if (!*text) {
    result.notes.push_back("no generation_config.json: the program samples greedily by default");
    return Stops{"config.json", config.eos};
  }
  llvm::Expected<SamplingFile> file = readSampling(name, **text, config.model.vocab, result.notes);
  if (!file)
    return file.takeError();
  result.sampling = std::move(file->sampling);
  bool hasNone = file->stops.ids.empty() && file->stops.beyond.empty();
  return hasNone ? Stops{"config.json", config.eos} : Stops{name, std::move(file->stops)};
}

static llvm::Expected<TokenizerSettings> importTokenizerSettings(StringRef directory) {
  constexpr StringRef name = "tokenizer_config.json";
  llvm::Expected<std::optional<std::string>> text = readOptional(directory, name);
  if (!text)
    return text.takeError();
  return *text ? readTokenizerSettings(name, **text) : TokenizerSettings();
}

namespace {

struct StoredTemplate {
  StringRef file;                  ///< where it stands, or would stand
  std::optional<std::string> text; ///< nothing: the checkpoint has none
};

} // namespace

/// The chat template: a file of its own, else that of tokenizer_config.json, else that of the processor, which some
/// checkpoints have alone.
static llvm::Expected<StoredTemplate> importChatTemplate(StringRef directory, const TokenizerSettings &settings) {
  constexpr StringRef own = "chat_template.jinja", processor = "chat_template.json";
  llvm::Expected<std::optional<std::string>> text = readOptional(directory, own);
  if (!text)
    return text.takeError();
  if (*text)
    return StoredTemplate{own, std::move(*text)};
  if (settings.chatTemplate)
    return StoredTemplate{"tokenizer_config.json", settings.chatTemplate};
  text = readOptional(directory, processor);
  if (!text)
    return text.takeError();
  if (!*text)
    return StoredTemplate{own, std::nullopt};
  llvm::Expected<TokenizerSettings> read = readTokenizerSettings(processor, **text);
  if (!read)
    return read.takeError();
  return StoredTemplate{processor, read->chatTemplate};
}

static BosClaim bosClaim(const TokenizerSettings &settings, const ConfigFile &config) {
  constexpr const char *name = "tokenizer_config.json";
  BosClaim claim{name, std::nullopt, settings.bosToken, name, settings.addsBos};
  if (!claim.text && config.bosId && *config.bosId >= 0) {
    claim.file = "config.json";
    claim.id = config.bosId;
  }
  return claim;
}

static llvm::Expected<Vocabulary> importVocabulary(StringRef directory, int64_t vocab) {
  constexpr StringRef name = "tokenizer.json";
  if (!fileExists(directory, name))
    return importError(directory, "no tokenizer.json, expected the tokenizer of the checkpoint there");
  llvm::Expected<std::string> text = readTextFile(directory, name);
  if (!text)
    return text.takeError();
  return readTokenizer(name, *text, vocab);
}

static llvm::Error importTokenizer(StringRef directory, const ConfigFile &config, const Stops &stops,
                                   const ImportOptions &options, Checkpoint &result) {
  llvm::Expected<Vocabulary> vocabulary = importVocabulary(directory, config.model.vocab);
  if (!vocabulary)
    return vocabulary.takeError();
  llvm::Expected<TokenizerSettings> settings = importTokenizerSettings(directory);
  if (!settings)
    return settings.takeError();
  llvm::Expected<int32_t> bos = findBos(bosClaim(*settings, config), *vocabulary, result.notes);
  if (!bos)
    return bos.takeError();
  result.bosId = *bos;
  markControlTokens("tokenizer.json", stops.listed.ids, *vocabulary, result.notes);
  result.tokenizer = serializeTokenizer(*vocabulary);

  llvm::Expected<StoredTemplate> chatTemplate = importChatTemplate(directory, *settings);
  if (!chatTemplate)
    return chatTemplate.takeError();
  if (llvm::Error error =
          importChat(chatTemplate->file, chatTemplate->text, settings->tokens, *vocabulary, options, result))
    return error;
  if (llvm::Error error =
          checkLeftOut("tokenizer.json", *vocabulary, chatTemplate->text.value_or(""), result.chat, result.notes))
    return error;
  llvm::Expected<std::vector<int32_t>> stopIds =
      completeStopIds(stops.file, stops.listed, *vocabulary, result.chat, /*isTold=*/true, result.notes);
  if (!stopIds)
    return stopIds.takeError();
  result.sampling.stopIds = std::move(*stopIds);
  return llvm::Error::success();
}

llvm::Expected<Checkpoint> gemmac::importHuggingFace(StringRef directory, const ImportOptions &options) {
  if (llvm::Error error = checkDirectory(directory))
    return std::move(error);
  Checkpoint result;
  result.directory = directory.str();
  ConfigFile config;
  if (llvm::Error error = importConfig(directory, options, result, config))
    return std::move(error);
  if (result.config.towers.takesImages())
    if (llvm::Error error = importPictureBudget(directory, result))
      return std::move(error);
  llvm::Expected<TensorFiles> stored = readTensorFiles(directory);
  if (!stored)
    return stored.takeError();
  if (llvm::Error error = selectTensors(std::move(*stored), huggingFaceNaming, result, config.quantization))
    return std::move(error);
  completeNorms(config.normAddend, result);
  llvm::Expected<Stops> stops = importSampling(directory, config, result);
  if (!stops)
    return stops.takeError();
  if (llvm::Error error = importTokenizer(directory, config, *stops, options, result))
    return std::move(error);
  return result;
}
