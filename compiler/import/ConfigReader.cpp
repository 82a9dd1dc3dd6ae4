#include "compiler/import/ConfigReader.h"

#include "compiler/import/ConfigFields.h"
#include "compiler/import/ConfigRules.h"
#include "compiler/import/Json.h"
#include "compiler/import/MediaReader.h"
#include "compiler/import/QuantizationReader.h"
#include "compiler/import/SpecialTokens.h"
#include "compiler/import/TowerReader.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace gemmac;
using llvm::StringRef;

static constexpr StringRef sliding = "sliding_attention", full = "full_attention";

namespace {

/// What the configuration classes of a generation assume for fields that are absent, and are called.
struct Generation {
  StringRef name, textType;
  int64_t vocab, layers, window, context;
};

/// The one without encoders has a class of its own, without per-layer embeddings and experts (spec 10).
constexpr Generation gemma3 = {"Gemma 3", "gemma3_text", 262208, 26, 4096, 131072},
                     gemma4 = {"Gemma 4", "gemma4_text", 262144, 30, 512, 131072},
                     unified = {"Gemma 4 12B", "gemma4_unified_text", 262144, 30, 1024, 262144};

/// Which class a file describes, and where its text fields stand.
struct Family {
  StringRef architecture, modelType;
  bool nested; ///< text fields under "text_config"
  const Generation *generation;
};

constexpr Family families[] = {{"Gemma4ForConditionalGeneration", "gemma4", true, &gemma4},
                               {"Gemma4ForCausalLM", "gemma4_text", false, &gemma4},
                               {"Gemma4UnifiedForConditionalGeneration", "gemma4_unified", true, &unified},
                               {"Gemma4UnifiedForCausalLM", "gemma4_unified_text", false, &unified},
                               {"Gemma3ForConditionalGeneration", "gemma3", true, &gemma3},
                               {"Gemma3ForCausalLM", "gemma3_text", false, &gemma3}};

struct RopeConfigs {
  std::optional<RopeConfig> sliding, full; ///< `pairs` holds nothing yet
  double slidingPart = 1.0, fullPart = 1.0;
};

class TextReader {
public:
  TextReader(const Generation &generation, Fields &fields, ConfigFile &result)
      : generation(generation), fields(fields), result(result), model(result.model) {}

  void read() {
    readSizes();
    readLayerTypes();
    readHeads();
    if (isGemma3())
      readGemma3();
    else
      readGemma4();
    check(checkHeads(model));
    readRefusals();
    readTokens();
  }

private:
  void check(const std::string &message) {
    if (!message.empty())
      fields.fail(message);
  }
  bool isGemma3() const { return &generation == &gemma3; }
  bool isUnified() const { return &generation == &unified; }
  void readGemma3();
  void readGemma4();
  void readSizes();
  void readLayerTypes();
  void checkPeriod(StringRef name);
  void readHeads();
  void readPerLayerEmbedding();
  void readOverrides();
  RopeConfigs readRopeParameters(const Json &types, const RopeConfigs &fallback);
  RopeConfig readRopeEntry(const std::string &path, const Json &entry, double &part, std::optional<double> theta);
  RopeConfigs readOlderRope();
  void checkOlderRope(const RopeConfigs &ropes, const RopeConfigs &older);
  void setRope(const RopeConfigs &ropes);
  void readExperts();
  void readKvSharing();
  void readRefusals();
  void readTokens();

  const Generation &generation;
  Fields &fields;
  ConfigFile &result;
  ModelConfig &model;
};

} // namespace

