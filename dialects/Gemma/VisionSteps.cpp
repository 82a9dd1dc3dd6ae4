// Level 2 of the vision tower: what its steps read and write, and their verifiers.
#include "dialects/Gemma/StepCheck.h"
#include "dialects/formats/CacheLayout.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

/// The places of `rows` rows.
static LogicalResult checkPlaces(const StepCheck &check, Buffer places, int64_t rows) {
  return check.buffer(places, "places", rows, groupColumns, Element::I32);
}

/// Keys and values of `rows` rows, as f32 or, in buffers of i32, as int16.
static LogicalResult checkMemory(const StepCheck &check, Buffer memory, int64_t rows, int64_t kvHeads, int64_t padded) {
  bool words = memory.getType().getElement() == Element::I32;
  return check.buffer(memory, "memory", encoderMemoryRows(rows, words), encoderMemoryWidth(kvHeads, padded, words),
                      words ? Element::I32 : Element::F32);
}

static LogicalResult checkHeads(Operation *op, int64_t heads, int64_t kvHeads) {
  if (heads % kvHeads == 0)
    return success();
  return op->emitOpError() << "expects heads to be a multiple of the " << kvHeads << " kv_heads, got " << heads;
}

//===--- affine, add_places, rope_places_table
//----------------------------------------------------------------------===//

Values AffineStep::getReads() { return {getInput()}; }
Values AffineStep::getWrites() { return {getResult()}; }

LogicalResult AffineStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getInput(), "input", Element::F32)) || // step_affine_c1
      failed(check.rowResult(getResult(), rowCount(getInput()), widthOf(getInput()), FloatAttr())))
    return failure();
  return check.atMost("count", getCount(), widthOf(getInput()), "the width"); // step_affine_c3
}

Values AddPlacesStep::getReads() { return {getInput(), getPlaces()}; }
Values AddPlacesStep::getWrites() { return {getResult()}; }
Weights AddPlacesStep::getWeightUses() {
  return {{getColumnsAttr(), WeightRole::Lookup}, {getRowsAttr(), WeightRole::Lookup}};
}

LogicalResult AddPlacesStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getInput());
  if (failed(check.element(getInput(), "input", Element::F32)) || // step_add_places_c1
      failed(check.buffer(getResult(), "result", rows, widthOf(getInput()), Element::F32)))
    return failure();
  return checkPlaces(check, getPlaces(), rows); // step_add_places_c1
}

LogicalResult AddPlacesStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  PackedOp columns = check.singleMatrix(getColumnsAttr(), "columns", widthOf(getInput()), /*interleave=*/false);
  PackedOp rows = check.singleMatrix(getRowsAttr(), "rows", widthOf(getInput()), /*interleave=*/false);
  if (!columns || !rows) // step_add_places_c2
    return failure();
  if (columns.getRows() != rows.getRows()) // step_add_places_c2
    return emitOpError() << "expects tables of as many rows, got " << columns.getRows() << " and " << rows.getRows();
  if (getAlternating() && getColumnsAttr() != getRowsAttr()) // step_add_places_c2
    return emitOpError() << "expects one table to alternate, got " << getColumnsAttr() << " and " << getRowsAttr();
  return success();
}

Values RopePlacesTableStep::getReads() { return {getPlaces()}; }
Values RopePlacesTableStep::getWrites() { return {getResult()}; }

LogicalResult RopePlacesTableStep::verify() {
  StepCheck check(*this);
  if (getHeadDim() % 4 != 0) // step_rope_places_table_c2
    return emitOpError() << "expects a head_dim that is a multiple of 4, got " << getHeadDim();
  int64_t rows = rowCount(getResult());
  if (failed(checkPlaces(check, getPlaces(), rows))) // step_rope_places_table_c1
    return failure();
  return check.buffer(getResult(), "result", rows, paddedHeadDim(getHeadDim()),
                      Element::F32); // step_rope_places_table_c1
}

//===--- encoder_qkv, encoder_attention
//-----------------------------------------------------------------------------===//

