#include "compiler/import/ChatFormatReader.h"

#include "compiler/import/Json.h"

using namespace gemmac;
using llvm::StringRef;

/// A token is a string or, in older files, an object with its text under "content".
static std::optional<std::string> readToken(Fields &fields, StringRef file, StringRef name) {
  const Json *token = fields.any(name);
  if (!token)
    return std::nullopt;
  if (token->is_string())
    return stringOf(*token).str();
  if (token->is_object() && token->contains("content") && (*token)["content"].is_string())
    return stringOf((*token)["content"]).str();
  fields.mismatch(name, "a string or an object with a string 'content'");
  return std::nullopt;
}

/// A template is a string or, in older files, a list of named ones, of which "default" is for plain chats.
static std::optional<std::string> readTemplate(Fields &fields) {
  const Json *value = fields.any("chat_template");
  if (!value)
    return std::nullopt;
  if (value->is_string())
    return stringOf(*value).str();
  if (value->is_array()) {
    for (const Json &entry : *value) {
      bool usable =
          entry.is_object() && entry.value("name", Json()) == "default" && entry.value("template", Json()).is_string();
      if (usable)
        return stringOf(entry["template"]).str();
    }
  }
  fields.mismatch("chat_template", "a string or a list with a template named 'default'");
  return std::nullopt;
}

llvm::Expected<TokenizerSettings> gemmac::readTokenizerSettings(StringRef file, StringRef text) {
  llvm::Expected<Json> json = parseJson(file, text, DuplicateKeys::refuse);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return importError(file, "the file holds {0}, expected an object", describe(*json));
  Fields fields(file, "", *json);
  TokenizerSettings settings;
  settings.bosToken = readToken(fields, file, "bos_token");
  settings.chatTemplate = readTemplate(fields);
  if (std::optional<bool> adds = fields.optionalBoolean("add_bos_token"))
    settings.addsBos = *adds;
  for (const char *name : {"eos_token", "pad_token", "unk_token"})
    if (std::optional<std::string> token = readToken(fields, file, name))
      settings.tokens[name] = *token;
  if (llvm::Error error = fields.takeError())
    return std::move(error);
  return settings;
}

/// A format that was chosen by name.
static llvm::Expected<ChatFormat> chosenFormat(StringRef name, StringRef bos, const Vocabulary &vocabulary,
                                               const ModelConfig &config) {
  if (name == "none")
    return ChatFormat();
  // The E sizes, which alone have per-layer embeddings, are not to get a closed thought (spec 6.3).
  ChatFormat format = name == "gemma3" ? gemma3Format(bos) : gemma4Format(bos, !config.perLayerEmbedding);
  StringRef open = name == "gemma3" ? "<start_of_turn>" : "<|turn>";
  for (StringRef token : {open, StringRef(format.turnClose)})
    if (!vocabulary.findAdded(token))
      return importError("--chat-format", "the tokenizer has no token {0}, which {1} needs; leave --chat-format out",
                         token, name);
  if (!vocabulary.findAdded(format.thoughtOpen) || !vocabulary.findAdded(format.thoughtClose))
    format.thoughtOpen = format.thoughtClose = "";
  if (format.thoughtOpen.empty())
    format.flags &= ~(GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_UNCLOSED | GEMMAC_CHAT_DROPS_MARKS);
  return format;
}

llvm::Error gemmac::importChat(StringRef file, const std::optional<std::string> &chatTemplate, SpecialTokens tokens,
                               const Vocabulary &vocabulary, const ImportOptions &options, Checkpoint &result) {
  StringRef bos;
  if (result.bosId >= 0 && vocabulary.texts[result.bosId])
    bos = *vocabulary.texts[result.bosId];
  if (!options.chatFormat.empty()) {
    llvm::Expected<ChatFormat> chosen = chosenFormat(options.chatFormat, bos, vocabulary, result.config);
    if (!chosen)
      return chosen.takeError();
    result.chat = std::move(*chosen);
    if (chatTemplate)
      result.notes.push_back("the chat template is not looked at: --chat-format is " + options.chatFormat);
    return llvm::Error::success();
  }
  if (!chatTemplate) {
    result.notes.push_back("no chat template: the program completes text and does not chat");
    return llvm::Error::success();
  }
  tokens["bos_token"] = bos.str();
  llvm::Expected<ChatFormat> found = probeChatTemplate(file, *chatTemplate, tokens, vocabulary);
  if (!found)
    return found.takeError();
  result.chat = std::move(*found);
  for (const std::string &difference : result.chat.differences)
    result.notes.push_back("chat template: " + difference);
  return llvm::Error::success();
}
