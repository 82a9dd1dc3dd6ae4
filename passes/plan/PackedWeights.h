// The gemma.packed symbols of a module, made on first use.
#ifndef GEMMAC_PASSES_PLAN_PACKEDWEIGHTS_H
#define GEMMAC_PASSES_PLAN_PACKEDWEIGHTS_H

#include "dialects/Gemma/GemmaDialect.h"
#include "targets/PlanModel.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

namespace gemmac {

/// Axis of n elements in one block, padded to a multiple of 32.
gemma::AxisAttr wholeAxis(mlir::MLIRContext *context, int64_t n);
/// Axis of heads: one block per half head, padded to 16, so that RoPE's partners stay aligned.
gemma::AxisAttr headAxis(mlir::MLIRContext *context, int64_t headDim);
/// The same of heads whose halves turn apart, as those of patches do.
gemma::AxisAttr crossedHeadAxis(mlir::MLIRContext *context, int64_t headDim);

/// One gemma.packed per distinct (sources, layout), shared by the functions; without offsets yet. On error a diagnostic
/// is emitted at `user`, null is returned and failed() stays true.
class PackedWeights {
public:
  /// \param model tells the layouts.
  PackedWeights(mlir::ModuleOp module, const PlanModel &model);

  /// The weight of that name, or null with a diagnostic.
  gemma::WeightOp weight(mlir::Operation *user, mlir::FlatSymbolRefAttr source);
  /// Length of that weight's first axis, or failure with a diagnostic.
  llvm::FailureOr<int64_t> rowsOf(mlir::Operation *user, mlir::FlatSymbolRefAttr source);
  gemma::KvCacheOp cache(mlir::Operation *user, mlir::FlatSymbolRefAttr name);
  /// `source` as f32 vector, times `scale` if that is given; axis null: wholeAxis of its length. A null source gives
  /// null without an error.
  gemma::PackedOp vector(mlir::Operation *user, mlir::FlatSymbolRefAttr source, gemma::AxisAttr axis = {},
                         mlir::FloatAttr scale = {});
  /// `sources` stacked. Rank 3: [batch, rows, cols]. All have one format.
  gemma::PackedOp matrix(mlir::Operation *user, llvm::ArrayRef<mlir::FlatSymbolRefAttr> sources, gemma::AxisAttr rows,
                         gemma::AxisAttr cols, bool interleave = false);
  /// A table that is read by row.
  gemma::PackedOp rowTable(mlir::Operation *user, mlir::FlatSymbolRefAttr source, gemma::AxisAttr cols);
  bool failed() const { return anyFailed; }

private:
  struct Form {
    Format format;
    Layout layout;
    int64_t batch;
    bool interleave;
    gemma::AxisAttr rowAxis, colAxis;
    int64_t rows, cols;
    mlir::FloatAttr scale = {}, inputScale = {};
    mlir::DenseF64ArrayAttr outputScales = {}, inputBounds = {}, outputBounds = {};
  };
  gemma::PackedOp get(mlir::Location location, llvm::ArrayRef<mlir::FlatSymbolRefAttr> sources, const Form &form);
  std::optional<Format> commonFormat(mlir::Operation *user, llvm::ArrayRef<gemma::WeightOp> weights);
  mlir::InFlightDiagnostic fail(mlir::Operation *user);

  mlir::SymbolTable symbols;
  PlanModel model;
  mlir::Block::iterator insertionPoint; // packed symbols stand before the functions
  llvm::DenseMap<mlir::Attribute, gemma::PackedOp> made;
  bool anyFailed = false;
};

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_PACKEDWEIGHTS_H
