#include "compiler/import/MediaReader.h"

namespace gemmac {

namespace {
/// A token's field in config.json, under either of its names, and the config class's default.
struct TokenField {
  llvm::StringRef name, otherName;
  int64_t standard;
  int32_t gemmac_media::*id;
};
} // namespace

/// \returns the first mistake as a message, empty when there is none
static std::string readTokens(Fields &top, llvm::ArrayRef<TokenField> fields, ModelConfig &model) {
  std::string mistake;
  for (const TokenField &field : fields) {
    std::optional<int64_t> id = top.optionalInteger(field.name, INT32_MIN, INT32_MAX);
    if (!id && !field.otherName.empty())
      id = top.optionalInteger(field.otherName, INT32_MIN, INT32_MAX);
    const int64_t value = id.value_or(field.standard);
    const bool fits = value >= 0 && value < model.vocab;
    if (!fits && mistake.empty())
      mistake = ("config.json: field '" + field.name + "' is " + llvm::Twine(value) +
                 ", expected a token id below vocab_size = " + llvm::Twine(model.vocab))
                    .str();
    model.media.*field.id = fits ? static_cast<int32_t>(value) : -1;
  }
  return mistake;
}

/// Videos are frames with a token of their own, without which the model takes pictures alone.
static int32_t readVideoToken(Fields &top, int64_t vocab, std::vector<std::string> &notes) {
  constexpr llvm::StringLiteral name = "video_token_id";
  const std::optional<int64_t> id = top.optionalInteger(name, INT32_MIN, INT32_MAX);
  const int64_t value = id.value_or(258884);
  if (value >= 0 && value < vocab)
    return static_cast<int32_t>(value);
  if (id)
    notes.push_back(("config.json: field '" + name + "' is " + llvm::Twine(value) +
                     ", expected a token id below vocab_size = " + llvm::Twine(vocab) + "; videos are not taken")
                        .str());
  return -1;
}

static void readPictures(Fields &top, ModelConfig &model, std::vector<std::string> &notes) {
  std::string mistake = readTokens(top,
                                   {{"boi_token_id", "", 255999, &gemmac_media::image_begin},
                                    {"image_token_id", "", 258880, &gemmac_media::image},
                                    {"eoi_token_id", "", 258882, &gemmac_media::image_end}},
                                   model);
  if (!mistake.empty()) {
    notes.push_back(mistake + "; the vision tower is set aside");
    model.towers.dropImages();
    return;
  }
  model.media.video = readVideoToken(top, model.vocab, notes);
}

void readMediaTokens(Fields &top, ModelConfig &model, std::vector<std::string> &notes) {
  if (model.towers.takesImages())
    readPictures(top, model, notes);
  describeTowers(model);
  if (!model.towers.takesAudio())
    return;
  std::string mistake = readTokens(top,
                                   {{"boa_token_id", "", 256000, &gemmac_media::audio_begin},
                                    {"audio_token_id", "", 258881, &gemmac_media::audio},
                                    {"eoa_token_id", "eoa_token_index", 258883, &gemmac_media::audio_end}},
                                   model);
  if (mistake.empty())
    return;
  notes.push_back(mistake + "; the audio tower is set aside");
  model.towers.dropAudio();
}

void describeTowers(ModelConfig &model) {
  if (const std::optional<SampleEmbedderConfig> &samples = model.towers.samples)
    model.media.sound = static_cast<int32_t>(samples->samples);
  if (const std::optional<VisionConfig> &vision = model.towers.vision) {
    model.media.patch = static_cast<int32_t>(vision->patch);
    model.media.pool = static_cast<int32_t>(vision->pool);
    model.media.places = static_cast<int32_t>(vision->positions);
  } else if (const std::optional<PatchEmbedderConfig> &patches = model.towers.patches) {
    model.media.patch = static_cast<int32_t>(patches->side());
    model.media.pool = 1;
    model.media.places = static_cast<int32_t>(patches->positions);
  }
}

llvm::Error findMediaTokens(llvm::StringRef file, const Vocabulary &vocabulary, ModelConfig &model) {
  struct Token {
    bool isThere, isNeeded;
    llvm::StringRef text;
    int32_t gemmac_media::*id;
  };
  const bool sees = model.towers.takesImages(), hears = model.towers.takesAudio();
  for (const Token &token : {Token{sees, true, "<|image>", &gemmac_media::image_begin},
                             {sees, true, pictureToken, &gemmac_media::image},
                             {sees, true, "<image|>", &gemmac_media::image_end},
                             {sees, false, "<|video|>", &gemmac_media::video},
                             {hears, true, "<|audio>", &gemmac_media::audio_begin},
                             {hears, true, "<|audio|>", &gemmac_media::audio},
                             {hears, true, "<audio|>", &gemmac_media::audio_end}}) {
    if (!token.isThere)
      continue;
    auto found = vocabulary.ids.find(token.text);
    if (found != vocabulary.ids.end() && found->second < vocabulary.size)
      model.media.*token.id = static_cast<int32_t>(found->second);
    else if (token.isNeeded)
      return importError(file,
                         "the vocabulary has no token '{0}', which the towers of --mmproj need; take the files of "
                         "one model",
                         token.text);
  }
  return llvm::Error::success();
}

llvm::Expected<std::optional<int64_t>> readPictureBudget(llvm::StringRef file, llvm::StringRef text) {
  llvm::Expected<Json> json = parseJson(file, text, DuplicateKeys::refuse);
  if (!json)
    return json.takeError();
  const Json *settings = &*json;
  if (settings->is_object() && settings->contains("image_processor"))
    settings = &(*settings)["image_processor"];
  if (!settings->is_object() || !settings->contains("max_soft_tokens"))
    return std::nullopt;
  const Json &budget = (*settings)["max_soft_tokens"];
  constexpr int64_t most = 1120;
  if (!budget.is_number_integer() || budget < 1 || budget > most)
    return importError(file, "field 'max_soft_tokens' holds {0}, expected 1 to {1}", describe(budget), most);
  return budget.get<int64_t>();
}

} // namespace gemmac
