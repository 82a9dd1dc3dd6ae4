// What the builders of a module's functions share: ops at a named place, and weights, whose symbols are made at first
// use.
#ifndef GEMMAC_COMPILER_IMPORT_FUNCTIONMAKER_H
#define GEMMAC_COMPILER_IMPORT_FUNCTIONMAKER_H

#include "compiler/import/Model.h"
#include "dialects/Gemma/GemmaDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

namespace gemmac {

/// The weights of one module, by the checkpoint's names.
class WeightSymbols {
public:
  /// \param ops  stands where symbols go.
  WeightSymbols(const Checkpoint &checkpoint, mlir::OpBuilder ops) : checkpoint(checkpoint), ops(ops) {}

  /// A reference to a tensor of the text model or of a tower. One that is missing is an error.
  mlir::FlatSymbolRefAttr get(mlir::Location location, const std::string &name);
  bool has(const std::string &name) const { return checkpoint.tensors.count(name); }
  mlir::OpBuilder &builder() { return ops; }
  /// Fails after errors, also for a tensor that the configuration asks for and the arithmetic ignores: that would be a
  /// silent mistake.
  mlir::LogicalResult check(mlir::Location location);

private:
  void create(mlir::Location location, const std::string &name, const TensorSource &source);

  const Checkpoint &checkpoint;
  mlir::OpBuilder ops;
  llvm::StringSet<> used;
  bool complete = true;
};

/// Builds the body of one function.
class FunctionMaker {
public:
  FunctionMaker(mlir::MLIRContext &context, WeightSymbols &weights, double rmsEpsilon)
      : ops(&context), loc(mlir::UnknownLoc::get(&context)), weights(weights), rmsEpsilon(rmsEpsilon) {}

protected:
  using Value = mlir::Value;

  /// Names what the next ops belong to, for diagnostics and remarks.
  void at(const llvm::Twine &place) { loc = mlir::NameLoc::get(ops.getStringAttr(place)); }
  mlir::FlatSymbolRefAttr weight(const llvm::Twine &name) { return weights.get(loc, name.str()); }
  mlir::RankedTensorType rows(int64_t width, mlir::Type element) {
    return mlir::RankedTensorType::get({mlir::ShapedType::kDynamic, width}, element);
  }
  mlir::RankedTensorType rows(int64_t width) { return rows(width, ops.getF32Type()); }
  mlir::IntegerAttr count(int64_t value) { return ops.getI64IntegerAttr(value); }
  mlir::FloatAttr number(double value) { return ops.getF64FloatAttr(value); }

  Value norm(Value input, const llvm::Twine &name) { return norm(input, weight(name + ".weight"), 1); }
  /// \param weight null: none.
  Value norm(Value input, mlir::FlatSymbolRefAttr weight, int64_t groups);
  Value linear(Value input, const llvm::Twine &name, int64_t width);
  Value add(Value a, Value b) { return gemma::AddOp::create(ops, loc, a.getType(), a, b); }
  Value scale(Value input, double factor) {
    return gemma::ScaleOp::create(ops, loc, input.getType(), input, number(factor));
  }

  /// What the caller of a function gives.
  struct Argument {
    mlir::Type type;
    llvm::StringRef name;
    int64_t perRow; ///< rows of it for each row of the call
  };
  /// `func @name(arguments) -> soft_tokens [rows, width]`, behind all weights; ops go into it from now on.
  mlir::func::FuncOp beginEncoder(llvm::StringRef name, llvm::ArrayRef<Argument> arguments, int64_t width);

  mlir::OpBuilder ops; ///< inside the function
  mlir::Location loc;
  WeightSymbols &weights;
  double rmsEpsilon;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_FUNCTIONMAKER_H