void TextReader::readSizes() {
  model.vocab = fields.integer("vocab_size", generation.vocab, 1, limits::vocab);
  model.hidden = fields.integer("hidden_size", 2304, 1, limits::hidden);
  model.embeddingScale = std::sqrt(static_cast<double>(model.hidden));
  model.context = fields.integer("max_position_embeddings", generation.context, 1, limits::positions);
  model.rmsEpsilon = fields.number("rms_norm_eps", 1e-6, 1e-30, 1.0);
  model.finalSoftcap = fields.optionalNumber("final_logit_softcapping", 1e-6, 1e6);
  model.layers.resize(fields.integer("num_hidden_layers", generation.layers, 1, limits::layers));
  int64_t width = fields.integer("intermediate_size", 9216, 1, limits::width);
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    layer.mlpWidth = width;
    layer.kvSource = static_cast<int64_t>(index);
  }
}

void TextReader::readPerLayerEmbedding() {
  int64_t width = fields.integer("hidden_size_per_layer_input", isUnified() ? 0 : 256, 0, limits::headDim);
  int64_t vocab = fields.integer("vocab_size_per_layer_input", 262144, 1, limits::vocab);
  if (width == 0)
    return;
  if (isUnified())
    return fields.mismatch("hidden_size_per_layer_input", "0: " + generation.name.str() + " has no such embeddings");
  model.perLayerEmbedding = PerLayerEmbeddingConfig{width, vocab};
  if (vocab < model.vocab)
    fields.mismatch("vocab_size_per_layer_input",
                    "at least vocab_size = " + std::to_string(model.vocab) + ": every token needs its row");
}

void TextReader::readLayerTypes() {
  size_t count = model.layers.size();
  const Json *types = fields.array("layer_types");
  size_t period = 6;
  if (isGemma3()) // files of its first releases have the period in place of the list
    for (StringRef name : {"_sliding_window_pattern", "sliding_window_pattern"})
      if (std::optional<int64_t> given = fields.optionalInteger(name, 1, limits::layers))
        period = static_cast<size_t>(*given);
  if (!types) {
    for (size_t i = 0; i < count; ++i)
      model.layers[i].fullAttention = (i + 1) % period == 0;
  } else if (types->size() != count) {
    fields.mismatch("layer_types", std::to_string(count) + " entries, one for each of num_hidden_layers");
  } else {
    for (size_t i = 0; i < count; ++i) {
      const Json &type = (*types)[i];
      if (!type.is_string() || (stringOf(type) != sliding && stringOf(type) != full))
        fields.fail("field " + inQuotes(fields.pathOf("layer_types")) + ": entry " + llvm::Twine(i) + " is " +
                    describe(type) + ", expected '" + sliding + "' or '" + full + "'");
      else
        model.layers[i].fullAttention = stringOf(type) == full;
    }
  }
  if (isGemma3())
    return;
  for (StringRef name : {"_sliding_window_pattern", "sliding_window_pattern"})
    checkPeriod(name);
  // The configuration class of Gemma 4 forces it (spec 1.4), whatever the file says.
  if (!model.layers.back().fullAttention && types)
    result.notes.push_back("config.json: the last layer is always full attention; layer_types says otherwise");
  model.layers.back().fullAttention = true;
}

/// A period of layers, which is not part of Gemma 4, must agree with layer_types. The last layer is full in any case.
void TextReader::checkPeriod(StringRef name) {
  std::optional<int64_t> period = fields.optionalInteger(name, 1, limits::layers);
  for (auto [index, layer] : llvm::enumerate(llvm::ArrayRef(model.layers).drop_back()))
    if (period && layer.fullAttention != ((static_cast<int64_t>(index) + 1) % *period == 0))
      return fields.mismatch(name, "none, or the period of layer_types");
}

void TextReader::readHeads() {
  int64_t heads = fields.integer("num_attention_heads", 8, 1, limits::heads);
  int64_t kvHeads = fields.integer("num_key_value_heads", 4, 1, limits::heads);
  int64_t headDim = fields.integer("head_dim", 256, 2, limits::headDim);
  int64_t window = fields.integer("sliding_window", generation.window, 1, limits::positions);
  for (LayerConfig &layer : model.layers) {
    layer.heads = heads;
    layer.kvHeads = kvHeads;
    layer.headDim = headDim;
    layer.window = layer.fullAttention ? 0 : window;
  }
}

