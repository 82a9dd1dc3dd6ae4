// What the verifiers share: symbol look-up and shape checks that say what was expected, why, and what was found.
// Private to this folder.
#ifndef GEMMAC_DIALECTS_GEMMA_VERIFY_H
#define GEMMAC_DIALECTS_GEMMA_VERIFY_H

#include "dialects/Gemma/GemmaDialect.h"

namespace gemmac::gemma::verify {

/// "[2, 3]", with `?` for a dynamic dimension.
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// The symbol that attribute `role` of `op` names; null after an error when it is missing or no OpTy.
template <typename OpTy>
OpTy lookUp(mlir::Operation *op, mlir::SymbolTableCollection &symbols, mlir::FlatSymbolRefAttr name,
            llvm::StringRef role) {
  mlir::Operation *found = symbols.lookupNearestSymbolFrom(op, name);
  if (auto typed = llvm::dyn_cast_or_null<OpTy>(found))
    return typed;
  mlir::InFlightDiagnostic error = op->emitOpError() << "expects " << role << " to name a " << OpTy::getOperationName()
                                                     << ", got " << name;
  if (!found)
    error << ", which is not in the module";
  else
    (error << ", a " << found->getName()).attachNote(found->getLoc()) << "defined here";
  return nullptr;
}

/// The name and role of one symbol reference, and the shape its weight must have.
struct WeightRule {
  mlir::FlatSymbolRefAttr name; ///< null: absent, nothing is checked
  llvm::StringRef role;
  llvm::SmallVector<int64_t, 3> shape;
  llvm::StringRef meaning; ///< of the shape: "result width, input width"
};

/// Every rule's weight exists and has its shape.
llvm::LogicalResult checkWeights(mlir::Operation *op, mlir::SymbolTableCollection &symbols,
                                 llvm::ArrayRef<WeightRule> rules);

/// The type of the weight that `role` names, of the given rank; null after an error.
mlir::RankedTensorType lookUpWeightType(mlir::Operation *op, mlir::SymbolTableCollection &symbols,
                                        mlir::FlatSymbolRefAttr name, llvm::StringRef role, int64_t rank);

/// Two tables of places of one shape, `width` columns each; one and the same, of an even number of rows, where they are
/// alternating.
llvm::LogicalResult checkPlaceTables(mlir::Operation *op, mlir::SymbolTableCollection &symbols,
                                     mlir::FlatSymbolRefAttr columns, mlir::FlatSymbolRefAttr rows, int64_t width,
                                     bool alternating);

/// All values have the same number of rows (dimension 0); a dynamic one fits any. `roles` names them in order.
llvm::LogicalResult checkSameRows(mlir::Operation *op, mlir::ValueRange values, llvm::ArrayRef<llvm::StringRef> roles);

/// `width` is `heads` heads of the size that the cache has, `heads` a multiple of the cache's.
llvm::LogicalResult checkQueryHeads(mlir::Operation *op, KvCacheOp cache, int64_t heads, int64_t width);

/// Rows see later ones of their block only in a layer with a window.
llvm::LogicalResult checkBlocks(mlir::Operation *op, KvCacheOp cache, bool blocks);

/// `pairs` of the rope fit a head of `headDim` elements, which is even.
llvm::LogicalResult checkRope(mlir::Operation *op, RopeAttr rope, int64_t headDim);

} // namespace gemmac::gemma::verify

#endif // GEMMAC_DIALECTS_GEMMA_VERIFY_H
