#include "compiler/import/ChatFormatReader.h"

#include "compiler/import/Json.h"

using namespace gemmac;
using llvm::StringRef;

static constexpr StringRef think = "<|think|>", channelOpen = "<|channel>", channelClose = "<channel|>";

namespace {

/// The control tokens around turns, by which templates are told apart.
struct Turns {
  StringRef open, close;
  bool systemTurns; ///< else instructions stand at the head of the first user's turn
};

constexpr Turns gemma4 = {"<|turn>", "<turn|>", true}, gemma3 = {"<start_of_turn>", "<end_of_turn>", false};

} // namespace

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
  if (llvm::Error error = fields.takeError())
    return std::move(error);
  return settings;
}

/// The string literal that starts at `text`'s quote, escapes resolved; `text` moves behind it.
static std::string takeLiteral(StringRef &text) {
  char quote = text.front();
  std::string value;
  size_t at = 1;
  for (; at < text.size() && text[at] != quote; ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      value += text[at];
      continue;
    }
    ++at;
    value += text[at] == 'n' ? '\n' : text[at] == 't' ? '\t' : text[at];
  }
  text = text.drop_front(std::min(at + 1, text.size()));
  return value;
}

namespace {

/// A piece of text that a template may write, with whether it stands behind the last test of add_generation_prompt.
struct Scan {
  bool inPrompt = false;
  bool found = false;

  void test() {
    inPrompt = true;
    found = false; // an earlier test was not the last one
  }
  void written(StringRef text) { found |= inPrompt && text.contains("<|channel>thought\n<channel|>"); }
};

} // namespace

/// Reads one {{ ... }} or {% ... %}; `text` starts behind the opening and moves behind the closing.
static void scanTag(StringRef &text, bool statement, Scan &scan) {
  StringRef close = statement ? "%}" : "}}";
  bool isTest = false;
  while (!text.empty() && !text.starts_with(close)) {
    if (text.front() == '\'' || text.front() == '"') {
      std::string literal = takeLiteral(text);
      if (!statement)
        scan.written(literal);
      continue;
    }
    isTest |= statement && text.starts_with("add_generation_prompt");
    text = text.drop_front();
  }
  text = text.drop_front(std::min(text.size(), close.size()));
  if (isTest)
    scan.test();
}

bool gemmac::writesClosedThought(StringRef text) {
  Scan scan;
  while (!text.empty()) {
    size_t open = text.find('{');
    while (open != StringRef::npos && !text.substr(open + 1).starts_with("{") &&
           !text.substr(open + 1).starts_with("%") && !text.substr(open + 1).starts_with("#"))
      open = text.find('{', open + 1);
    scan.written(text.take_front(open));
    if (open == StringRef::npos)
      break;
    char kind = text[open + 1];
    text = text.drop_front(open + 2);
    if (kind == '#') {
      size_t close = text.find("#}");
      text = close == StringRef::npos ? StringRef() : text.drop_front(close + 2);
    } else {
      scanTag(text, kind == '%', scan);
    }
  }
  return scan.found;
}

ChatFormat gemmac::readChatFormat(StringRef chatTemplate, StringRef bos, const Vocabulary &vocabulary,
                                  std::vector<std::string> &notes) {
  const Turns *turns = nullptr;
  for (const Turns *known : {&gemma3, &gemma4})
    if (chatTemplate.contains(known->open) && chatTemplate.contains(known->close))
      turns = known;
  if (!turns) {
    notes.push_back("the chat template is neither Gemma 4's (no <|turn> and <turn|>) nor Gemma 3's (no <start_of_turn> and "
                    "<end_of_turn>): the program will not chat");
    return {};
  }
  for (StringRef token : {turns->open, turns->close}) {
    const AddedToken *added = vocabulary.findAdded(token);
    if (!added || !added->special) { // users could write turns if it were plain text
      notes.push_back(("the tokenizer has no control token " + token + ": the program will not chat").str());
      return {};
    }
  }
  ChatFormat chat;
  chat.bos = bos.str();
  auto open = [&](StringRef role) { return (turns->open + role + "\n").str(); };
  chat.userOpen = open("user");
  chat.modelOpen = open("model");
  chat.turnClose = (turns->close + "\n").str();
  if (!turns->systemTurns) {
    chat.systemJoin = "\n\n";
    return chat;
  }
  chat.systemOpen = open("system");
  if (vocabulary.findAdded(think))
    chat.think = (think + "\n").str();
  if (vocabulary.findAdded(channelOpen) && vocabulary.findAdded(channelClose)) {
    chat.thoughtOpen = channelOpen.str();
    chat.thoughtClose = channelClose.str();
    if (writesClosedThought(chatTemplate))
      chat.closedThought = "<|channel>thought\n<channel|>";
  }
  return chat;
}