/// What Gemma 3 has and Gemma 4 has not. It has the same layers, without any of the parts that readGemma4 reads.
void TextReader::readGemma3() {
  double scalar = fields.number("query_pre_attn_scalar", 256.0, 1e-6, 1e9);
  for (LayerConfig &layer : model.layers) {
    layer.normedValues = false;
    layer.queryScale = 1.0 / std::sqrt(scalar);
  }
  model.layerScalars = false;
  result.normAddend = 1.0;
  const Json *types = fields.object("rope_parameters");
  RopeConfigs older = readOlderRope();
  RopeConfigs ropes = types ? readRopeParameters(*types, older) : older;
  if (types)
    checkOlderRope(ropes, older);
  setRope(ropes);
}

void TextReader::readGemma4() {
  readPerLayerEmbedding();
  readOverrides();
  const Json *types = fields.object("rope_parameters");
  RopeConfigs ropes = types ? readRopeParameters(*types, {})
                            : RopeConfigs{RopeConfig{10000.0, 0, 1.0}, RopeConfig{1000000.0, 0, 1.0}, 1.0, 0.25};
  checkOlderRope(ropes, ropes);
  setRope(ropes);
  readExperts();
  readKvSharing();
}

/// The layer that a key of per_layer_config names: decimal, zero-padded or not (spec 1.4).
static std::optional<size_t> layerOf(StringRef key, size_t count) {
  size_t index = 0;
  if (key.size() > 8 || !llvm::all_of(key, llvm::isDigit) || key.getAsInteger(10, index) || index >= count)
    return std::nullopt;
  return index;
}

void TextReader::readOverrides() {
  // Read in any case, so that both count as known; per_layer_config, when the key is there, has the word even when
  // null.
  int64_t globalDim = fields.integer("global_head_dim", 512, 2, limits::headDim);
  std::optional<int64_t> globalKvHeads = fields.optionalInteger("num_global_key_value_heads", 1, limits::heads);
  bool keysAreValues = fields.boolean("attention_k_eq_v", false);
  for (LayerConfig &layer : model.layers)
    layer.keysAreValues = keysAreValues && layer.fullAttention;
  const Json *overrides = fields.object("per_layer_config");
  if (!fields.has("per_layer_config")) {
    for (LayerConfig &layer : model.layers) {
      if (!layer.fullAttention)
        continue;
      layer.headDim = globalDim;
      if (layer.keysAreValues && globalKvHeads)
        layer.kvHeads = *globalKvHeads;
    }
  }
  std::vector<bool> seen(model.layers.size());
  if (overrides) {
    for (const auto &item : overrides->items()) {
      std::string path = fields.pathOf("per_layer_config.") + item.key();
      std::optional<size_t> index = layerOf(item.key(), seen.size());
      if (!index || seen[*index])
        return fields.fail("field " + inQuotes(path) + ": the key must be a layer's index from 0 to " +
                           llvm::Twine(seen.size() - 1) + ", each at most once");
      seen[*index] = true;
      if (!item.value().is_object())
        return fields.fail("field " + inQuotes(path) + " is " + describe(item.value()) + ", expected an object");
      LayerConfig &layer = model.layers[*index];
      Fields own("", path + ".", item.value());
      layer.headDim = own.integer("head_dim", layer.headDim, 2, limits::headDim);
      layer.kvHeads = own.integer("num_key_value_heads", layer.kvHeads, 1, limits::heads);
      if (const Json *skip = own.array("skip"); skip && !skip->empty())
        own.mismatch("skip", "no skipped parts: gemmac compiles whole layers");
      if (std::string message = own.takeMessage(); !message.empty())
        return fields.fail(message);
    }
  }
}

