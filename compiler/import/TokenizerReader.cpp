#include "compiler/import/TokenizerReader.h"

#include "compiler/import/Json.h"

using namespace gemmac;
using llvm::StringRef;

static constexpr StringRef spaceMark = "\xe2\x96\x81"; // U+2581

const AddedToken *Vocabulary::findAdded(StringRef text) const {
  auto token = llvm::find_if(added, [&](const AddedToken &one) { return one.text == text; });
  return token == added.end() ? nullptr : &*token;
}

/// A setting as one line of JSON, for messages.
static std::string compact(const Json &value) {
  return inQuotes(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The one member of a sequence of one, else `given`.
static const Json *onlyNormalizer(const Json *given) {
  if (!given || !given->is_object() || given->value("type", Json()) != "Sequence")
    return given;
  auto members = given->find("normalizers");
  return members != given->end() && members->is_array() && members->size() == 1 ? &members->front() : given;
}

/// The parts around the model must be exactly those that the runtime's tokenizer implements.
static void checkPipeline(Fields &fields) {
  static const Json normalizer = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", spaceMark.str()}};
  static const Json decoder = {
      {"type", "Sequence"},
      {"decoders", Json::array({Json{{"type", "Replace"}, {"pattern", {{"String", spaceMark.str()}}}, {"content", " "}},
                                Json{{"type", "ByteFallback"}}, Json{{"type", "Fuse"}}})}};
  auto require = [&](StringRef name, const Json &wanted) {
    const Json *got = fields.any(name);
    if (name == "normalizer")
      got = onlyNormalizer(got);
    if (!got || *got != wanted)
      fields.fail("field " + inQuotes(name) + " is " + (got ? compact(*got) : "missing") + ", expected " +
                  compact(wanted));
  };
  require("normalizer", normalizer);
  require("decoder", decoder);
  // The normalizer leaves no spaces, so a split at spaces does nothing, whatever its behavior.
  if (const Json *split = fields.any("pre_tokenizer")) {
    bool atSpaces = split->is_object() && split->value("type", Json()) == "Split" &&
                    split->value("pattern", Json()) == Json{{"String", " "}} && split->value("invert", Json()) != true;
    if (!atSpaces)
      fields.fail("field 'pre_tokenizer' is " + compact(*split) + ", expected null or a Split at ' '");
  }
  // It only adds <bos>, which the runtime does by itself.
  if (const Json *after = fields.any("post_processor"))
    if (!after->is_object() || after->value("type", Json()) != "TemplateProcessing")
      fields.fail("field 'post_processor' is " + compact(*after) + ", expected null or a TemplateProcessing");
  for (StringRef harmless : {"version", "truncation", "padding"})
    fields.any(harmless);
}

static llvm::Error readVocab(StringRef file, const Json &vocab, Vocabulary &result) {
  for (const auto &item : vocab.items()) {
    const Json &id = item.value();
    if (llvm::any_of(result.leftOut,
                     [&](const AddedToken &token) { return token.text == item.key() && id == token.id; }))
      continue;
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= result.size)
      return importError(file, "token {0} has id {1}, expected less than the model's vocab_size {2}",
                         inQuotes(item.key()), describe(id), result.size);
    auto &text = result.texts[id.get<uint32_t>()];
    if (text)
      return importError(file, "tokens {0} and {1} both have id {2}", inQuotes(*text), inQuotes(item.key()),
                         describe(id));
    text = item.key();
    result.ids[item.key()] = id.get<uint32_t>();
  }
  return llvm::Error::success();
}

/// One merge in either spelling: ["a", "b"] or "a b".
static std::optional<std::pair<StringRef, StringRef>> mergeParts(const Json &merge) {
  if (merge.is_array()) {
    if (merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string())
      return std::nullopt;
    return std::pair(stringOf(merge[0]), stringOf(merge[1]));
  }
  if (!merge.is_string() || stringOf(merge).count(' ') != 1)
    return std::nullopt;
  return stringOf(merge).split(' ');
}

llvm::Error gemmac::readMerges(StringRef file, const Json &merges, Vocabulary &result) {
  result.merges.reserve(merges.size());
  std::string joined;
  size_t index = 0;
  for (const Json &merge : merges) {
    size_t at = index++;
    if (merge.is_string() && stringOf(merge).starts_with("#version"))
      continue;
    auto parts = mergeParts(merge);
    if (!parts || parts->first.empty() || parts->second.empty())
      return importError(file, "merge {0} is {1}, expected two tokens", at, compact(merge));
    joined.assign(parts->first.begin(), parts->first.end());
    joined.append(parts->second.begin(), parts->second.end());
    uint32_t ids[3];
    for (auto [slot, text] :
         {std::pair(0, parts->first), std::pair(1, parts->second), std::pair(2, StringRef(joined))}) {
      auto found = result.ids.find(text);
      if (found == result.ids.end())
        return importError(file, "merge {0} of {1} and {2}: {3} is not in the vocabulary", at, inQuotes(parts->first),
                           inQuotes(parts->second), inQuotes(text));
      ids[slot] = found->second;
    }
    result.merges.push_back({ids[0], ids[1], ids[2], static_cast<uint32_t>(result.merges.size())});
  }
  return llvm::Error::success();
}

/// One entry of added_tokens by itself.
static llvm::Expected<AddedToken> readAddedToken(StringRef file, size_t index, const Json &entry) {
  if (!entry.is_object())
    return importError(file, "added token {0} is {1}, expected an object", index, describe(entry));
  Fields fields(file, "added_tokens." + std::to_string(index) + ".", entry);
  AddedToken token;
  token.text = fields.string("content", "");
  token.id = static_cast<uint32_t>(fields.integer("id", 0, 0, UINT32_MAX - 1));
  token.special = fields.boolean("special", false);
  if (!fields.has("id"))
    fields.mismatch("id", "a token id");
  if (token.text.empty())
    fields.mismatch("content", "a string that is not empty");
  for (StringRef name : {"single_word", "lstrip", "rstrip"})
    if (fields.boolean(name, false))
      fields.mismatch(name, "false: such added tokens are not supported");
  // Normalized tokens are looked for after spaces became U+2581, in the token as in the text: the same as looking for
  // them before, but for one that has U+2581 itself.
  if (fields.boolean("normalized", !token.special) && StringRef(token.text).contains(spaceMark))
    fields.mismatch("normalized", "false for a token with U+2581");
  if (llvm::Error error = fields.finish({}))
    return std::move(error);
  return token;
}

static llvm::Error addToken(StringRef file, AddedToken token, Vocabulary &result) {
  auto [known, isNew] = result.ids.try_emplace(token.text, token.id);
  if (!isNew && known->second != token.id)
    return importError(file, "added token {0} has id {1}, but {2} in the vocabulary or another added token",
                       inQuotes(token.text), token.id, known->second);
  std::optional<std::string> &text = result.texts[token.id];
  if (isNew && text)
    return importError(file, "added token {0} has id {1}, which is already that of {2}", inQuotes(token.text), token.id,
                       inQuotes(*text));
  text = token.text;
  result.added.push_back(std::move(token));
  return llvm::Error::success();
}

/// \param kept  gets those with a row in the model's tables; the others go to `result.leftOut`
static llvm::Error readAddedTokens(StringRef file, const Json &entries, Vocabulary &result,
                                   std::vector<AddedToken> &kept) {
  size_t index = 0;
  for (const Json &entry : entries) {
    llvm::Expected<AddedToken> token = readAddedToken(file, index++, entry);
    if (!token)
      return token.takeError();
    (token->id < result.size ? kept : result.leftOut).push_back(std::move(*token));
  }
  return llvm::Error::success();
}

/// The model's settings; vocabulary and merges are returned for later.
static void readModel(Fields &model, const Json *&vocab, const Json *&merges, std::string &unknown,
                      Vocabulary &result) {
  if (model.string("type", "BPE") != "BPE")
    model.mismatch("type", "'BPE'");
  if (model.optionalNumber("dropout", 0.0, 1.0).value_or(0.0) != 0.0)
    model.mismatch("dropout", "none");
  for (StringRef affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.optionalString(affix).value_or("").empty())
      model.mismatch(affix, "none");
  if (model.boolean("ignore_merges", false))
    model.mismatch("ignore_merges", "false");
  result.byteFallback = model.boolean("byte_fallback", false);
  result.fuseUnknown = model.boolean("fuse_unk", false);
  unknown = model.optionalString("unk_token").value_or("");
  vocab = model.object("vocab");
  if (!vocab)
    model.mismatch("vocab", "an object that gives each token its id");
  merges = model.array("merges");
  if (!merges)
    model.mismatch("merges", "an array");
}

llvm::Expected<Vocabulary> gemmac::readTokenizer(StringRef file, StringRef text, int64_t vocabSize) {
  llvm::Expected<Json> json = parseJson(file, text, DuplicateKeys::keepLast);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return importError(file, "the file holds {0}, expected an object", describe(*json));
  Vocabulary result;
  result.size = static_cast<uint32_t>(vocabSize);
  result.texts.resize(result.size);

  Fields fields(file, "", *json);
  checkPipeline(fields);
  const Json *added = fields.array("added_tokens"), *model = fields.object("model");
  if (!model)
    fields.mismatch("model", "an object");
  if (llvm::Error error = fields.finish({}))
    return std::move(error);
  Fields modelFields(file, "model.", *model);
  const Json *vocab = nullptr, *merges = nullptr;
  std::string unknown;
  readModel(modelFields, vocab, merges, unknown, result);
  if (llvm::Error error = modelFields.finish({}))
    return std::move(error);

  std::vector<AddedToken> kept;
  if (added)
    if (llvm::Error error = readAddedTokens(file, *added, result, kept))
      return std::move(error);
  if (llvm::Error error = readVocab(file, *vocab, result))
    return std::move(error);
  if (llvm::Error error = readMerges(file, *merges, result))
    return std::move(error);
  if (!unknown.empty()) {
    auto found = result.ids.find(unknown);
    if (found == result.ids.end())
      return importError(file, "field 'model.unk_token' is {0}, expected a token of the vocabulary", inQuotes(unknown));
    result.unknown = found->second;
  }
  for (AddedToken &token : kept)
    if (llvm::Error error = addToken(file, std::move(token), result))
      return std::move(error);
  return result;
}
