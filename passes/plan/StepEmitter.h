// Steps and buffers of one function, shared or private as its schedule says, and when activations are quantized.
#ifndef GEMMAC_PASSES_PLAN_STEPEMITTER_H
#define GEMMAC_PASSES_PLAN_STEPEMITTER_H

#include "dialects/Gemma/GemmaDialect.h"
#include "passes/plan/Schedule.h"

#include "mlir/IR/Builders.h"

namespace gemmac {

/// What a row step must know of the matrix that reads its result.
struct Reader {
  Format format;
  mlir::FloatAttr staticScale;    ///< of the rows that the matrix is multiplied with; null: none
  mlir::DenseF64ArrayAttr within; ///< to which these rows are clamped; null: not at all
  Reader(Format format) : format(format) {}
  Reader(gemma::PackedOp matrix)
      : format(matrix.getFormat()), staticScale(matrix.getInputScaleAttr()), within(matrix.getInputBoundsAttr()) {}
};

/// Appends steps to a function.
class StepEmitter {
public:
  /// \param wideFrom operands of quantized matrices of so many bits and more are q16, others q8.
  StepEmitter(gemma::FunctionOp function, const Schedule &schedule, int64_t wideFrom);

  /// Steps made from now on carry this location.
  void setLocation(mlir::Location newLocation) { location = newLocation; }

  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLocation() const { return location; }
  /// Attribute of row steps.
  mlir::UnitAttr replicated() { return schedule.replicatesRows() ? builder.getUnitAttr() : mlir::UnitAttr(); }

  /// What a panel step, or the caller, writes. `perRow` rows belong to each row of the call.
  mlir::Value sharedBuffer(int64_t width, int64_t perRow = 1, Element element = Element::F32);
  /// What a row step writes.
  mlir::Value rowBuffer(int64_t width, Element element = Element::F32, int64_t perRow = 1, llvm::StringRef label = "");
  /// What each thread keeps to itself whatever the number of rows.
  mlir::Value privateBuffer(int64_t width, int64_t perRow = 1);
  /// What a convolution gives to the next one, of which a thread keeps a few rows.
  mlir::Value ringBuffer(int64_t width, int64_t perRow);
  /// Keys and values of all rows of a call, as gemma.step.encoder_qkv lays them out. \param words int16.
  mlir::Value keysAndValues(int64_t perRow, int64_t kvHeads, int64_t padded, bool words);
  /// Rows of a buffer that belong to each row of the call.
  int64_t perRowOf(mlir::Value buffer) const { return rowsOf(buffer) / maxRows; }
  /// Where a row step puts what it makes of `input` for a matrix: quantized where it must be.
  mlir::Value rowResult(mlir::Value input, const Reader &reader);

  /// `rms(input) * weight * factor` as operand of a matrix: for quantized ones q8 or q16,
  /// with a static scale s8; else f32. With `limit` the input is clamped first.
  mlir::Value norm(mlir::Value input, gemma::PackedOp weight, const Reader &reader, mlir::FloatAttr eps, int64_t count,
                   mlir::FloatAttr factor = {}, mlir::FloatAttr limit = {});
  /// `input` as operand of a matrix: quantized, clamped, or rounded to its static grid, where it must be.
  mlir::Value operand(mlir::Value input, const Reader &reader);
  /// Attention of `query` over `cache`, as operand of a matrix: divided by keys and merged by a row step, or whole and
  /// in place of the query.
  /// `keyNorm` where the cache has turned pairs; `blocks` where rows see later ones, in a function of several rows.
  mlir::Value attention(mlir::Value query, gemma::KvCacheOp cache, int64_t heads, gemma::PackedOp keyNorm,
                        mlir::UnitAttr blocks, const Reader &reader);
  /// `input * weight^T` into a new shared buffer; geglu where the weight interleaves.
  mlir::Value matmul(mlir::Value input, gemma::PackedOp weight);
  /// `gelu(input * weight^T) * factor[offset ..]` into a new shared buffer.
  mlir::Value geluMul(mlir::Value input, gemma::PackedOp weight, mlir::Value factor, int64_t offset);
  /// `result = (input + rms(branch) * weight * factor) * layerScale`. With `limit` the branch is clamped first.
  void addNorm(mlir::Value input, mlir::Value branch, mlir::Value result, gemma::PackedOp weight,
               gemma::PackedOp layerScale, mlir::FloatAttr eps, int64_t count, mlir::FloatAttr limit = {},
               mlir::FloatAttr factor = {});

private:
  static int64_t rowsOf(mlir::Value buffer) { return mlir::cast<gemma::BufferType>(buffer.getType()).getRows(); }
  mlir::Value buffer(Scope scope, int64_t rows, int64_t width, Element element, llvm::StringRef label);

  mlir::OpBuilder builder;
  mlir::Location location;
  Schedule schedule;
  int64_t maxRows;
  int64_t wideFrom;
};

/// Reference to a packed weight; null for null.
mlir::FlatSymbolRefAttr referTo(gemma::PackedOp packed);

inline gemma::BufferType typeOf(mlir::Value buffer) { return mlir::cast<gemma::BufferType>(buffer.getType()); }

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_STEPEMITTER_H
