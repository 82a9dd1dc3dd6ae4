// From a directory's safetensors files to the tensors that a configuration asks for.
#ifndef GEMMAC_COMPILER_IMPORT_TENSORFILES_H
#define GEMMAC_COMPILER_IMPORT_TENSORFILES_H

#include "compiler/import/Safetensors.h"

#include <functional>

namespace gemmac {

/// Every tensor that a directory's files hold.
struct TensorFiles {
  std::vector<std::string> files;
  StoredTensors tensors;
  /// The bytes of a small tensor of `tensors`: of the scalars that decide what the model computes.
  std::function<llvm::Expected<std::string>(const StoredTensor &)> read = {};
  std::string listing = {}; ///< what should have listed a tensor that is missing, for messages: a file, an index
};

/// Reads the headers of model.safetensors or, when there is none, of the files that model.safetensors.index.json names;
/// index and files must agree tensor by tensor. Without an index, shards numbered 1 to their total describe themselves.
llvm::Expected<TensorFiles> readTensorFiles(llvm::StringRef directory);

/// A part of a checkpoint that is recognised and not compiled.
struct SetAside {
  llvm::StringLiteral prefix, name; ///< of its tensors; of the part, for people
};

/// How a kind of files spells the names of the text model's tensors.
struct TensorNaming {
  std::string (*canonical)(llvm::StringRef stored); ///< anything else for a tensor that is not of the text model
  std::string (*stored)(llvm::StringRef canonical); ///< for messages
  llvm::ArrayRef<SetAside> setAside;
};

extern const TensorNaming huggingFaceNaming;

/// Fills `result.files`, `result.tensors` and `result.pieces` for `result.config` (spec 2.1, 2.4), and notes what was
/// set aside.
llvm::Error selectTensors(TensorFiles stored, const TensorNaming &naming, Checkpoint &result,
                          QuantizedLayout layout = QuantizedLayout::None);

/// What makes of a scalar tensor a bound of the linear beside it (spec 4.4).
inline constexpr llvm::StringLiteral boundEndings[] = {".input_min", ".input_max", ".output_min", ".output_max"};

/// Tensors of towers by the names of Towers.h, whatever their files call them, and how these store them.
struct TowerFiles {
  std::map<std::string, StoredTensor> tensors;
  std::string (*spelled)(llvm::StringRef canonical); ///< a name as the files have it, for messages
  int64_t patchPlanes = 1;                           ///< `planes` of what is multiplied with pixels
  int64_t placePlanes = 1;  ///< `rowPlanes` of the table in which columns and rows of places alternate
  bool scalesAreRaw = true; ///< whether per_dim_scale is what the class has: its softplus is what counts
};

/// Fill `result.towerTensors` with what the configuration of a tower asks for: `tower` are tensors of `stored`. Bounds
/// of linears become part of their matrices; the table of places becomes two,
/// "...position_embedding_table.columns" and ".rows", or one that alternates, "vision_embedder.pos_embedding".
/// \returns what is wrong, empty when nothing is
std::string selectVision(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result);
std::string selectAudio(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result);
std::string selectPatches(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result);
std::string selectSamples(const TowerFiles &tower, const TensorFiles &stored, Checkpoint &result);

/// Where a tensor's shape or existence comes from, for messages: "8 heads x 512 head_dim; layer 3 is full attention".
std::string shapeReason(const ModelConfig &config, llvm::StringRef canonicalName);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TENSORFILES_H
