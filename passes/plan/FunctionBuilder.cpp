// The frame of a function: its ops in order, their values, its outputs.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"
#include "gemmac/program.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

namespace {

/// plan() of whichever fused op this is; nothing for an op that is none.
template <typename... Ops> struct FusedSwitch {
  static std::optional<LogicalResult> planFused(Operation &op, FunctionBuilder &builder) {
    std::optional<LogicalResult> result;
    auto tryTo = [&](auto fused) {
      if (fused)
        result = plan(fused, builder);
    };
    (tryTo(dyn_cast<Ops>(op)), ...);
    return result;
  }
};

} // namespace

LogicalResult FunctionBuilder::build() {
  if (!llvm::hasSingleElement(source.getBody()))
    return source.emitError("function '@") << source.getName() << "' is not one block of straight code";
  emitInputs();
  for (Operation &op : source.getBody().front()) {
    steps.setLocation(op.getLoc());
    if (failed(emit(&op)))
      return failure();
  }
  return success();
}

/// Ids or positions, which have no buffer.
static bool isInputOfCall(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return isa<BlockArgument>(value) && type && type.getRank() == 1 && type.getElementType().isInteger(32);
}

void FunctionBuilder::emitInputs() {
  for (BlockArgument argument : source.getArguments()) {
    auto name = source.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "gemma.name");
    if (!name)
      continue;
    auto perRow = source.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "gemma.per_row");
    auto type = cast<RankedTensorType>(argument.getType()); // as the dialect verifies
    const Element element = type.getElementType().isF32() ? Element::F32 : Element::I32;
    Value buffer = buffers[argument] = steps.sharedBuffer(type.getDimSize(1), perRow ? perRow.getInt() : 1, element);
    lastInput = InputOp::create(steps.getBuilder(), argument.getLoc(), name.getValue(), buffer);
  }
}

LogicalResult FunctionBuilder::emit(Operation *op) {
  for (auto [index, value] : llvm::enumerate(op->getOperands()))
    if (!isInputOfCall(value) && !buffers.contains(value))
      return op->emitOpError() << "operand " << index << " is made by no step of function '@" << source.getName()
                               << "'";
  if (auto returned = dyn_cast<func::ReturnOp>(op))
    return emitOutputs(returned);
  if (std::optional<LogicalResult> planned = OfFusedOps<FusedSwitch>::planFused(*op, *this))
    return *planned;
  return op->emitOpError("is not an op that functions are made of; run the gemma-fuse passes first");
}

Value FunctionBuilder::ropeTable(RopeAttr rope, IntegerAttr headDim) {
  Value &table = ropeTables[{rope, headDim}];
  if (table)
    return table;
  OpBuilder &builder = steps.getBuilder();
  OpBuilder::InsertionGuard guard(builder);
  if (Operation *before = lastRopeTable ? lastRopeTable : lastInput)
    builder.setInsertionPointAfter(before);
  else
    builder.setInsertionPointToStart(builder.getBlock());
  table = steps.rowBuffer(paddedHeadDim(headDim.getInt()));
  lastRopeTable = RopeTableStep::create(builder, steps.getLocation(), table, headDim, rope, steps.replicated());
  return table;
}

Value FunctionBuilder::sinusoids(int64_t half) {
  Value &rows = sinusoidRows[half];
  if (rows)
    return rows;
  rows = steps.rowBuffer(2 * roundUp(half, panelRows));
  OpBuilder &builder = steps.getBuilder();
  SinusoidsStep::create(builder, steps.getLocation(), rows, builder.getI64IntegerAttr(half), steps.replicated());
  return rows;
}

Value FunctionBuilder::placesTable(Value places, FloatAttr theta, IntegerAttr headDim) {
  Value &table = placesTables[{theta, headDim}];
  if (table)
    return table;
  table = steps.rowBuffer(paddedHeadDim(headDim.getInt()), Element::F32, steps.perRowOf(places));
  RopePlacesTableStep::create(steps.getBuilder(), steps.getLocation(), places, table, headDim, theta,
                              steps.replicated());
  return table;
}

LogicalResult FunctionBuilder::checkArgument(Operation *op, Value value, unsigned index, StringRef what) {
  if (index < source.getNumArguments() && value == source.getArgument(index))
    return success();
  return op->emitOpError() << what << " must be argument " << index << " of '@" << source.getName()
                           << "': steps read those of the call";
}

Value FunctionBuilder::residualOf(Operation *op, Value stream) {
  bool readLater = llvm::any_of(stream.getUsers(), [&](Operation *user) { return op->isBeforeInBlock(user); });
  Value old = buffers.lookup(stream);
  return readLater ? steps.rowBuffer(widthOf(stream), Element::F32, steps.perRowOf(old)) : old;
}

LogicalResult FunctionBuilder::emitOutputs(func::ReturnOp op) {
  for (auto [index, value] : llvm::enumerate(op.getOperands())) {
    auto name = source.getResultAttrOfType<StringAttr>(static_cast<unsigned>(index), "gemma.name");
    if (!name && !value.getDefiningOp<HeadOp>())
      return op.emitOpError("of function '@")
             << source.getName() << "' gives result " << index
             << " no 'gemma.name', which only the logits of a gemma.head need not have";
    OutputOp::create(steps.getBuilder(), op.getLoc(), name ? name.getValue() : GEMMAC_LOGITS, buffers.lookup(value));
  }
  return success();
}

} // namespace gemmac
