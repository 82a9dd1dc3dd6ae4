// A Hugging Face checkpoint directory as a whole.
#include "compiler/import/ChatFormatReader.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/FileAccess.h"
#include "compiler/import/Json.h"
#include "compiler/import/SamplingReader.h"
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
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(directory, code), end; !code && it != end; it.increment(code))
    if (StringRef(it->path()).ends_with_insensitive(".gguf"))
      return importError(directory,
                         "no config.json, expected a Hugging Face checkpoint directory; name the GGUF file in "
                         "it to compile that");
  return importError(directory, "no config.json, expected a Hugging Face checkpoint directory");
}

/// "model" for "models/model/", and the real name for ".".
static std::string nameOf(StringRef directory) {
  llvm::SmallString<256> path;
  if (llvm::sys::fs::real_path(directory, path))
    path = directory;
  return llvm::sys::path::filename(path).str();
}

/// Norms whose files hold the factor without `addend`.
static void completeNorms(double addend, Checkpoint &result) {
  for (auto &[name, source] : result.tensors)
    if (StringRef(name).ends_with("norm.weight") || StringRef(name).contains("layernorm"))
      source.addend = addend;
}

static llvm::Error importConfig(StringRef directory, Checkpoint &result, ConfigFile &config) {
  llvm::Expected<std::string> text = readTextFile(directory, "config.json");
  if (!text)
    return text.takeError();
  llvm::Expected<ConfigFile> read = readConfig("config.json", *text);
  if (!read)
    return read.takeError();
  config = std::move(*read);
  result.config = config.model;
  result.config.name = nameOf(directory);
  result.notes = config.notes;
  return llvm::Error::success();
}

static llvm::Error importSampling(StringRef directory, const ConfigFile &config, Checkpoint &result) {
  llvm::Expected<std::optional<std::string>> text = readOptional(directory, "generation_config.json");
  if (!text)
    return text.takeError();
  if (!*text) {
    result.notes.push_back("no generation_config.json: the program samples greedily by default");
  } else {
    llvm::Expected<SamplingConfig> sampling =
        readSampling("generation_config.json", **text, config.model.vocab, result.notes);
    if (!sampling)
      return sampling.takeError();
    result.sampling = std::move(*sampling);
  }
  if (result.sampling.stopIds.empty())
    result.sampling.stopIds = config.eosIds;
  return llvm::Error::success();
}

/// The id of <bos>: tokenizer_config.json names it, else config.json numbers it, else the tokenizer has "<bos>".
static llvm::Error findBos(const TokenizerSettings &settings, const ConfigFile &config, const Vocabulary &vocabulary,
                           Checkpoint &result) {
  if (settings.bosToken) {
    auto found = vocabulary.ids.find(*settings.bosToken);
    if (found == vocabulary.ids.end())
      return importError("tokenizer_config.json", "field 'bos_token' is {0}, expected a token of tokenizer.json",
                         inQuotes(*settings.bosToken));
    result.bosId = static_cast<int32_t>(found->second);
  } else if (config.bosId) {
    result.bosId = *config.bosId;
  } else if (auto found = vocabulary.ids.find("<bos>"); found != vocabulary.ids.end()) {
    result.bosId = static_cast<int32_t>(found->second);
  }
  return llvm::Error::success();
}

static llvm::Error importTokenizer(StringRef directory, const ConfigFile &config, const ImportOptions &options,
                                   Checkpoint &result) {
  if (!fileExists(directory, "tokenizer.json"))
    return importError(directory, "no tokenizer.json, expected the tokenizer of the checkpoint there");
  llvm::Expected<std::string> text = readTextFile(directory, "tokenizer.json");
  if (!text)
    return text.takeError();
  llvm::Expected<Vocabulary> vocabulary = readTokenizer("tokenizer.json", *text, config.model.vocab);
  if (!vocabulary)
    return vocabulary.takeError();
  result.tokenizer = serializeTokenizer(*vocabulary);

  TokenizerSettings settings;
  llvm::Expected<std::optional<std::string>> settingsText = readOptional(directory, "tokenizer_config.json");
  if (!settingsText)
    return settingsText.takeError();
  if (*settingsText) {
    llvm::Expected<TokenizerSettings> read = readTokenizerSettings("tokenizer_config.json", **settingsText);
    if (!read)
      return read.takeError();
    settings = std::move(*read);
  }
  if (llvm::Error error = findBos(settings, config, *vocabulary, result))
    return error;

  llvm::Expected<std::optional<std::string>> chatTemplate = readOptional(directory, "chat_template.jinja");
  if (!chatTemplate)
    return chatTemplate.takeError();
  bool own = chatTemplate->has_value();
  if (!own)
    *chatTemplate = settings.chatTemplate;
  return importChat(own ? "chat_template.jinja" : "tokenizer_config.json", *chatTemplate, settings.tokens, *vocabulary,
                    options, result);
}

llvm::Expected<Checkpoint> gemmac::importHuggingFace(StringRef directory, const ImportOptions &options) {
  if (llvm::Error error = checkDirectory(directory))
    return std::move(error);
  Checkpoint result;
  result.directory = directory.str();
  ConfigFile config;
  if (llvm::Error error = importConfig(directory, result, config))
    return std::move(error);
  llvm::Expected<TensorFiles> stored = readTensorFiles(directory);
  if (!stored)
    return stored.takeError();
  if (llvm::Error error = selectTensors(std::move(*stored), huggingFaceNaming, result, config.quantization))
    return std::move(error);
  completeNorms(config.normAddend, result);
  if (llvm::Error error = importTokenizer(directory, config, options, result))
    return std::move(error);
  if (llvm::Error error = importSampling(directory, config, result))
    return std::move(error);
  return result;
}
