#include "compiler/import/gguf/GgufTokenizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace gemmac;
using llvm::StringRef;

// Fields that do not change which ids a text gives. `pre` names the splitting of words before merges; Gemma splits
// nothing that a merge could join. Ids of tokens with other parts to play ("..._token_id") are skipped by their ending.
static constexpr llvm::StringLiteral harmlessFields[] = {
    "pre", "token_type_count", "add_padding_token", "add_unknown_token", "add_mask_token", "pretokenizer", "hf_json"};

namespace {

/// As numbered in files.
enum class TokenType : int64_t { normal = 1, unknown, control, userDefined, unused, byte };

class TokenizerMetadata {
public:
  TokenizerMetadata(StringRef file, Fields &fields, int64_t vocab) : file(file), fields(fields), vocab(vocab) {
    result.vocabulary.size = static_cast<uint32_t>(vocab);
    result.vocabulary.texts.resize(vocab);
  }

  llvm::Expected<GgufTokenizer> read(const ImportOptions &options);

private:
  void readTokens();
  void readTypes(size_t count);
  void addToken(uint32_t id, const std::string &text);
  void leaveOut(uint32_t id, const Json &token);
  std::vector<double> readScores();
  void deriveMerges(llvm::ArrayRef<double> scores);
  void checkSettings();
  void readIds();

  StringRef file;
  Fields &fields;
  int64_t vocab;
  std::string model;
  std::vector<TokenType> types; ///< of the tokens that the file lists
  GgufTokenizer result;
};

} // namespace

/// What a token is called by its text alone, for files without types.
static TokenType plainType(const Json &token) {
  return token.is_string() && tokenByte(stringOf(token)) ? TokenType::byte : TokenType::normal;
}

void TokenizerMetadata::readTypes(size_t count) {
  const Json *kinds = fields.array("token_type");
  if (!kinds) {
    for (const Json &token : *fields.array("tokens"))
      types.push_back(plainType(token));
    result.notes.push_back((file + ": no tokenizer.ggml.token_type: tokens are told apart by their texts").str());
    return;
  }
  if (kinds->size() != count)
    return fields.mismatch("token_type", std::to_string(count) + " numbers, one for each token");
  for (auto [index, kind] : llvm::enumerate(*kinds)) {
    bool known = kind.is_number_integer() && kind.get<int64_t>() >= 1 && kind.get<int64_t>() <= 6;
    if (!known)
      return fields.mismatch("token_type",
                             "numbers from 1 to 6; that of token " + std::to_string(index) + " is " + describe(kind));
    types.push_back(static_cast<TokenType>(kind.get<int64_t>()));
  }
}

void TokenizerMetadata::addToken(uint32_t id, const std::string &text) {
  Vocabulary &vocabulary = result.vocabulary;
  TokenType type = types[id];
  vocabulary.texts[id] = text;
  vocabulary.ids[text] = id;
  if (type == TokenType::byte)
    vocabulary.byteFallback = true;
  // Some converters mark the names of bytes as a user's tokens; nobody means them by writing them.
  bool isAdded = type == TokenType::control || type == TokenType::unknown || type == TokenType::userDefined;
  if (isAdded && !tokenByte(text))
    vocabulary.added.push_back({id, text, type != TokenType::userDefined});
  if (type == TokenType::unknown)
    vocabulary.unknown = id;
}

/// A token without a row in the embedding table, of the media of larger models: nothing can feed or yield it.
void TokenizerMetadata::leaveOut(uint32_t id, const Json &token) {
  StringRef text = token.is_string() ? stringOf(token) : StringRef();
  bool isMarker = text.starts_with("<") && text.ends_with(">");
  if (!isMarker && (types[id] == TokenType::normal || types[id] == TokenType::byte))
    return fields.mismatch("tokens", "at most " + std::to_string(vocab) +
                                         " words: the embedding table has that many rows; token " + std::to_string(id) +
                                         " is " + describe(token));
  if (types[id] != TokenType::unused || isMarker)
    result.vocabulary.leftOut.push_back({id, text.str(), true});
}

void TokenizerMetadata::readTokens() {
  const Json *tokens = fields.array("tokens");
  if (!tokens || tokens->empty())
    return fields.mismatch("tokens",
                           "1 to " + std::to_string(vocab) + " strings: the embedding table has that many rows");
  readTypes(tokens->size());
  for (size_t index = 0; index < tokens->size() && !fields.failed(); ++index) {
    const Json &token = (*tokens)[index];
    auto id = static_cast<uint32_t>(index);
    if (id >= vocab) {
      leaveOut(id, token);
      continue;
    }
    bool isText = token.is_string() && !stringOf(token).empty() && llvm::json::isUTF8(stringOf(token));
    if (types[id] == TokenType::unused) {
      // Its type says that it never occurs; tokens that mark turns or end answers do.
      if (isText && isControlToken(stringOf(token), result.stops.ids, id))
        addToken(id, stringOf(token).str());
      continue;
    }
    if (!isText)
      return fields.mismatch("tokens", "strings of valid UTF-8 that are not empty; token " + std::to_string(id) +
                                           " is " + describe(token));
    addToken(id, stringOf(token).str());
  }
  result.vocabulary.addedSpaced = model == "llama";
  result.vocabulary.fuseUnknown = true; // as every Gemma tokenizer; only met where byte tokens are missing
}

std::vector<double> TokenizerMetadata::readScores() {
  const Json *scores = fields.array("scores");
  std::vector<double> numbers;
  bool good = scores && scores->size() == types.size();
  for (size_t i = 0; good && i < scores->size(); ++i) {
    numbers.push_back((*scores)[i].is_number() ? (*scores)[i].get<double>() : std::nan(""));
    good = std::isfinite(numbers.back());
  }
  if (!good)
    fields.mismatch("scores", "a finite number for each of " + std::to_string(types.size()) + " tokens");
  return good ? numbers : std::vector<double>(types.size());
}

