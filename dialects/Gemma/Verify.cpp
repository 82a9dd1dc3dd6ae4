#include "dialects/Gemma/Verify.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace gemmac::gemma::verify {

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      os << "?";
    else
      os << size;
  });
  os << "]";
  return text;
}

LogicalResult checkWeights(Operation *op, SymbolTableCollection &symbols, ArrayRef<WeightRule> rules) {
  for (const WeightRule &rule : rules) {
    if (!rule.name)
      continue;
    auto weight = lookUp<WeightOp>(op, symbols, rule.name, rule.role);
    if (!weight)
      return failure();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
    if (shape == ArrayRef<int64_t>(rule.shape))
      continue;
    InFlightDiagnostic error = op->emitOpError() << "expects " << rule.role << " of shape " << shapeText(rule.shape)
                                                 << " (" << rule.meaning << "), got " << shapeText(shape);
    error.attachNote(weight.getLoc()) << rule.name << " is defined here";
    return error;
  }
  return success();
}

RankedTensorType lookUpWeightType(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr name, StringRef role,
                                  int64_t rank) {
  auto weight = lookUp<WeightOp>(op, symbols, name, role);
  if (!weight)
    return nullptr;
  auto type = cast<RankedTensorType>(weight.getType());
  if (type.getRank() == rank)
    return type;
  op->emitOpError() << "expects " << role << " of rank " << rank << ", got " << type;
  return nullptr;
}

LogicalResult checkSameRows(Operation *op, ValueRange values, ArrayRef<StringRef> roles) {
  int64_t rows = ShapedType::kDynamic;
  StringRef first;
  for (auto [value, role] : llvm::zip_equal(values, roles)) {
    int64_t found = cast<RankedTensorType>(value.getType()).getDimSize(0);
    if (ShapedType::isDynamic(found) || found == rows)
      continue;
    if (!ShapedType::isDynamic(rows))
      return op->emitOpError() << "expects " << role << " with " << rows << " rows, as " << first << " has, got "
                               << found;
    rows = found;
    first = role;
  }
  return success();
}

LogicalResult checkQueryHeads(Operation *op, KvCacheOp cache, int64_t heads, int64_t width) {
  int64_t cacheHeads = cache.getHeads(), headDim = cache.getHeadDim();
  if (heads % cacheHeads != 0)
    return op->emitOpError() << "expects heads to be a multiple of the " << cacheHeads << " heads of @"
                             << cache.getSymName() << ", got " << heads;
  if (heads * headDim != width)
    return op->emitOpError() << "expects a query of width " << heads * headDim << " (" << heads << " heads of "
                             << headDim << ", the head size of @" << cache.getSymName() << "), got " << width;
  return success();
}

LogicalResult checkBlocks(Operation *op, KvCacheOp cache, bool blocks) {
  if (!blocks || cache.getWindow() > 0)
    return success();
  return op->emitOpError() << "expects a cache with a window, since it has blocks, got @" << cache.getSymName()
                           << " without one";
}

LogicalResult checkRope(Operation *op, RopeAttr rope, int64_t headDim) {
  if (headDim % 2 != 0)
    return op->emitOpError() << "expects an even head size, got " << headDim;
  if (rope.getPairs() > headDim / 2)
    return op->emitOpError() << "expects at most " << headDim / 2 << " rope pairs (half the head size), got "
                             << rope.getPairs();
  return success();
}

} // namespace gemmac::gemma::verify
