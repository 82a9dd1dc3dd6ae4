// Which symbols a module uses.
#ifndef GEMMAC_PASSES_PLAN_SYMBOLS_H
#define GEMMAC_PASSES_PLAN_SYMBOLS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseSet.h"

namespace gemmac {

/// Names that some op of the module refers to, collected in one walk: a query per symbol would be quadratic.
inline llvm::DenseSet<mlir::StringAttr> usedSymbols(mlir::ModuleOp module) {
  llvm::DenseSet<mlir::StringAttr> used;
  module.walk([&](mlir::Operation *op) {
    op->getAttrDictionary().walk([&](mlir::SymbolRefAttr reference) { used.insert(reference.getRootReference()); });
  });
  return used;
}

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_SYMBOLS_H
