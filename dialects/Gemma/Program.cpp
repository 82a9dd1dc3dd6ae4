// The facts of a program, and what a function shares with its caller.
#include "dialects/Gemma/GemmaDialect.h"
#include "dialects/formats/Format.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;

//===--- Attributes on ops of other dialects
//------------------------------------------------------------------------===//

static bool isPositiveInteger(Attribute attribute) {
  auto integer = dyn_cast<IntegerAttr>(attribute);
  return integer && integer.getType().isInteger(64) && integer.getInt() > 0;
}

static LogicalResult verifyModelField(Operation *op, NamedAttribute field) {
  StringRef name = field.getName().getValue();
  if (llvm::is_contained({"name", "architecture"}, name))
    return isa<StringAttr>(field.getValue()) ? success()
                                             : op->emitError()
                                                   << "expects '" << name << "' of 'gemma.model' to be a string, got "
                                                   << field.getValue();
  if (!llvm::is_contained({"vocab", "hidden", "layers", "context"}, name))
    return op->emitError() << "expects name, architecture, vocab, hidden, layers and context in 'gemma.model', got '"
                           << name << "'";
  return isPositiveInteger(field.getValue()) ? success()
                                             : op->emitError() << "expects '" << name
                                                               << "' of 'gemma.model' to be a positive i64, got "
                                                               << field.getValue();
}

LogicalResult GemmaDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  Attribute value = attribute.getValue();
  if (name == "gemma.model") {
    auto model = dyn_cast<DictionaryAttr>(value);
    if (!model || !isa<ModuleOp>(op))
      return op->emitError("expects 'gemma.model' to be a dictionary on a module");
    for (NamedAttribute field : model)
      if (failed(verifyModelField(op, field)))
        return failure();
    return success();
  }
  if (name != "gemma.max_rows")
    return op->emitError() << "expects 'gemma.model' or 'gemma.max_rows', got the attribute '" << name << "'";
  return isPositiveInteger(value) ? success()
                                  : op->emitError() << "expects 'gemma.max_rows' to be a positive i64, got " << value;
}

/// Rows that a function shares with its caller.
static LogicalResult verifyNamedRows(Operation *op, Attribute name, Type type, bool takesIntegers, StringRef what) {
  auto text = dyn_cast<StringAttr>(name);
  if (!text || text.empty())
    return op->emitError() << "expects 'gemma.name' to be a string that is not empty, got " << name;
  auto rows = dyn_cast<RankedTensorType>(type);
  if (rows && rows.getRank() == 2 && !rows.isDynamicDim(1) &&
      (rows.getElementType().isF32() || (takesIntegers && rows.getElementType().isInteger(32))))
    return success();
  return op->emitError() << "expects " << what << " " << text << " to be [rows, static width] of f32"
                         << (takesIntegers ? " or i32" : "") << ", got " << type;
}

LogicalResult GemmaDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned index,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  StringRef name = attribute.getName().getValue();
  if (function && name == "gemma.name")
    return verifyNamedRows(op, attribute.getValue(), function.getArgumentTypes()[index], true, "argument");
  if (!function || name != "gemma.per_row")
    return op->emitError() << "expects 'gemma.name' or 'gemma.per_row' on an argument, got the attribute '" << name
                           << "'";
  if (!isPositiveInteger(attribute.getValue()))
    return op->emitError() << "expects 'gemma.per_row' to be a positive i64, got " << attribute.getValue();
  if (!function.getArgAttr(index, "gemma.name"))
    return op->emitError() << "expects 'gemma.name' beside 'gemma.per_row' of argument " << index;
  return success();
}

LogicalResult GemmaDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned index,
                                                        NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  StringRef name = attribute.getName().getValue();
  if (function && name == "gemma.name")
    return verifyNamedRows(op, attribute.getValue(), function.getResultTypes()[index], false, "result");
  return op->emitError() << "expects 'gemma.name' on a result, got the attribute '" << name << "'";
}

//===--- gemma.program
//----------------------------------------------------------------------------------------------===//

LogicalResult ProgramOp::verify() {
  if (getSlotBytes() % bufferAlign != 0) // program_c2
    return emitOpError() << "expects slot_bytes to be a multiple of " << bufferAlign << ", got " << getSlotBytes();
  if (std::optional<uint64_t> moments = getMomentsAt(); moments && (*moments > getSlotBytes() || getSlots() != 1))
    return emitOpError() << "expects moments_at inside of the " << getSlotBytes() // program_c3
                         << " bytes of one slot, got " << *moments << " and " << getSlots() << " slots";
  if (std::optional<uint64_t> bits = getActivationBits(); bits && *bits != 8 && *bits != 16) // program_c4
    return emitOpError() << "expects activation_bits 8 or 16, got " << *bits;
  bool data = getDataBytes().has_value();
  if (getMappedBytes().has_value() != data || getTableRowBytes().has_value() != data) // program_c5
    return emitOpError(
        "expects data_bytes, mapped_bytes and table_row_bytes together: gemma-plan-steps sets all three");
  if (data && *getMappedBytes() > *getDataBytes()) // program_c5
    return emitOpError() << "expects mapped_bytes within the " << *getDataBytes() << " data_bytes, got "
                         << *getMappedBytes();
  if (getArenaBytes().has_value() != getScratchBytes().has_value()) // program_c6
    return emitOpError("expects arena_bytes and scratch_bytes together: gemma-place-buffers sets both");
  return success();
}

LogicalResult ProgramOp::verifySymbolUses(SymbolTableCollection &) {
  auto module = cast<ModuleOp>((*this)->getParentOp());
  for (Operation &op : *module.getBody()) {
    if (auto other = dyn_cast<ProgramOp>(op); other && other != *this) // program_c1
      return emitOpError("expects to be the only one of its module").attachNote(op.getLoc()) << "the other one";
    auto cache = dyn_cast<KvCacheOp>(op);
    if (cache && cache.getOffset() && *cache.getOffset() + *cache.getBytes() > getSlotBytes()) // program_c2
      return emitOpError() << "expects @" << cache.getSymName() << ", which ends at "
                           << *cache.getOffset() + *cache.getBytes() << ", within slot_bytes " << getSlotBytes();
    auto function = dyn_cast<FunctionOp>(op);
    if (function && getArenaBytes() && // program_c6
        (function.getArenaBytes().value_or(0) > *getArenaBytes() ||
         function.getScratchBytes().value_or(0) > *getScratchBytes()))
      return emitOpError() << "expects arena_bytes and scratch_bytes that suffice for @" << function.getSymName()
                           << ", which needs " << function.getArenaBytes().value_or(0) << " and "
                           << function.getScratchBytes().value_or(0);
  }
  return success();
}

ProgramOp ProgramOp::of(ModuleOp module) {
  auto programs = module.getOps<ProgramOp>();
  if (!programs.empty())
    return *programs.begin();
  module.emitError("has no gemma.program; run gemma-plan-caches first");
  return {};
}

//===--- gemma.input, gemma.output
//----------------------------------------------------------------------------------===//

static LogicalResult verifyValue(Operation *op, StringRef name, Value value) {
  auto buffer = value.getDefiningOp<BufferOp>();
  if (!buffer || buffer.getScope() != Scope::Shared) // input_c1, output_c1
    return op->emitOpError("expects a shared buffer: the caller has no scratch of threads");
  if (name.empty()) // input_c2, output_c2
    return op->emitOpError("expects a name, got an empty one");
  return success();
}

LogicalResult InputOp::verify() { return verifyValue(*this, getName(), getBuffer()); }
LogicalResult OutputOp::verify() { return verifyValue(*this, getName(), getBuffer()); }
