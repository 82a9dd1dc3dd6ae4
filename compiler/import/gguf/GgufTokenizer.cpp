#include "compiler/import/gguf/GgufTokenizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace gemmac;
using llvm::StringRef;

// Fields that do not change which ids a text gives. `pre` names the splitting of words before merges; Gemma splits
// nothing that a merge could join.
static constexpr llvm::StringLiteral harmlessFields[] = {"pre",
                                                         "padding_token_id",
                                                         "separator_token_id",
                                                         "seperator_token_id",
                                                         "cls_token_id",
                                                         "mask_token_id",
                                                         "prefix_token_id",
                                                         "suffix_token_id",
                                                         "middle_token_id",
                                                         "fim_pre_token_id",
                                                         "fim_suf_token_id",
                                                         "fim_mid_token_id",
                                                         "fim_pad_token_id",
                                                         "fim_rep_token_id",
                                                         "fim_sep_token_id",
                                                         "token_type_count"};

namespace {

/// As numbered in files.
enum class TokenType : int64_t { normal = 1, unknown, control, userDefined, unused, byte };

class TokenizerMetadata {
public:
  TokenizerMetadata(StringRef file, Fields &fields, int64_t vocab) : file(file), fields(fields), vocab(vocab) {
    result.vocabulary.size = static_cast<uint32_t>(vocab);
    result.vocabulary.texts.resize(vocab);
  }

  llvm::Expected<GgufTokenizer> read();

private:
  void readTokens();
  void addToken(uint32_t id, const std::string &text, TokenType type);
  bool isControl(StringRef text, TokenType type) const;
  std::vector<double> readScores();
  void deriveMerges(llvm::ArrayRef<double> scores);
  void checkSettings();
  std::optional<int32_t> tokenId(StringRef name);
  void readIds();

  StringRef file;
  Fields &fields;
  int64_t vocab;
  std::string model;
  std::vector<TokenType> types; ///< of the tokens that the file lists
  GgufTokenizer result;
};

} // namespace

/// Converters mark some of Gemma 4's control tokens as visible, for programs that look for them in the text.
bool TokenizerMetadata::isControl(StringRef text, TokenType type) const {
  return type == TokenType::control || type == TokenType::unknown ||
         (type == TokenType::userDefined && model == "gemma4" && (text.starts_with("<|") || text.ends_with("|>")));
}

void TokenizerMetadata::addToken(uint32_t id, const std::string &text, TokenType type) {
  Vocabulary &vocabulary = result.vocabulary;
  vocabulary.texts[id] = text;
  vocabulary.ids[text] = id;
  if (type == TokenType::byte)
    vocabulary.byteFallback = true;
  if (type == TokenType::control || type == TokenType::unknown || type == TokenType::userDefined)
    vocabulary.added.push_back({id, text, isControl(text, type)});
  if (type == TokenType::unknown)
    vocabulary.unknown = id;
}

void TokenizerMetadata::readTokens() {
  const Json *tokens = fields.array("tokens"), *kinds = fields.array("token_type");
  if (!tokens || tokens->empty() || tokens->size() > static_cast<size_t>(vocab))
    return fields.mismatch("tokens",
                           "1 to " + std::to_string(vocab) + " strings: the embedding table has that many rows");
  if (!kinds || kinds->size() != tokens->size())
    return fields.mismatch("token_type", std::to_string(tokens->size()) + " numbers, one for each token");
  for (auto [index, token, kind] : llvm::enumerate(*tokens, *kinds)) {
    bool known = kind.is_number_integer() && kind.get<int64_t>() >= 1 && kind.get<int64_t>() <= 6;
    if (!known)
      return fields.mismatch("token_type",
                             "numbers from 1 to 6; that of token " + std::to_string(index) + " is " + describe(kind));
    types.push_back(static_cast<TokenType>(kind.get<int64_t>()));
    if (types.back() == TokenType::unused)
      continue;
    if (!token.is_string() || stringOf(token).empty() || !llvm::json::isUTF8(stringOf(token)))
      return fields.mismatch("tokens", "strings of valid UTF-8 that are not empty; token " + std::to_string(index) +
                                           " is " + describe(token));
    addToken(static_cast<uint32_t>(index), stringOf(token).str(), types.back());
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
  for (auto [id, type] : llvm::enumerate(types))
    if (type == TokenType::normal && vocabulary.ids.lookup(*vocabulary.texts[id]) == id)
      order.push_back(static_cast<uint32_t>(id));
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
  for (StringRef name : {"add_space_prefix", "remove_extra_whitespaces", "add_eos_token", "add_sep_token"})
    if (fields.boolean(name, false))
      fields.mismatch(name, "false, as in every model of the Gemma family");
  if (fields.any("precompiled_charsmap"))
    fields.mismatch("precompiled_charsmap", "none: text is not normalized");
}

std::optional<int32_t> TokenizerMetadata::tokenId(StringRef name) {
  if (std::optional<int64_t> id = fields.optionalInteger(name, 0, vocab - 1))
    return static_cast<int32_t>(*id);
  return std::nullopt;
}

void TokenizerMetadata::readIds() {
  std::optional<int32_t> bos = tokenId("bos_token_id"), unknown = tokenId("unknown_token_id");
  if (fields.boolean("add_bos_token", true))
    result.bosId = bos.value_or(-1);
  if (unknown)
    result.vocabulary.unknown = static_cast<uint32_t>(*unknown);
  for (StringRef name : {"eos_token_id", "eot_token_id", "eom_token_id"})
    if (std::optional<int32_t> id = tokenId(name); id && !llvm::is_contained(result.stopIds, *id))
      result.stopIds.push_back(*id);
  std::string expected;
  if (const Json *suppressed = fields.any("suppress_tokens")) {
    if (std::optional<std::vector<int32_t>> ids = tokenIds(*suppressed, vocab, expected))
      result.suppressIds = *ids;
    else
      fields.mismatch("suppress_tokens", expected);
  }
}

llvm::Expected<GgufTokenizer> TokenizerMetadata::read() {
  model = fields.string("model", "");
  bool scored = model == "llama";
  if (!scored && model != "gemma4" && model != "gpt2")
    fields.mismatch("model", "'llama', 'gemma4' or 'gpt2'");
  readTokens();
  checkSettings();
  readIds();
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
  const Json *merges = scored ? nullptr : fields.array("merges");
  if (!scored && !merges)
    fields.mismatch("merges", "a list");
  if (llvm::Error error = fields.finish(harmlessFields))
    return std::move(error);
  if (scored)
    deriveMerges(scores);
  else if (llvm::Error error = readMerges(file, *merges, result.vocabulary))
    return std::move(error);
  return std::move(result);
}

llvm::Expected<GgufTokenizer> gemmac::readGgufTokenizer(StringRef file, const Json &metadata, int64_t vocab) {
  constexpr StringRef prefix = "tokenizer.ggml.";
  Json own = Json::object();
  for (const auto &item : metadata.items())
    if (StringRef name = item.key(); name.consume_front(prefix))
      own[name.str()] = item.value();
  Fields fields(file, prefix.str(), own);
  return TokenizerMetadata(file, fields, vocab).read();
}