/// \param theta  for an entry that need not have a rope_theta
RopeConfig TextReader::readRopeEntry(const std::string &path, const Json &entry, double &part,
                                     std::optional<double> theta) {
  RopeConfig rope;
  Fields own("", path, entry);
  // A scaling that the class of the generation uses; the other one's would be a mix-up.
  StringRef scaled = isGemma3() ? "linear" : "proportional";
  std::string type = own.string(own.has("rope_type") ? "rope_type" : "type", "default");
  if (own.has("rope_type") && own.string("type", type) != type)
    own.mismatch("type", "the same as rope_type");
  rope.theta = own.number("rope_theta", theta.value_or(0.0), 1e-3, 1e15);
  if (!own.has("rope_theta") && !theta)
    own.mismatch("rope_theta", "the base of the wavelengths");
  part = own.optionalNumber("partial_rotary_factor", 0.0, 1.0).value_or(1.0);
  rope.factor = own.optionalNumber("factor", 1e-6, 1e6).value_or(1.0);
  if (own.optionalNumber("attention_factor", 1e-6, 1e6).value_or(1.0) != 1.0)
    own.mismatch("attention_factor", "1: cosines and sines are not scaled");
  own.any("original_max_position_embeddings"); // only other kinds of scaling read it
  if (type != "default" && type != scaled)
    own.mismatch(own.has("rope_type") ? "rope_type" : "type",
                 ("'default' or '" + scaled + "': no other kind is supported").str());
  // The reference ignores both under "default"; a file that sets them means something else.
  else if (type != "proportional" && part != 1.0)
    own.mismatch("partial_rotary_factor", "1 with rope type '" + type + "'");
  else if (type == "default" && rope.factor != 1.0)
    own.mismatch("factor", "1 with rope type 'default'");
  if (std::string message = own.takeMessage(); !message.empty())
    fields.fail(message);
  return rope;
}

/// \param fallback  has the rope_theta of entries without one, where that is allowed
RopeConfigs TextReader::readRopeParameters(const Json &types, const RopeConfigs &fallback) {
  RopeConfigs ropes;
  auto thetaOf = [](const std::optional<RopeConfig> &rope) { return rope ? std::optional(rope->theta) : std::nullopt; };
  for (const auto &item : types.items()) {
    std::string path = fields.pathOf("rope_parameters.") + item.key();
    bool isFull = item.key() == full;
    if (item.key() == "rope_theta" && item.value().is_number() && types.contains(full))
      continue; // left over from the spelling for all layers; compared below
    if (!isFull && item.key() != sliding)
      fields.fail("field " + inQuotes(path) + " is unknown, expected '" + sliding + "' and '" + full + "'");
    else if (!item.value().is_object() && !item.value().is_null())
      fields.fail("field " + inQuotes(path) + " is " + describe(item.value()) + ", expected an object");
    else if (!item.value().is_null())
      (isFull ? ropes.full : ropes.sliding) =
          readRopeEntry(path + ".", item.value(), isFull ? ropes.fullPart : ropes.slidingPart,
                        thetaOf(isFull ? fallback.full : fallback.sliding));
  }
  if (auto flat = types.find("rope_theta"); flat != types.end() && flat->is_number() && ropes.full && ropes.sliding)
    if (*flat != ropes.full->theta && *flat != ropes.sliding->theta)
      fields.fail("field " + inQuotes(fields.pathOf("rope_parameters.rope_theta")) + " is " + describe(*flat) +
                  ", expected that of " + full + ", " + shortNumber(ropes.full->theta));
  return ropes;
}

/// The spelling of Gemma 3's first releases, whose scaling is that of full layers.
RopeConfigs TextReader::readOlderRope() {
  RopeConfigs ropes;
  double theta = fields.number("rope_theta", 1000000.0, 1e-3, 1e15);
  ropes.full = RopeConfig{theta, 0, 1.0};
  ropes.sliding = RopeConfig{fields.number("rope_local_base_freq", 10000.0, 1e-3, 1e15), 0, 1.0};
  const Json *scaling = fields.object("rope_scaling");
  if (scaling)
    ropes.full = readRopeEntry(fields.pathOf("rope_scaling."), *scaling, ropes.fullPart, theta);
  return ropes;
}

