// Buffers and the steps that several fused ops need.
#include "passes/plan/StepEmitter.h"

#include "dialects/formats/CacheLayout.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

FlatSymbolRefAttr referTo(PackedOp packed) {
  return packed ? FlatSymbolRefAttr::get(packed.getSymNameAttr()) : FlatSymbolRefAttr();
}

static bool isQuantized(const Reader &reader) { return formatInfo(reader.format).quantized; }

StepEmitter::StepEmitter(FunctionOp function, const Schedule &schedule, int64_t wideFrom)
    : builder(OpBuilder::atBlockEnd(&function.getBody().front())), location(function.getLoc()), schedule(schedule),
      maxRows(static_cast<int64_t>(function.getMaxRows())), wideFrom(wideFrom) {}

Value StepEmitter::buffer(Scope scope, int64_t rows, int64_t width, Element element, StringRef label) {
  auto type = BufferType::get(builder.getContext(), rows, roundUp(width, groupColumns), element);
  StringAttr labelAttr = label.empty() ? StringAttr() : builder.getStringAttr(label);
  return BufferOp::create(builder, location, type, scope, /*offset=*/IntegerAttr(), labelAttr,
                          /*block=*/IntegerAttr(), /*ring=*/IntegerAttr());
}

Value StepEmitter::sharedBuffer(int64_t width, int64_t perRow, Element element) {
  return buffer(Scope::Shared, maxRows * perRow, width, element, "");
}

Value StepEmitter::rowBuffer(int64_t width, Element element, int64_t perRow, StringRef label) {
  return buffer(schedule.rowScope(), maxRows * perRow, width, element, label);
}

Value StepEmitter::privateBuffer(int64_t width, int64_t perRow) {
  return buffer(Scope::Private, maxRows * perRow, width, Element::F32, "");
}

Value StepEmitter::ringBuffer(int64_t width, int64_t perRow) {
  constexpr int64_t rows = 4; // three are read at a time
  Value ring = privateBuffer(width, perRow);
  ring.getDefiningOp<BufferOp>().setRing(rows);
  return ring;
}

Value StepEmitter::keysAndValues(int64_t perRow, int64_t kvHeads, int64_t padded, bool words) {
  return buffer(Scope::Shared, encoderMemoryRows(maxRows * perRow, words), encoderMemoryWidth(kvHeads, padded, words),
                words ? Element::I32 : Element::F32, "");
}

Value StepEmitter::rowResult(Value input, const Reader &reader) {
  bool wide = formatInfo(reader.format).bits >= wideFrom;
  Element element = !isQuantized(reader) ? Element::F32
                    : reader.staticScale ? Element::S8
                    : wide               ? Element::Q16
                                         : Element::Q8;
  return rowBuffer(typeOf(input).getWidth(), element, perRowOf(input));
}

Value StepEmitter::norm(Value input, PackedOp weight, const Reader &reader, FloatAttr eps, int64_t count,
                        FloatAttr factor, FloatAttr limit) {
  Value result = rowResult(input, reader);
  NormStep::create(builder, location, input, result, referTo(weight), factor ? factor : builder.getF64FloatAttr(1.0),
                   eps, builder.getI64IntegerAttr(count), reader.staticScale, reader.within, limit, replicated());
  return result;
}

Value StepEmitter::operand(Value input, const Reader &reader) {
  if (!isQuantized(reader) && !reader.staticScale && !reader.within)
    return input;
  Value result = rowResult(input, reader);
  QuantizeStep::create(builder, location, input, result, reader.staticScale, reader.within, replicated());
  return result;
}

Value StepEmitter::attention(Value query, KvCacheOp cache, int64_t heads, PackedOp keyNorm, UnitAttr blocks,
                             const Reader &reader) {
  auto name = FlatSymbolRefAttr::get(cache.getSymNameAttr());
  auto count = builder.getI64IntegerAttr(heads);
  if (!schedule.splitsKeys() || blocks) {
    AttentionStep::create(builder, location, query, /*result=*/query, name, count, blocks, referTo(keyNorm));
    return operand(query, reader);
  }
  Value parts =
      buffer(Scope::Shared, cache.getMostSplits(), splitResultWidth(heads, cache.getPaddedHeadDim()), Element::F32, "");
  AttentionSplitsStep::create(builder, location, query, parts, name, count, referTo(keyNorm));
  // The merge does not clamp: a step of its own does where it must.
  const Reader merged = reader.within ? Reader(Format::F32) : reader;
  Value result = rowResult(query, merged);
  AttentionMergeStep::create(builder, location, parts, name, result, count, merged.staticScale, replicated());
  return reader.within ? operand(result, reader) : result;
}

Value StepEmitter::matmul(Value input, PackedOp weight) {
  bool geglu = weight.getInterleave();
  Value result = sharedBuffer(geglu ? weight.getRows() / 2 : weight.getRows(), perRowOf(input));
  auto epilogue = EpilogueAttr::get(builder.getContext(), geglu ? Epilogue::GeGlu : Epilogue::None);
  MatmulStep::create(builder, location, input, referTo(weight), result, /*factor=*/Value(), epilogue,
                     builder.getI64IntegerAttr(0), /*cap=*/FloatAttr());
  return result;
}

Value StepEmitter::geluMul(Value input, PackedOp weight, Value factor, int64_t offset) {
  Value result = sharedBuffer(weight.getRows(), perRowOf(input));
  MatmulStep::create(builder, location, input, referTo(weight), result, factor,
                     EpilogueAttr::get(builder.getContext(), Epilogue::GeluMul), builder.getI64IntegerAttr(offset),
                     /*cap=*/FloatAttr());
  return result;
}

void StepEmitter::addNorm(Value input, Value branch, Value result, PackedOp weight, PackedOp layerScale, FloatAttr eps,
                          int64_t count, FloatAttr limit, FloatAttr factor) {
  AddNormStep::create(builder, location, input, branch, result, referTo(weight), referTo(layerScale), eps,
                      builder.getI64IntegerAttr(count), limit, factor, replicated());
}

} // namespace gemmac
