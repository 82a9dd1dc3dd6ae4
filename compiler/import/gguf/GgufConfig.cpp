#include "compiler/import/gguf/GgufConfig.h"

#include "compiler/import/ConfigRules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace gemmac;
using llvm::StringRef;

// Fields of an architecture that do not change what is computed. The tables' rows have the word on vocab_size.
static constexpr llvm::StringLiteral harmlessFields[] = {"vocab_size", "rope.scaling.finetuned",
                                                         "rope.scaling.original_context_length", "tensor_data_layout"};

// Of the towers that files of Ollama have beside the text model.
static constexpr llvm::StringLiteral mediaPrefixes[] = {"vision.", "audio.", "mm."};

// What multiplies nothing at 1 and would have to be implemented at any other value.
static constexpr llvm::StringLiteral unitFields[] = {"rope.scaling.attn_factor", "rope.scale_linear",
                                                     "rope.freq_scale"};

// The context of Gemma 3 models whose full layers stretch positions eightfold, which Ollama's files do not say.
static constexpr int64_t stretchedContext = 131072;
static constexpr double stretch = 8.0;

namespace {

class MetadataReader {
public:
  MetadataReader(bool isGemma4, Fields &fields, const StoredTensors &tensors, llvm::ArrayRef<float> ropeFactors)
      : isGemma4(isGemma4), isOllama(!isGemma4 && isOllamas(fields)), fields(fields), tensors(tensors),
        ropeFactors(ropeFactors) {}

  ModelConfig read() {
    model.architecture = isGemma4 ? "Gemma4ForCausalLM" : "Gemma3ForCausalLM";
    readSizes();
    readLayerTypes();
    readHeads();
    readRope();
    readScales();
    if (isGemma4) {
      readPerLayerEmbedding();
      readExperts();
      shareKeys();
    }
    if (std::string message = checkHeads(model); !message.empty())
      fields.fail(message);
    checkIdle();
    return std::move(model);
  }

  /// What was filled in, one line each.
  std::vector<std::string> filled;

private:
  /// Ollama's converter of Gemma 3 writes none of these fields, or spells them so.
  static bool isOllamas(const Fields &fields) {
    return !fields.has("attention.layer_norm_rms_epsilon") || fields.has("mm.tokens_per_image") ||
           fields.has("rope.global.freq_base") || fields.has("rope.local.freq_base");
  }
  double published(StringRef name, StringRef otherName, double usual, double low, double high);
  void checkIdle();
  int64_t required(StringRef name, int64_t low, int64_t high);
  std::vector<int64_t> perLayer(StringRef name, int64_t low, int64_t high);
  int64_t headDim(StringRef suffix, int64_t fallback);
  int64_t rows(StringRef tensor) const;
  bool hasTensor(size_t layer, StringRef part) const {
    return tensors.contains("blk." + std::to_string(layer) + "." + part.str());
  }
  void readSizes();
  void readLayerTypes();
  void readHeads();
  void readRope();
  int64_t fullPairs(int64_t headDim);
  void readScales();
  void readPerLayerEmbedding();
  void readExperts();
  void shareKeys();

  bool isGemma4, isOllama;
  Fields &fields;
  const StoredTensors &tensors;
  llvm::ArrayRef<float> ropeFactors;
  ModelConfig model;
  int64_t fullDim = 0, slidingDim = 0; ///< of heads, by the kind of layers
};

} // namespace

int64_t MetadataReader::required(StringRef name, int64_t low, int64_t high) {
  if (!fields.has(name))
    fields.mismatch(name, llvm::formatv("an integer from {0} to {1}", low, high).str());
  return fields.integer(name, low, low, high);
}

/// One number for all layers or a list with one for each.
std::vector<int64_t> MetadataReader::perLayer(StringRef name, int64_t low, int64_t high) {
  const Json *value = fields.any(name);
  size_t count = model.layers.size();
  if (!value || !value->is_array())
    return std::vector<int64_t>(count, required(name, low, high));
  std::vector<int64_t> numbers(count, low);
  if (value->size() != count)
    fields.mismatch(name, std::to_string(count) + " numbers, one for each of block_count");
  else
    for (auto [number, one] : llvm::zip(numbers, *value)) {
      number = one.is_number_integer() ? one.get<int64_t>() : low - 1;
      if (number < low || number > high) {
        fields.mismatch(name,
                        llvm::formatv("integers from {0} to {1}; one of them is {2}", low, high, describe(one)).str());
        number = low;
      }
    }
  return numbers;
}