/// The older spelling beside rope_parameters, in files that one release wrote and another saved again, must agree with
/// it.
/// \param older  what it says; of Gemma 4 the same as `ropes`
void TextReader::checkOlderRope(const RopeConfigs &ropes, const RopeConfigs &older) {
  auto isOther = [&](StringRef name, const std::optional<RopeConfig> &rope) {
    std::optional<double> given = fields.optionalNumber(name, 1e-3, 1e15);
    return given && rope && *given != rope->theta;
  };
  bool isOtherBase = isOther("rope_theta", ropes.full);
  if (!isGemma3())
    isOtherBase &= isOther("rope_theta", ropes.sliding); // a default that an older class left behind
  StringRef expected = "what rope_parameters says, which has the word";
  if (isOtherBase)
    fields.mismatch("rope_theta", expected);
  if (isOther("rope_local_base_freq", ropes.sliding))
    fields.mismatch("rope_local_base_freq", expected);
  if (isGemma3() && fields.any("rope_scaling") && ropes.full && older.full->factor != ropes.full->factor)
    fields.mismatch("rope_scaling", expected);
}

void TextReader::setRope(const RopeConfigs &ropes) {
  for (LayerConfig &layer : model.layers) {
    const std::optional<RopeConfig> &rope = layer.fullAttention ? ropes.full : ropes.sliding;
    if (!rope)
      return fields.fail("field " +
                         inQuotes(fields.pathOf("rope_parameters.") + (layer.fullAttention ? full : sliding).str()) +
                         " is missing, expected an object: the model has layers of this type");
    layer.rope = *rope;
    double part = layer.fullAttention ? ropes.fullPart : ropes.slidingPart;
    layer.rope.pairs = static_cast<int64_t>(std::floor(part * static_cast<double>(layer.headDim) / 2));
  }
}

void TextReader::readExperts() {
  bool enabled = fields.boolean("enable_moe_block", false);
  std::optional<int64_t> count = fields.optionalInteger("num_experts", 0, limits::experts);
  std::optional<int64_t> topK = fields.optionalInteger("top_k_experts", 0, limits::experts);
  std::optional<int64_t> expertWidth = fields.optionalInteger("moe_intermediate_size", 0, limits::width);
  std::optional<int64_t> legacyWidth = fields.optionalInteger("expert_intermediate_size", 0, limits::width);
  if (!enabled)
    return;
  if (isUnified())
    return fields.mismatch("enable_moe_block", "false: " + generation.name.str() + " has no experts");
  if (expertWidth && legacyWidth && *expertWidth != *legacyWidth)
    fields.mismatch("expert_intermediate_size", "the same as moe_intermediate_size = " + std::to_string(*expertWidth));
  if (!expertWidth)
    expertWidth = legacyWidth;
  StringRef why = "a positive integer because enable_moe_block is true";
  if (count.value_or(0) < 1)
    fields.mismatch("num_experts", why);
  else if (topK.value_or(0) < 1)
    fields.mismatch("top_k_experts", why);
  else if (expertWidth.value_or(0) < 1)
    fields.mismatch("moe_intermediate_size", why);
  else if (*topK > *count)
    fields.mismatch("top_k_experts", "at most num_experts = " + std::to_string(*count));
  else
    model.experts = ExpertsConfig{*count, *topK, *expertWidth};
}

void TextReader::readKvSharing() {
  auto count = static_cast<int64_t>(model.layers.size());
  int64_t shared = fields.integer("num_kv_shared_layers", 0, 0, count - 1);
  bool doubleWide = fields.boolean("use_double_wide_mlp", false);
  if (doubleWide)
    for (LayerConfig &layer : llvm::MutableArrayRef(model.layers).take_back(shared))
      layer.mlpWidth *= 2;
  check(shareKeysAndValues(model, shared));
}

