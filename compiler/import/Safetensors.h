// The safetensors container: 8 bytes little-endian header length, a JSON header, then the tensors' bytes without holes.
// Only headers are read; whatever they claim is checked before it is used.
#ifndef GEMMAC_COMPILER_IMPORT_SAFETENSORS_H
#define GEMMAC_COMPILER_IMPORT_SAFETENSORS_H

#include "compiler/import/Model.h"

namespace gemmac {

/// One tensor as a file has it; its type need not be one that gemmac can compile.
struct StoredTensor {
  uint32_t file = 0;   ///< index into the list of files
  uint64_t offset = 0; ///< from the start of the file; not necessarily aligned
  uint64_t bytes = 0;
  std::string dtype; ///< as written: "BF16", "I64", ...; the name of a Encoding once joined (QuantizedTensors.h)
  std::vector<int64_t> shape;
  std::optional<TensorScales> scales = std::nullopt;
  ActivationScales activations = {};
};

using StoredTensors = std::map<std::string, StoredTensor>;

/// "[2, 3]"
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// The length of the header that follows the first eight bytes, checked against the file.
/// \param start      the file's first bytes; eight are enough
/// \param fileBytes  the size of the whole file
llvm::Expected<uint64_t> safetensorsHeaderBytes(llvm::StringRef file, llvm::StringRef start, uint64_t fileBytes);

/// Reads a header (the JSON after the first eight bytes). Checked: known types, sizes that agree with shapes, spans
/// inside the file, no overlap, no hole, nothing after the last tensor, no name twice.
llvm::Expected<StoredTensors> readSafetensorsHeader(llvm::StringRef file, llvm::StringRef header, uint64_t fileBytes);

/// model.safetensors.index.json: tensor name -> file name. File names are plain names beside the index.
llvm::Expected<std::map<std::string, std::string>> readSafetensorsIndex(llvm::StringRef file, llvm::StringRef text);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_SAFETENSORS_H
