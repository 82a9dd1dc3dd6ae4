// What every checkpoint reader yields: one model description, a list of tensors with their places in files, a
// tokenizer, a chat format. Everything after import works on these types alone.
#ifndef GEMMAC_COMPILER_IMPORT_MODEL_H
#define GEMMAC_COMPILER_IMPORT_MODEL_H

#include "compiler/import/Towers.h"
#include "dialects/formats/Encoding.h"
#include "gemmac/program.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gemmac {

/// Rotary embedding of one layer type (spec 3.5). Element j of a head pairs with j + headDim / 2; pair j turns by
/// position * theta^(-2 j / headDim) / factor for j < pairs, and not at all beyond.
struct RopeConfig {
  double theta = 10000.0;
  int64_t pairs = 0;
  double factor = 1.0;
  bool operator==(const RopeConfig &) const = default;
};

struct LayerConfig {
  bool fullAttention = false;
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  int64_t window = 0;         ///< keys seen, the query's own included; 0: all
  int64_t mlpWidth = 0;       ///< of the dense MLP, doubling applied
  bool keysAreValues = false; ///< v is the raw k projection (attention_k_eq_v on full layers)
  bool normedValues = true;   ///< v is normed per head, without a weight; in Gemma 3 it stays as projected
  double queryScale = 1.0;    ///< of the rotated queries; Gemma 3: query_pre_attn_scalar^-1/2
  int64_t kvSource = 0;       ///< the layer whose KV cache is read; itself when it owns one
  RopeConfig rope;
};

struct ExpertsConfig {
  int64_t count = 0, topK = 0, width = 0;
};

/// Per-layer embeddings (spec 3.2).
struct PerLayerEmbeddingConfig {
  int64_t width = 0, vocab = 0;
};

struct ModelConfig {
  std::string name;                           ///< what people call the checkpoint (ModelName.h)
  std::string architecture;                   ///< "Gemma4ForConditionalGeneration", ...
  int64_t vocab = 0, hidden = 0, context = 0; ///< context: max_position_embeddings
  double rmsEpsilon = 1e-6;
  std::optional<double> finalSoftcap;
  double embeddingScale = 1.0; ///< sqrt(hidden), exact
  bool tiedHead = true;
  bool layerScalars = true; ///< layers may have a layer_scalar; none means 1. Gemma 3 has none
  std::vector<LayerConfig> layers;
  std::optional<ExpertsConfig> experts; ///< in every layer when set
  std::optional<PerLayerEmbeddingConfig> perLayerEmbedding;
  /// The soft tokens of a picture see each other, in layers with a window (use_bidirectional_attention "vision").
  bool visionBlocks = false;
  TowerConfigs towers; ///< of Gemma 4; nothing where there is none, or one that is set aside with a note
  /// Whether the text model takes rows of a tower beside tokens.
  bool takesSoftTokens() const { return towers.takesImages() || towers.takesAudio(); }
  bool seesBlocks() const { return visionBlocks && towers.takesImages(); }
  /// Their tokens and what their pictures are; towers that are missing leave it as it is.
  gemmac_media media = {-1, -1, -1, -1, -1, -1, 0, 0, 0, 280, -1, 0};
  bool ownsKv(size_t layer) const { return layers[layer].kvSource == static_cast<int64_t>(layer); }
};

/// The scales of a tensor of integers: one for each row and each run of `columns` columns, row-major.
struct TensorScales {
  uint32_t file = 0; ///< index into Checkpoint::files
  uint64_t offset = 0, bytes = 0;
  Encoding encoding = Encoding::BF16; ///< f32, f16 or bf16
  int64_t columns = 0;
};

/// Static int8 grids around a matrix: what it reads and what it gives are scale * q, q in -128..127. 0: none.
struct ActivationScales {
  float input = 0, output = 0;
};

/// The ends of a range to which values are clamped.
struct ValueBounds {
  float least = 0, most = 0;
  bool operator==(const ValueBounds &) const = default;
};

