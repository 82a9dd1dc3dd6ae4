// What a fused op tells of the matrices that it names (FusedInterface).
#ifndef GEMMAC_DIALECTS_GEMMA_FUSEDUSES_H
#define GEMMAC_DIALECTS_GEMMA_FUSEDUSES_H

#include "mlir/IR/BuiltinAttributes.h"

namespace gemmac::gemma {

enum class MatrixRole {
  Ordinary,      ///< projections, MLPs, experts: nearly all bytes
  PleProjection, ///< small matrices around the per-layer embeddings, read for every token: worth 8 bits
  Router,        ///< a small error here changes which experts run
  Embedding,     ///< token embedding and output matrix
  PerLayerTable, ///< read one row a token
  Places,        ///< what columns and rows of patches add: a few rows are read, which cost nothing as they are stored
  Convolution    ///< of few values, each read for many places: f32
};

struct MatrixUse {
  mlir::StringAttr attribute; ///< of the op, which names the matrix
  MatrixRole role;
  llvm::StringLiteral part; ///< of the model, for people: "MLP out"; what is packed into one matrix has one part
  /// Columns are those of heads, which packing pads or reorders so that 32 which share a scale do not stay together.
  bool regrouped = false;
};

} // namespace gemmac::gemma

#endif // GEMMAC_DIALECTS_GEMMA_FUSEDUSES_H