/// Fields that must stand at the only value that is implemented.
void TextReader::readRefusals() {
  if (fields.string("hidden_activation", "gelu_pytorch_tanh") != "gelu_pytorch_tanh")
    fields.mismatch("hidden_activation", "'gelu_pytorch_tanh': no other activation is supported");
  // Older files repeat it under the older name.
  if (std::optional<std::string> name = fields.optionalString("hidden_act"); name && *name != "gelu_pytorch_tanh")
    fields.mismatch("hidden_act", "'gelu_pytorch_tanh': no other activation is supported");
  if (fields.optionalBoolean("attention_bias").value_or(false))
    fields.mismatch("attention_bias", "false: biases are not supported");
  if (isGemma3()) {
    if (fields.optionalBoolean("use_bidirectional_attention").value_or(false))
      fields.mismatch("use_bidirectional_attention", "false: text is only compiled with causal attention");
  } else if (isUnified() && !fields.has("use_bidirectional_attention")) {
    model.visionBlocks = true;
  } else if (const Json *mode = fields.any("use_bidirectional_attention"); mode && *mode != false) {
    model.visionBlocks = *mode == "vision";
    if (!model.visionBlocks)
      fields.mismatch("use_bidirectional_attention", "null or 'vision': text is only compiled with causal attention");
  }
  if (!isGemma3() && fields.any("rope_scaling"))
    fields.mismatch("rope_scaling", "null: this is not part of Gemma 4");
  for (StringRef name : {"attn_logit_softcapping", "attention_chunk_size"})
    if (fields.any(name))
      fields.mismatch(name, "null: this is not part of " + generation.name.str());
  const Json *pruned = fields.any("pruned_heads");
  if (pruned && !pruned->empty())
    fields.mismatch("pruned_heads", "none");
}

void TextReader::readTokens() {
  result.bosId = fields.optionalInteger("bos_token_id", INT32_MIN, INT32_MAX);
  if (!fields.has("bos_token_id") && model.vocab > 2)
    result.bosId = 2;
  result.eos = readListedIds(fields, "eos_token_id", model.vocab);
  if (!fields.has("eos_token_id") && model.vocab > 1)
    result.eos.ids = {1};
}

/// What a file calls itself, and the family of that name.
static llvm::Expected<const Family *> findFamily(StringRef file, Fields &top) {
  std::string architecture, type = top.optionalString("model_type").value_or("");
  if (const Json *names = top.array("architectures"); names && !names->empty()) {
    if (!names->front().is_string())
      return importError(file, "field 'architectures' holds {0}, expected the name of a class",
                         describe(names->front()));
    architecture = stringOf(names->front()).str();
  }
  if (llvm::Error error = top.takeError())
    return std::move(error);
  std::string expected;
  for (const Family &family : families) {
    expected += (expected.empty() ? "'" : ", '") + (family.architecture + "' with '" + family.modelType + "'").str();
    bool byName = architecture == family.architecture, byType = type == family.modelType;
    if ((byName && (byType || type.empty())) || (byType && architecture.empty()))
      return &family;
  }
  return importError(file, "architecture {0} with model_type {1} is not supported, expected {2}",
                     architecture.empty() ? "(none)" : inQuotes(architecture), type.empty() ? "(none)" : inQuotes(type),
                     expected);
}

/// How the checkpoint's tensors are quantized: told beside the architecture, whether or not text fields are nested.
static void readQuantizationConfig(Fields &top, StringRef file, ConfigFile &result) {
  if (top.any("quantization"))
    top.mismatch("quantization",
                 "none: weights that MLX quantized are not supported; compile the model they were made of");
  if (top.any("compression_config"))
    top.mismatch("compression_config", "none: this older spelling of quantization_config is not supported");
  if (const Json *config = top.any("quantization_config"))
    result.quantization = readQuantization(top, file, "quantization_config", *config, result.notes);
}