/// Rows of a table; 0 when the file has none, which the search for tensors reports.
int64_t MetadataReader::rows(StringRef tensor) const {
  auto found = tensors.find(tensor.str());
  return found != tensors.end() && found->second.shape.size() == 2 ? found->second.shape.front() : 0;
}

void MetadataReader::readSizes() {
  model.hidden = required("embedding_length", 1, limits::hidden);
  model.embeddingScale = std::sqrt(static_cast<double>(model.hidden));
  model.context = required("context_length", 1, limits::positions);
  model.layers.resize(required("block_count", 1, limits::layers));
  model.rmsEpsilon = published("attention.layer_norm_rms_epsilon", "", 1e-6, 1e-30, 1.0);
  model.finalSoftcap = fields.optionalNumber("final_logit_softcapping", 0.0, 1e6);
  if (model.finalSoftcap == 0.0) // off
    model.finalSoftcap = std::nullopt;
  model.tiedHead = !tensors.contains("output.weight");
  model.vocab = rows("token_embd.weight");
  if (model.vocab < 1 || model.vocab > limits::vocab)
    fields.fail(
        "tensor 'token_embd.weight' is missing or has no rows, expected a matrix with a row for each of at most " +
        llvm::Twine(limits::vocab) + " tokens");
  for (auto [layer, width] : llvm::zip(model.layers, perLayer("feed_forward_length", 1, limits::width)))
    layer.mlpWidth = width;
}

/// A list says for each layer whether it slides; a number n, and 6 without the field, that each n-th is full attention.
void MetadataReader::readLayerTypes() {
  constexpr StringRef windowName = "attention.sliding_window", patternName = "attention.sliding_window_pattern";
  int64_t window = fields.has(windowName) ? required(windowName, 1, limits::positions) : 0;
  const Json *pattern = fields.any(patternName);
  size_t count = model.layers.size();
  if (pattern && pattern->is_array()) {
    if (pattern->size() != count || !llvm::all_of(*pattern, [](const Json &one) { return one.is_boolean(); }))
      return fields.mismatch(patternName, std::to_string(count) + " truth values, one for each of block_count");
    for (auto [layer, slides] : llvm::zip(model.layers, *pattern))
      layer.fullAttention = !slides.get<bool>();
  } else {
    auto period = fields.integer(patternName, 6, 1, limits::layers);
    for (auto [index, layer] : llvm::enumerate(model.layers))
      layer.fullAttention = (static_cast<int64_t>(index) + 1) % period == 0;
  }
  if (!window && (isGemma4 || pattern))
    fields.mismatch(windowName, "the number of positions that sliding layers see");
  for (LayerConfig &layer : model.layers) {
    layer.fullAttention |= window == 0;
    layer.window = layer.fullAttention ? 0 : window;
  }
  if (isGemma4 && !model.layers.back().fullAttention)
    fields.mismatch(patternName, "the last layer to be full attention, as in every Gemma 4 model");
}

/// The size of heads of one kind of layers; keys and values are alike.
int64_t MetadataReader::headDim(StringRef suffix, int64_t fallback) {
  std::string keys = ("attention.key_length" + suffix).str(), values = ("attention.value_length" + suffix).str();
  int64_t dim = fallback ? fields.integer(keys, fallback, 2, limits::headDim) : required(keys, 2, limits::headDim);
  if (fields.integer(values, dim, 1, limits::headDim) != dim)
    fields.mismatch(values, "the same as " + keys + " = " + std::to_string(dim));
  return dim;
}

void MetadataReader::readHeads() {
  fullDim = headDim("", 0);
  slidingDim = headDim("_swa", isGemma4 ? 0 : fullDim);
  std::vector<int64_t> heads = perLayer("attention.head_count", 1, limits::heads);
  std::vector<int64_t> kvHeads =
      fields.has("attention.head_count_kv") ? perLayer("attention.head_count_kv", 1, limits::heads) : heads;
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    layer.headDim = layer.fullAttention ? fullDim : slidingDim;
    layer.heads = heads[index];
    layer.kvHeads = kvHeads[index];
    layer.kvSource = static_cast<int64_t>(index);
    layer.keysAreValues =
        isGemma4 && layer.fullAttention && hasTensor(index, "attn_k.weight") && !hasTensor(index, "attn_v.weight");
  }
}

