// From one function of fused ops to a gemma.function of steps. Each fused op has a file in fused/, which says what its
// steps are:
//
//   LogicalResult plan(gemma::FfnOp op, FunctionBuilder &builder)
#ifndef GEMMAC_PASSES_PLAN_FUNCTIONBUILDER_H
#define GEMMAC_PASSES_PLAN_FUNCTIONBUILDER_H

#include "dialects/Gemma/FusedList.h"
#include "passes/plan/PackedWeights.h"
#include "passes/plan/StepEmitter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace gemmac {

class FunctionBuilder;

/// Declares plan() of an op; calls find it because FunctionBuilder derives from this for every fused op. The linker
/// names an op that no file plans.
template <typename Op> struct Plans {
  /// Fails with a diagnostic where the op cannot be planned, among others when `builder.weights` failed.
  friend mlir::LogicalResult plan(Op op, FunctionBuilder &builder);
};
template <typename... Ops> struct PlansAll : Plans<Ops>... {};

/// Fills one function, op by op. Barriers come later (Barriers.h).
class FunctionBuilder : public gemma::OfFusedOps<PlansAll> {
public:
  /// \param headTables tables that some function's head multiplies with: an embedding of such a table reads the same
  /// packing.
  FunctionBuilder(gemma::FunctionOp function, mlir::func::FuncOp source, PackedWeights &weights,
                  const llvm::DenseSet<mlir::StringAttr> &headTables, const Schedule &schedule, int64_t wideFrom)
      : weights(weights), steps(function, schedule, wideFrom), source(source), headTables(headTables) {}

  /// Fails with a diagnostic at the op that has no steps or whose weights do not fit.
  mlir::LogicalResult build();

  // ---- what plan() builds with
  PackedWeights &weights;
  StepEmitter steps; ///< at the location of the op
  /// Key norms by cache, of those already written.
  llvm::DenseMap<mlir::Attribute, gemma::PackedOp> keyNorms;

  /// Where the rows of a value of the function lie; plan() sets those of the op's results.
  mlir::Value &bufferOf(mlir::Value value) { return buffers[value]; }
  /// Buffer for the new residual stream: the old one's where nothing reads that any more.
  mlir::Value residualOf(mlir::Operation *op, mlir::Value stream);
  /// Sines and cosines: one table per distinct rotation, at the start, as all layers of a type read the same.
  mlir::Value ropeTable(gemma::RopeAttr rope, mlir::IntegerAttr headDim);
  /// Rows of sines and cosines for relative attention, made once.
  mlir::Value sinusoids(int64_t half);
  /// The same for patches, by their places; one table for each base and head size.
  mlir::Value placesTable(mlir::Value places, mlir::FloatAttr theta, mlir::IntegerAttr headDim);
  bool isHeadTable(mlir::FlatSymbolRefAttr table) const { return headTables.contains(table.getAttr()); }
  /// Fails unless `value` is the function's argument `index`: steps read the call's own tokens and positions.
  mlir::LogicalResult checkArgument(mlir::Operation *op, mlir::Value value, unsigned index, llvm::StringRef what);
  gemma::AxisAttr whole(int64_t n) { return wholeAxis(source.getContext(), n); }

private:
  /// A buffer for each argument that has a name: what the caller writes.
  void emitInputs();
  mlir::LogicalResult emit(mlir::Operation *op);
  mlir::LogicalResult emitOutputs(mlir::func::ReturnOp op);

  mlir::func::FuncOp source;
  const llvm::DenseSet<mlir::StringAttr> &headTables;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
  // By rope, or base, and head size.
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Attribute>, mlir::Value> ropeTables, placesTables;
  llvm::DenseMap<int64_t, mlir::Value> sinusoidRows; // by half
  mlir::Operation *lastRopeTable = nullptr, *lastInput = nullptr;
};

/// Elements of a row of a level-1 value.
inline int64_t widthOf(mlir::Value rows) { return mlir::cast<mlir::RankedTensorType>(rows.getType()).getDimSize(1); }

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_FUNCTIONBUILDER_H