/// A tower's configuration; nothing, and a note, when it cannot be read: the text model does without.
template <typename Config>
static void readTower(Fields &top, StringRef name, StringRef media, const ImportOptions &options, ConfigFile &result,
                      std::optional<Config> &config, Config (*read)(Fields &)) {
  const Json *object = top.object(name);
  if (!object)
    return;
  if (!read) {
    result.notes.push_back(("config.json: " + name + " set aside, " + media + " not compiled yet").str());
    return;
  }
  Fields fields("config.json", (name + ".").str(), *object);
  Config tower = read(fields);
  std::string mistake = finishTower(fields, options.ignoredFields, result.notes);
  if (mistake.empty())
    config = std::move(tower);
  else
    result.notes.push_back(("config.json: " + name + " set aside, it cannot be read: " + mistake).str());
}

/// The fields around "text_config".
static void readOuter(Fields &top, const Generation &generation, const ImportOptions &options, ConfigFile &result) {
  TowerConfigs &towers = result.model.towers;
  const bool hasTowers = &generation != &gemma3;
  if (&generation == &unified) {
    readTower(top, "vision_config", "images are", options, result, towers.patches, readPatchEmbedderConfig);
    readTower(top, "audio_config", "audio is", options, result, towers.samples, readSampleEmbedderConfig);
  } else {
    readTower(top, "vision_config", "images are", options, result, towers.vision,
              hasTowers ? readVisionConfig : nullptr);
    readTower(top, "audio_config", "audio is", options, result, towers.audio, hasTowers ? readAudioConfig : nullptr);
  }
  readMediaTokens(top, result.model, result.notes);
  std::optional<bool> tied = top.optionalBoolean("tie_word_embeddings");
  if (tied)
    result.model.tiedHead = *tied;
  if (top.any("eos_token_id"))
    result.eos = readListedIds(top, "eos_token_id", result.model.vocab);
  if (std::optional<int64_t> bos = top.optionalInteger("bos_token_id", INT32_MIN, INT32_MAX))
    result.bosId = bos;
}

llvm::Expected<ConfigFile> gemmac::readConfig(StringRef file, StringRef text, const ImportOptions &options) {
  llvm::Expected<Json> json = parseJson(file, text, DuplicateKeys::refuse);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return importError(file, "the file holds {0}, expected an object", describe(*json));
  Fields top(file, "", *json);
  llvm::Expected<const Family *> family = findFamily(file, top);
  if (!family)
    return family.takeError();

  ConfigFile result;
  for (StringRef name : {"_name_or_path", "name_or_path", "model_name"})
    if (const Json *given = top.any(name); given && given->is_string() && result.givenName.empty())
      result.givenName = stringOf(*given).str();
  result.model.architecture = (*family)->architecture.str();
  if (!(*family)->nested) {
    TextReader(*(*family)->generation, top, result).read();
    readQuantizationConfig(top, file, result);
    result.model.tiedHead = top.boolean("tie_word_embeddings", true);
    if (llvm::Error error = top.finish(harmlessConfigFields, options.ignoredFields, result.notes))
      return std::move(error);
    return result;
  }
  const Json *inner = top.object("text_config");
  if (!inner)
    top.mismatch("text_config", "an object");
  if (llvm::Error error = top.takeError())
    return std::move(error);
  Fields textFields(file, "text_config.", *inner);
  StringRef textType = (*family)->generation->textType;
  if (textFields.string("model_type", textType) != textType)
    textFields.mismatch("model_type", ("'" + textType + "'").str());
  TextReader(*(*family)->generation, textFields, result).read();
  std::optional<bool> innerTied = textFields.optionalBoolean("tie_word_embeddings");
  if (llvm::Error error = textFields.finish(harmlessConfigFields, options.ignoredFields, result.notes))
    return std::move(error);
  result.model.tiedHead = innerTied.value_or(true);
  readOuter(top, *(*family)->generation, options, result);
  readQuantizationConfig(top, file, result);
  if (innerTied && *innerTied != result.model.tiedHead)
    top.mismatch("tie_word_embeddings", "the same as text_config.tie_word_embeddings");
  if (llvm::Error error = top.finish(harmlessConfigFields, options.ignoredFields, result.notes))
    return std::move(error);
  return result;
}