/// Full layers of Gemma 4 turn only some pairs; the others' wavelengths are stretched beyond all bounds.
int64_t MetadataReader::fullPairs(int64_t headDim) {
  if (!isGemma4 || ropeFactors.empty())
    return headDim / 2;
  const float *still = llvm::find_if(ropeFactors, [](float factor) { return factor != 1.0f; });
  if (static_cast<int64_t>(ropeFactors.size()) != headDim / 2 ||
      !std::all_of(still, ropeFactors.end(), [](float factor) { return factor >= 1e29f; }))
    fields.fail("tensor 'rope_freqs.weight' is expected to have " + llvm::Twine(headDim / 2) +
                " factors, 1 for the first pairs of a head and 1e30 for the others; no other rotation is supported");
  return still - ropeFactors.begin();
}

/// A number under either name; files of Ollama may leave it out, and then it is that of all published models.
double MetadataReader::published(StringRef name, StringRef otherName, double usual, double low, double high) {
  std::optional<double> other;
  if (isOllama && !otherName.empty())
    other = fields.optionalNumber(otherName, low, high);
  if (!fields.has(name) && !other) {
    if (!isOllama)
      fields.mismatch(name, "a number from " + shortNumber(low) + " to " + shortNumber(high));
    else
      filled.push_back((name + " " + shortNumber(usual)).str());
  }
  double value = fields.number(name, other.value_or(usual), low, high);
  if (other && value != *other)
    fields.mismatch(otherName, ("the same as " + name + " = " + shortNumber(value)).str());
  return value;
}

void MetadataReader::readRope() {
  double full = published("rope.freq_base", "rope.global.freq_base", 1e6, 1e-3, 1e15);
  std::optional<double> local;
  if (isOllama)
    local = fields.optionalNumber("rope.local.freq_base", 1e-3, 1e15);
  double sliding = fields.number("rope.freq_base_swa", local.value_or(10000.0), 1e-3, 1e15);
  if (local && sliding != *local)
    fields.mismatch("rope.local.freq_base", "the same as rope.freq_base_swa = " + shortNumber(sliding));
  bool isStretched = isOllama && !fields.has("rope.scaling.type") && !fields.has("rope.scaling.factor") &&
                     model.context >= stretchedContext;
  if (isStretched)
    filled.push_back("rope.scaling.factor " + shortNumber(stretch));
  std::string scaling = fields.string("rope.scaling.type", isStretched ? "linear" : "none");
  if (scaling != "none" && scaling != "linear")
    fields.mismatch("rope.scaling.type", "'none' or 'linear': no other kind is supported");
  double factor = fields.number("rope.scaling.factor", isStretched ? stretch : 1.0, 1e-6, 1e6);
  if (scaling == "none" && factor != 1.0)
    fields.mismatch("rope.scaling.factor", "1 with rope.scaling.type 'none'");
  // Which pairs turn is told by factors; the count of turned elements is that of whole heads.
  for (auto [name, dim] :
       {std::pair("rope.dimension_count", fullDim), std::pair("rope.dimension_count_swa", slidingDim)})
    if (fields.integer(name, dim, 1, limits::headDim) != dim)
      fields.mismatch(name, "the size of a head, " + std::to_string(dim));
  for (LayerConfig &layer : model.layers) {
    layer.rope = layer.fullAttention ? RopeConfig{full, fullPairs(layer.headDim), factor}
                                     : RopeConfig{sliding, layer.headDim / 2, 1.0};
  }
}

/// What multiplies queries and layers. Gemma 3's factor is not among the metadata, so llama.cpp tells it by the number
/// of layers: 27B, with its 62, is the one model that scales by the width per head instead of the size of heads.
void MetadataReader::readScales() {
  for (LayerConfig &layer : model.layers) {
    if (!isGemma4) {
      layer.normedValues = false;
      bool byWidth = model.layers.size() == 62;
      layer.queryScale = 1 / std::sqrt(byWidth ? static_cast<double>(model.hidden) / static_cast<double>(layer.heads)
                                               : static_cast<double>(layer.headDim));
    }
    layer.queryScale = fields.number("attention.scale", layer.queryScale, 1e-6, 1e6);
  }
  model.layerScalars = isGemma4;
}