Values EncoderQkvStep::getReads() { return {getInput(), getRopeTable()}; }
Values EncoderQkvStep::getWrites() { return {getQuery(), getMemory(), getRaw()}; }
Value EncoderQkvStep::getOwnBuffer() { return getRaw(); }
bool EncoderQkvStep::isRowWise() { return true; }
Weights EncoderQkvStep::getWeightUses() {
  return with({getWeightAttr(), WeightRole::Product, getInput()}, vectors({getQNormAttr(), getKNormAttr()}));
}

LogicalResult EncoderQkvStep::verify() {
  StepCheck check(*this);
  int64_t heads = getHeads(), kvHeads = getKvHeads(), d = paddedHeadDim(getHeadDim()), rows = rowCount(getInput());
  if (failed(checkHeads(*this, heads, kvHeads)) ||                                 // step_encoder_qkv_c4
      failed(check.buffer(getQuery(), "query", rows, heads * d, Element::F32)) ||  // step_encoder_qkv_c2
      failed(check.buffer(getRaw(), "raw", rows, d, Element::F32)) ||              // step_encoder_qkv_c2
      failed(check.buffer(getRopeTable(), "rope_table", rows, d, Element::F32)) || // step_encoder_qkv_c2
      failed(checkMemory(check, getMemory(), rows, kvHeads, d)))                   // step_encoder_qkv_c3
    return failure();
  auto raw = getRaw().getDefiningOp<BufferOp>();
  if (raw && raw.getScope() != Scope::Private) // step_encoder_qkv_c2
    return emitOpError() << "expects raw to be private, got a shared buffer";
  return success();
}

LogicalResult EncoderQkvStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  int64_t d = paddedHeadDim(getHeadDim()), rows = (getHeads() + 2 * getKvHeads()) * d;
  PackedOp weight = check.singleMatrix(getWeightAttr(), "weight", widthOf(getInput()), /*interleave=*/false);
  if (!weight || failed(check.activations(getInput(), weight))) // step_encoder_qkv_c1
    return failure();
  if (static_cast<int64_t>(weight.getRows()) != rows) // step_encoder_qkv_c1
    return emitOpError() << "expects a weight of " << rows << " rows (" << d << " for each head), got "
                         << weight.getRows();
  if (failed(check.vector(getQNormAttr(), "q_norm", d))) // step_encoder_qkv_c2
    return failure();
  return check.vector(getKNormAttr(), "k_norm", d); // step_encoder_qkv_c2
}

bool EncoderAttentionStep::updatesInPlace() { return true; }
Values EncoderAttentionStep::getReads() { return {getQuery(), getMemory()}; }
Values EncoderAttentionStep::getWrites() { return {getResult()}; }

LogicalResult EncoderAttentionStep::verify() {
  StepCheck check(*this);
  int64_t heads = getHeads(), kvHeads = getKvHeads(), d = paddedHeadDim(getHeadDim()), rows = rowCount(getQuery());
  if (failed(checkHeads(*this, heads, kvHeads)) ||                                // step_encoder_attention_c3
      failed(check.buffer(getQuery(), "query", rows, heads * d, Element::F32)) || // step_encoder_attention_c1
      failed(check.buffer(getResult(), "result", rows, heads * d, Element::F32))) // step_encoder_attention_c1
    return failure();
  return checkMemory(check, getMemory(), rows, kvHeads, d); // step_encoder_attention_c2
}

LogicalResult EncoderAttentionStep::verifySymbolUses(SymbolTableCollection &) { return success(); }

//===--- pool
//-------------------------------------------------------------------------------------------------------===//

Values PoolStep::getReads() { return {getInput()}; }
Values PoolStep::getWrites() { return {getResult()}; }
Weights PoolStep::getWeightUses() { return vectors({getBiasAttr(), getScaleAttr()}); }

LogicalResult PoolStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getResult()), width = widthOf(getResult());
  if ((getBiasAttr() != nullptr) != (getScaleAttr() != nullptr)) // step_pool_c3
    return emitOpError() << "expects bias and scale together or not at all";
  if (failed(check.element(getResult(), "result", Element::F32))) // step_pool_c1
    return failure();
  return check.buffer(getInput(), "input", rows * getCount(), width, Element::F32); // step_pool_c1
}

LogicalResult PoolStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  if (failed(check.vector(getBiasAttr(), "bias", widthOf(getInput())))) // step_pool_c3
    return failure();
  return check.vector(getScaleAttr(), "scale", widthOf(getInput())); // step_pool_c3
}
