#include "compiler/import/FunctionMaker.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {

/// What the values of an encoding are; those of blocks become f32.
static Type elementType(Encoding encoding, Builder &builder) {
  switch (encoding) {
  case Encoding::F16:
    return builder.getF16Type();
  case Encoding::BF16:
    return builder.getBF16Type();
  default:
    return builder.getF32Type();
  }
}

/// Null where the element type says it all.
static EncodingAttr encodingAttribute(Encoding encoding, Builder &builder) {
  return encodingInfo(encoding).isBlock() ? EncodingAttr::get(builder.getContext(), encoding) : EncodingAttr();
}

static DenseF64ArrayAttr boundsAttribute(const std::optional<ValueBounds> &bounds, Builder &builder) {
  return bounds ? builder.getDenseF64ArrayAttr({bounds->least, bounds->most}) : DenseF64ArrayAttr();
}

void WeightSymbols::create(Location loc, const std::string &name, const TensorSource &source) {
  auto type = TypeAttr::get(RankedTensorType::get(source.shape, elementType(source.encoding, ops)));
  if (!source.pieces.empty()) {
    SmallVector<Attribute> pieces;
    for (const std::string &piece : source.pieces) {
      create(loc, piece, checkpoint.pieces.at(piece));
      pieces.push_back(FlatSymbolRefAttr::get(ops.getContext(), piece));
    }
    WeightOp::create(ops, loc, ops.getStringAttr(name), type, SourceAttr(), ops.getArrayAttr(pieces), EncodingAttr(),
                     ScalesAttr(), FormatAttr(), FloatAttr(), FloatAttr(), FloatAttr(), DenseF64ArrayAttr(),
                     DenseF64ArrayAttr(), UnitAttr(), IntegerAttr(), IntegerAttr());
    return;
  }
  auto fileName = [&](uint32_t file) { return ops.getStringAttr(checkpoint.files[file]); };
  auto place = SourceAttr::get(ops.getContext(), fileName(source.file), source.offset, source.bytes);
  ScalesAttr scales;
  if (source.scales)
    scales = ScalesAttr::get(ops.getContext(), fileName(source.scales->file), source.scales->offset,
                             source.scales->bytes, source.scales->encoding, source.scales->columns);
  auto unlessZero = [&](double value) { return value == 0 ? FloatAttr() : ops.getF64FloatAttr(value); };
  auto unlessOne = [&](int64_t value) { return value == 1 ? IntegerAttr() : ops.getI64IntegerAttr(value); };
  WeightOp::create(ops, loc, ops.getStringAttr(name), type, place, ArrayAttr(), encodingAttribute(source.encoding, ops),
                   scales, FormatAttr(), unlessZero(source.addend), unlessZero(source.activations.input),
                   unlessZero(source.activations.output), boundsAttribute(source.reads, ops),
                   boundsAttribute(source.gives, ops), source.softplus ? ops.getUnitAttr() : UnitAttr(),
                   unlessOne(source.planes), unlessOne(source.rowPlanes));
}

FlatSymbolRefAttr WeightSymbols::get(Location location, const std::string &name) {
  auto text = checkpoint.tensors.find(name), tower = checkpoint.towerTensors.find(name);
  bool isText = text != checkpoint.tensors.end();
  if (!isText && tower == checkpoint.towerTensors.end()) {
    emitError(location) << "the checkpoint has no tensor '" << name << "'";
    complete = false;
  } else if (used.insert(name).second) {
    create(location, name, isText ? text->second : tower->second);
  }
  return FlatSymbolRefAttr::get(ops.getContext(), name);
}

LogicalResult WeightSymbols::check(Location location) {
  for (const auto *tensors : {&checkpoint.tensors, &checkpoint.towerTensors})
    for (const auto &[name, source] : *tensors)
      if (!used.contains(name)) {
        emitError(location) << "tensor '" << name << "' of the checkpoint is not used by the model";
        complete = false;
      }
  return success(complete);
}

Value FunctionMaker::norm(Value input, FlatSymbolRefAttr weight, int64_t groups) {
  return RmsNormOp::create(ops, loc, input.getType(), input, weight, count(groups), number(rmsEpsilon));
}

Value FunctionMaker::linear(Value input, const Twine &name, int64_t width) {
  return LinearOp::create(ops, loc, rows(width), input, weight(name + ".weight"));
}

func::FuncOp FunctionMaker::beginEncoder(StringRef name, ArrayRef<Argument> arguments, int64_t width) {
  auto types = llvm::map_to_vector(arguments, [](const Argument &argument) { return argument.type; });
  OpBuilder &symbols = weights.builder();
  OpBuilder::InsertionGuard guard(symbols);
  symbols.setInsertionPointToEnd(symbols.getBlock());
  auto function = func::FuncOp::create(symbols, loc, name, ops.getFunctionType(types, {rows(width)}));
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    function.setArgAttr(index, "gemma.name", ops.getStringAttr(argument.name));
    function.setArgAttr(index, "gemma.per_row", count(argument.perRow));
  }
  function.setResultAttr(0, "gemma.name", ops.getStringAttr(GEMMAC_SOFT_TOKENS));
  ops.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

} // namespace gemmac