void MetadataReader::readPerLayerEmbedding() {
  int64_t width = fields.integer("embedding_length_per_layer_input", 0, 0, limits::headDim);
  if (width == 0)
    return;
  model.perLayerEmbedding = PerLayerEmbeddingConfig{width, rows("per_layer_token_embd.weight")};
  if (model.perLayerEmbedding->vocab < model.vocab || model.perLayerEmbedding->vocab > limits::vocab)
    fields.fail("tensor 'per_layer_token_embd.weight' has " + llvm::Twine(model.perLayerEmbedding->vocab) +
                " rows, expected " + llvm::Twine(model.vocab) + " as token_embd.weight has: every token needs its row");
}

void MetadataReader::readExperts() {
  int64_t count = fields.integer("expert_count", 0, 0, limits::experts);
  if (count == 0) {
    fields.optionalInteger("expert_used_count", 0, limits::experts);
    fields.optionalInteger("expert_feed_forward_length", 0, limits::width);
    return;
  }
  model.experts = ExpertsConfig{count, required("expert_used_count", 1, count),
                                required("expert_feed_forward_length", 1, limits::width)};
  if (hasTensor(0, "ffn_gate_exps.weight"))
    fields.fail("experts have their gates apart in 'ffn_gate_exps', expected gate and up together in "
                "'ffn_gate_up_exps'; convert the model with a llama.cpp that writes them so");
}

void MetadataReader::shareKeys() {
  auto count = static_cast<int64_t>(model.layers.size());
  int64_t shared = fields.integer("attention.shared_kv_layers", 0, 0, count - 1);
  if (std::string message = shareKeysAndValues(model, shared); !message.empty())
    fields.fail(message);
}

/// Fields that change nothing at the value they have.
void MetadataReader::checkIdle() {
  for (StringRef name : unitFields)
    if (fields.number(name, 1.0, -1e30, 1e30) != 1.0)
      fields.mismatch(name, "1");
  for (StringRef name : {"attn_logit_softcapping", "attention.logit_softcapping"})
    if (fields.number(name, 0.0, -1e30, 1e30) != 0.0)
      fields.mismatch(name, "0: this is not part of Gemma 3 and 4");
  if (!fields.boolean("attention.causal", true))
    fields.mismatch("attention.causal", "true: text is only compiled with causal attention");
  for (const std::string &name : fields.unread())
    if (llvm::any_of(mediaPrefixes, [&](StringRef prefix) { return StringRef(name).starts_with(prefix); }))
      fields.any(name);
}

/// The metadata of one architecture without its prefix.
static Json ownFields(const Json &metadata, const std::string &prefix) {
  Json own = Json::object();
  for (const auto &item : metadata.items())
    if (StringRef name = item.key(); name.consume_front(prefix))
      own[name.str()] = item.value();
  return own;
}

llvm::Expected<ModelConfig> gemmac::readGgufConfig(StringRef file, const GgufFile &gguf,
                                                   llvm::ArrayRef<float> ropeFactors, const ImportOptions &options,
                                                   std::vector<std::string> &notes) {
  Fields general(file, "", gguf.metadata);
  std::string architecture = general.string("general.architecture", "");
  if (architecture == "clip")
    general.mismatch("general.architecture", "'gemma3' or 'gemma4': these are towers; name the file of the model, and "
                                             "this one with --mmproj");
  else if (architecture != "gemma3" && architecture != "gemma4")
    general.mismatch("general.architecture", "'gemma3' or 'gemma4'");
  if (general.string("general.type", "model") != "model")
    general.mismatch("general.type", "'model': this file holds a part or an adapter");
  if (general.integer("split.count", 1, 0, UINT16_MAX) > 1)
    general.mismatch("split.count", "1: the model is split into several files; merge them first");
  if (llvm::Error error = general.takeError())
    return std::move(error);

  Json own = ownFields(gguf.metadata, architecture + ".");
  Fields fields(file, architecture + ".", own);
  MetadataReader reader(architecture == "gemma4", fields, gguf.tensors, ropeFactors);
  ModelConfig model = reader.read();
  if (llvm::Error error = fields.finish(harmlessFields, options.ignoredFields, notes))
    return std::move(error);
  if (!reader.filled.empty())
    notes.push_back(
        (file + ": not in the file, taken as in the published models: " + llvm::join(reader.filled, ", ")).str());
  return model;
}
