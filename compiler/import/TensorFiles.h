// From a directory's safetensors files to the tensors that a configuration asks for.
#ifndef GEMMAC_COMPILER_IMPORT_TENSORFILES_H
#define GEMMAC_COMPILER_IMPORT_TENSORFILES_H

#include "compiler/import/Safetensors.h"

namespace gemmac {

/// Every tensor that a directory's files hold.
struct TensorFiles {
  std::vector<std::string> files;
  StoredTensors tensors;
};

/// Reads the headers of model.safetensors or, when there is none, of the files that model.safetensors.index.json names;
/// index and files must agree tensor by tensor.
llvm::Expected<TensorFiles> readTensorFiles(llvm::StringRef directory);

/// Fills `result.files`, `result.tensors` and `result.pieces` for `result.config` (spec 2.1, 2.4), and notes what was set
/// aside.
llvm::Error selectTensors(TensorFiles stored, Checkpoint &result, QuantizedLayout layout = QuantizedLayout::None);

/// A tensor's name without the prefix of the text model; empty for a tensor of another part.
llvm::StringRef canonicalName(llvm::StringRef name);

/// Where a tensor's shape or existence comes from, for messages: "8 heads x 512 head_dim; layer 3 is full attention".
std::string shapeReason(const ModelConfig &config, llvm::StringRef canonicalName);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TENSORFILES_H