/// A tensor's bytes in one of the checkpoint's files, row-major.
struct TensorSource {
  uint32_t file = 0;   ///< index into Checkpoint::files
  uint64_t offset = 0; ///< absolute, in bytes
  uint64_t bytes = 0;
  Encoding encoding = Encoding::BF16;
  std::vector<int64_t> shape;
  std::optional<TensorScales> scales = std::nullopt; ///< of encodings of integers
  /// Names in Checkpoint::pieces of the tensors whose rows make up this one, in order; file and offset mean nothing
  /// then.
  std::vector<std::string> pieces = {};
  double addend =
      0.0; ///< the value is what is stored plus this: 1 for the norms of Gemma 3, whose files hold factor - 1
  bool softplus = false; ///< the value is ln(1 + e^x) of what is stored
  /// A row is stored as so many runs one behind the other, whose elements take turns in it: the patches of GGUF, color
  /// by color.
  int64_t planes = 1;
  int64_t rowPlanes = 1; ///< the same of the rows: a table of places of GGUF, all columns before all rows
  ActivationScales activations = {};
  std::optional<ValueBounds> reads = std::nullopt, gives = std::nullopt; ///< of the linears of towers (spec 4.4)
};

/// Token ids as a file lists them, split by whether the model can yield them.
struct ListedIds {
  std::vector<int32_t> ids;    ///< in [0, vocabulary), each once, in the file's order
  std::vector<int64_t> beyond; ///< of the vocabulary
};

/// How a checkpoint stores the matrices that are quantized.
enum class QuantizedLayout { None, CompressedTensors, Gemma };

struct SamplingConfig {
  double temperature = 0.0; ///< 0 when do_sample is false
  int64_t topK = 0;
  double topP = 1.0;
  std::vector<int32_t> stopIds, suppressIds;
};

/// See gemmac_chat_mode in gemmac/program.h for each string's meaning.
struct ChatMode {
  std::string start, systemOpen, systemClose, prompt, answered, next;
  bool operator==(const ChatMode &) const = default;
};

/// See gemmac_chat in gemmac/program.h.
struct ChatFormat {
  std::string bos, turnClose, thoughtOpen, thoughtClose;
  uint32_t flags = 0;
  ChatMode modes[GEMMAC_THINK_COUNT];
  std::string name = "none"; ///< "gemma4", "gemma3"; "template": as the checkpoint's template has it; "none"
  /// Where the checkpoint's template is not followed, one line each.
  std::vector<std::string> differences = {};

  bool chats() const { return flags & GEMMAC_CHAT_EXISTS; }
};

/// What people chose about reading a checkpoint.
struct ImportOptions {
  /// Unknown fields of config.json or GGUF metadata to leave out, as messages name them: "text_config.some_field".
  std::vector<std::string> ignoredFields = {};
  std::string chatFormat = ""; ///< "gemma4", "gemma3", "none"; empty: what the checkpoint's template says
  std::string projector = "";  ///< of a GGUF model: the file of its towers; empty: none
  bool withoutImages = false, withoutAudio = false; ///< towers to leave out
};

struct Checkpoint {
  std::string directory;
  ModelConfig config;
  std::vector<std::string> files; ///< names inside `directory`
  /// The text model's tensors by canonical name: the checkpoint's own name without its "model." or
  /// "model.language_model." prefix ("layers.0.self_attn.q_proj.weight", "embed_tokens.weight", "lm_head.weight" only
  /// when untied). Exactly those that the configuration asks for, shapes verified; dead KV tensors are left out.
  std::map<std::string, TensorSource> tensors;
  /// Those of the towers of `config`, each complete; names as Towers.h has them.
  std::map<std::string, TensorSource> towerTensors;
  std::map<std::string, TensorSource> pieces; ///< tensors that are parts of those in `tensors`, by canonical name
  std::string tokenizer;                      ///< a serialized gemmac_tokenizer (gemmac/tokenizer.h)
  int32_t bosId = -1;
  ChatFormat chat;
  SamplingConfig sampling;
  std::vector<std::string> notes; ///< what was set aside, one line each ("vision tower: 439 tensors set aside")
};

/// Reads a checkpoint: a Hugging Face directory or a GGUF file, whatever its name. Tensor data is not touched: only
/// headers are read. Errors read "<file>: error: <what>, got .., expected ..; <what to do>" and are of class
/// ImportError.
llvm::Expected<Checkpoint> importCheckpoint(llvm::StringRef path, const ImportOptions &options = {});
llvm::Expected<Checkpoint> importHuggingFace(llvm::StringRef directory, const ImportOptions &options = {});
llvm::Expected<Checkpoint> importGguf(llvm::StringRef path, const ImportOptions &options = {});

/// The tensor names and shapes that a configuration asks for (spec 2.1), by canonical name.
std::map<std::string, std::vector<int64_t>> expectedTensors(const ModelConfig &config);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_MODEL_H
