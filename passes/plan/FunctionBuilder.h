// From one function of fused ops to a gemma.function of steps.
#ifndef GEMMAC_PASSES_PLAN_FUNCTIONBUILDER_H
#define GEMMAC_PASSES_PLAN_FUNCTIONBUILDER_H

#include "passes/plan/PackedWeights.h"
#include "passes/plan/StepEmitter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace gemmac {

/// Fills one function, op by op. Barriers come later (Barriers.h).
class FunctionBuilder {
public:
  /// \param headTables tables that some function's head multiplies with: an embedding of such a table reads the same
  /// packing.
  FunctionBuilder(gemma::FunctionOp function, mlir::func::FuncOp source, PackedWeights &weights,
                  const llvm::DenseSet<mlir::StringAttr> &headTables, const Schedule &schedule, bool wideActivations)
      : source(source), weights(weights), headTables(headTables), steps(function, schedule, wideActivations) {}

  /// Fails with a diagnostic at the op that has no steps or whose weights do not fit.
  mlir::LogicalResult build();

private:
  void emitRopeTables();
  mlir::LogicalResult emit(mlir::Operation *op);
  mlir::LogicalResult emit(gemma::EmbedOp op);
  mlir::LogicalResult emit(gemma::PleInputOp op);
  mlir::LogicalResult emit(gemma::QkvOp op);
  mlir::LogicalResult emit(gemma::AttendOp op);
  mlir::LogicalResult emit(gemma::FfnOp op);
  mlir::LogicalResult emit(gemma::MoeOp op);
  mlir::LogicalResult emit(gemma::PleMixOp op);
  mlir::LogicalResult emit(gemma::HeadOp op);
  mlir::LogicalResult emit(mlir::func::ReturnOp op);

  /// Buffer for the new residual stream: the old one's where nothing reads that any more.
  mlir::Value residualOf(mlir::Operation *op, mlir::Value stream);
  /// Fails unless `value` is the function's argument `index`: steps read the call's own tokens and positions.
  mlir::LogicalResult checkArgument(mlir::Operation *op, mlir::Value value, unsigned index, llvm::StringRef what);
  gemma::AxisAttr whole(int64_t n) { return wholeAxis(source.getContext(), n); }

  mlir::func::FuncOp source;
  PackedWeights &weights;
  const llvm::DenseSet<mlir::StringAttr> &headTables;
  StepEmitter steps;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;                            // of the values of the function
  llvm::DenseMap<std::pair<mlir::Attribute, int64_t>, mlir::Value> ropeTables; // by rope and head size
  llvm::DenseMap<mlir::Attribute, gemma::PackedOp> keyNorms;                   // by cache, of those already written
};

/// Elements of a row of a level-1 value.
inline int64_t widthOf(mlir::Value rows) { return mlir::cast<mlir::RankedTensorType>(rows.getType()).getDimSize(1); }

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_FUNCTIONBUILDER_H