/// SentencePiece joins two neighbours when their text is a token, that of the highest score first and the leftmost of
/// equals. So each way to cut a token into two is a merge, and all that make tokens of one score have one rank.
void TokenizerMetadata::deriveMerges(llvm::ArrayRef<double> scores) {
  Vocabulary &vocabulary = result.vocabulary;
  auto normal = [&](StringRef text) -> std::optional<uint32_t> {
    auto found = vocabulary.ids.find(text);
    if (found == vocabulary.ids.end() || types[found->second] != TokenType::normal)
      return std::nullopt;
    return found->second;
  };
  std::vector<uint32_t> order;
  for (uint32_t id = 0; id < std::min<size_t>(types.size(), vocabulary.size); ++id)
    if (types[id] == TokenType::normal && vocabulary.ids.lookup(*vocabulary.texts[id]) == id)
      order.push_back(id);
  llvm::sort(order, [&](uint32_t a, uint32_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  uint32_t rank = 0;
  for (auto [place, id] : llvm::enumerate(order)) {
    if (place != 0 && scores[order[place - 1]] != scores[id])
      rank = static_cast<uint32_t>(vocabulary.merges.size());
    StringRef text = *vocabulary.texts[id];
    for (size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) // inside a character
        continue;
      std::optional<uint32_t> left = normal(text.take_front(cut)), right = normal(text.drop_front(cut));
      if (left && right)
        vocabulary.merges.push_back({*left, *right, id, rank});
    }
  }
}

/// Settings that must stand at the only value that is implemented.
void TokenizerMetadata::checkSettings() {
  for (StringRef name :
       {"add_space_prefix", "add_prefix", "remove_extra_whitespaces", "add_sep_token", "normalizer.lowercase"})
    if (fields.boolean(name, false))
      fields.mismatch(name, "false, as in every model of the Gemma family");
  if (fields.boolean("add_eos_token", false))
    result.notes.push_back(
        (file + ": tokenizer.ggml.add_eos_token is true; it is for training, prompts end without").str());
  if (fields.any("precompiled_charsmap"))
    fields.mismatch("precompiled_charsmap", "none: text is not normalized");
}

void TokenizerMetadata::readIds() {
  result.bos = {file.str(), fields.optionalInteger("bos_token_id", INT32_MIN, UINT32_MAX), std::nullopt, file.str(),
                fields.boolean("add_bos_token", true)};
  if (result.bos.id && (*result.bos.id < 0 || *result.bos.id == UINT32_MAX)) // "none"
    result.bos.id = std::nullopt;
  std::optional<int64_t> unknown = fields.optionalInteger("unknown_token_id", INT32_MIN, UINT32_MAX);
  if (unknown && *unknown >= 0 && *unknown < vocab)
    result.vocabulary.unknown = static_cast<uint32_t>(*unknown);
  for (StringRef name : {"eos_token_id", "eot_token_id", "eom_token_id", "eos_token_ids"}) {
    ListedIds listed = readListedIds(fields, name, vocab);
    for (int32_t id : listed.ids)
      if (!llvm::is_contained(result.stops.ids, id))
        result.stops.ids.push_back(id);
    for (int64_t id : listed.beyond)
      if (!llvm::is_contained(result.stops.beyond, id))
        result.stops.beyond.push_back(id);
  }
  result.suppressIds = readListedIds(fields, "suppress_tokens", vocab).ids;
  for (const std::string &name : fields.unread())
    if (StringRef(name).ends_with("_token_id"))
      fields.any(name);
}

llvm::Expected<GgufTokenizer> TokenizerMetadata::read(const ImportOptions &options) {
  model = fields.string("model", "");
  if (model != "llama" && model != "gemma4" && model != "gpt2")
    fields.mismatch("model", "'llama', 'gemma4' or 'gpt2'");
  const Json *merges = fields.array("merges");
  bool scored = model == "llama" && (!merges || merges->empty());
  readIds();
  readTokens();
  checkSettings();
  if (fields.failed())
    return fields.takeError();
  // The bytes of a byte-level vocabulary are spelled as other characters, which no Gemma does.
  if (!result.vocabulary.ids.contains("\xe2\x96\x81"))
    fields.mismatch("tokens", "a token '\xe2\x96\x81' (U+2581) for the space, as in every model of the Gemma family");
  std::vector<double> scores;
  if (scored)
    scores = readScores();
  else
    fields.any("scores");
  if (!scored && !merges)
    fields.mismatch("merges", "a list");
  if (llvm::Error error = fields.finish(harmlessFields, options.ignoredFields, result.notes))
    return std::move(error);
  if (scored)
    deriveMerges(scores);
  else if (llvm::Error error = readMerges(file, *merges, result.vocabulary))
    return std::move(error);
  markControlTokens(file, result.stops.ids, result.vocabulary, result.notes);
  return std::move(result);
}

llvm::Expected<GgufTokenizer> gemmac::readGgufTokenizer(StringRef file, const Json &metadata, int64_t vocab,
                                                        const ImportOptions &options) {
  constexpr StringRef prefix = "tokenizer.ggml.";
  Json own = Json::object();
  for (const auto &item : metadata.items())
    if (StringRef name = item.key(); name.consume_front(prefix))
      own[name.str()] = item.value();
  Fields fields(file, prefix.str(), own);
  return TokenizerMetadata(file, fields, vocab).read(options);
}
