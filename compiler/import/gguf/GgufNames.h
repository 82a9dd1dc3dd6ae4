// How GGUF files of the Gemma family spell the names of tensors.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFNAMES_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFNAMES_H

#include "compiler/import/TensorFiles.h"

namespace gemmac {

/// "blk.3.attn_q.weight" <-> "layers.3.self_attn.q_proj.weight"
extern const TensorNaming ggufNaming;

/// Whether this is how files spell a layer's number: digits alone, without a zero before others.
bool isLayerNumber(llvm::StringRef text);

/// Factors of the full layers' wavelengths (1 for pairs that turn, a huge number for those that stay); of no model
/// part.
inline constexpr llvm::StringLiteral ropeFactorsName = "rope_freqs.weight";

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFNAMES_H
