// The frame of a function: its ops in order, their values, its outputs.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

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
  return isa<BlockArgument>(value) && type && type.getElementType().isInteger(32);
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
  if (lastRopeTable)
    builder.setInsertionPointAfter(lastRopeTable);
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

LogicalResult FunctionBuilder::checkArgument(Operation *op, Value value, unsigned index, StringRef what) {
  if (index < source.getNumArguments() && value == source.getArgument(index))
    return success();
  return op->emitOpError() << what << " must be argument " << index << " of '@" << source.getName()
                           << "': steps read those of the call";
}

Value FunctionBuilder::residualOf(Operation *op, Value stream) {
  bool readLater = llvm::any_of(stream.getUsers(), [&](Operation *user) { return op->isBeforeInBlock(user); });
  return readLater ? steps.rowBuffer(widthOf(stream)) : buffers.lookup(stream);
}

LogicalResult FunctionBuilder::emitOutputs(func::ReturnOp op) {
  for (Value value : op.getOperands())
    if (op.getNumOperands() != 1 || !value.getDefiningOp<HeadOp>())
      return op.emitOpError("of function '@")
             << source.getName() << "' returns other than the logits of one gemma.head";
  for (Value logits : op.getOperands())
    OutputOp::create(steps.getBuilder(), op.getLoc(), "logits", buffers.lookup(logits));
  return success();
}

} // namespace gemmac
