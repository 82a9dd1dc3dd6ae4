// Symbols: verifiers of gemma.weight, gemma.kv_cache, gemma.packed.
#include "dialects/Gemma/Syntax.h"
#include "dialects/Gemma/Verify.h"
#include "dialects/formats/CacheLayout.h"
#include "dialects/formats/Encoding.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;

Encoding WeightOp::getStoredEncoding() {
  if (std::optional<Encoding> encoding = getEncoding())
    return *encoding;
  Type element = cast<RankedTensorType>(getType()).getElementType();
  return element.isF32() ? Encoding::F32 : element.isF16() ? Encoding::F16 : Encoding::BF16;
}

/// Where the elements lie, for a weight with a source.
static LogicalResult verifySource(WeightOp op, RankedTensorType type) {
  Type element = type.getElementType();
  const EncodingInfo &stored = encodingInfo(op.getStoredEncoding());
  if (op.getEncoding() && !stored.isBlock()) // weight_c3
    return op.emitOpError() << "expects an encoding of blocks, got " << nameOf(stored.encoding)
                            << ", which is an element type";
  if (op.getEncoding() && !element.isF32()) // weight_c3
    return op.emitOpError() << "expects elements f32, which " << nameOf(stored.encoding) << " decodes to, got "
                            << element;
  int64_t columns = type.getRank() == 0 ? 1 : type.getShape().back();
  if (columns % stored.blockValues != 0) // weight_c3
    return op.emitOpError() << "expects a last dimension of whole blocks of " << stored.blockValues << " ("
                            << nameOf(stored.encoding) << "), got " << columns;
  int64_t bytes = sourceRowBytes(stored.encoding, type.getNumElements());
  if (op.getSource()->getBytes() != bytes) // weight_c2
    return op.emitOpError() << "expects a source of " << bytes << " bytes (" << type << " as "
                            << nameOf(stored.encoding) << "), got " << op.getSource()->getBytes();
  std::optional<ScalesAttr> scales = op.getScales();
  if (stored.integers != scales.has_value()) // weight_c4
    return op.emitOpError() << (scales ? "expects no scales, since " : "expects scales, since ")
                            << nameOf(stored.encoding)
                            << (scales ? " has none of its own" : " is an encoding of integers");
  if (!scales)
    return success();
  if (columns % scales->getColumns() != 0) // weight_c4
    return op.emitOpError() << "expects columns that share a scale to divide the last dimension " << columns << ", got "
                            << scales->getColumns();
  int64_t scaleBytes = type.getNumElements() / scales->getColumns() * encodingInfo(scales->getEncoding()).blockBytes;
  if (scales->getBytes() != scaleBytes) // weight_c4
    return op.emitOpError() << "expects scales of " << scaleBytes << " bytes, got " << scales->getBytes();
  return success();
}

LogicalResult WeightOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  Type element = type.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16()) // weight_c1
    return emitOpError() << "expects elements f32, f16 or bf16, got " << element;
  if (!type.hasStaticShape() || llvm::is_contained(type.getShape(), 0)) // weight_c1
    return emitOpError() << "expects a static shape without empty dimensions, got " << type;
  if (getSource().has_value() == getPieces().has_value()) // weight_c5
    return emitOpError() << "expects either a source or pieces, got " << (getSource() ? "both" : "neither");
  if (getPieces() && (getEncoding() || getScales())) // weight_c5
    return emitOpError() << "expects encoding and scales at the pieces, not at what is stacked from them";
  if (getAddendAttr() && (type.getRank() != 1 || !getSource())) // weight_c7
    return emitOpError() << "expects an addend only on a vector with a source, got " << type
                         << (getSource() ? "" : ", stacked");
  if ((getInputActivationScale() || getOutputActivationScale()) && type.getRank() != 2) // weight_c8
    return emitOpError() << "expects activation scales only on a weight of rank 2, got " << type;
  bool bounded = getReadsAttr() || getGivesAttr();
  if (bounded && (type.getRank() != 2 || getInputActivationScale() || getOutputActivationScale())) // weight_c9
    return emitOpError() << "expects bounds only on a weight of rank 2 without activation scales, got " << type;
  if (getSoftplus() && (type.getRank() != 1 || !getSource() || getAddendAttr())) // weight_c10
    return emitOpError() << "expects softplus only on a vector with a source and without an addend, got " << type;
  if (std::optional<uint64_t> planes = getPlanes()) {
    if (type.getShape().back() % static_cast<int64_t>(*planes) != 0) // weight_c11
      return emitOpError() << "expects planes that divide the last dimension " << type.getShape().back() << ", got "
                           << *planes;
    if (!getSource() || getScales()) // weight_c11
      return emitOpError() << "expects planes only beside a source without scales";
  }
  if (std::optional<uint64_t> planes = getRowPlanes()) {
    if (type.getRank() != 2 || type.getShape().front() % static_cast<int64_t>(*planes) != 0) // weight_c12
      return emitOpError() << "expects row_planes that divide the rows of a weight of rank 2, got " << *planes
                           << " and " << type;
    if (!getSource() || getScales()) // weight_c12
      return emitOpError() << "expects row_planes only beside a source without scales";
  }
  return getSource() ? verifySource(*this, type) : success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getPieces())
    return success();
  auto type = cast<RankedTensorType>(getType());
  WeightOp first;
  int64_t elements = 0;
  for (auto name : getPieces()->getAsRange<FlatSymbolRefAttr>()) {
    auto piece = verify::lookUp<WeightOp>(*this, symbols, name, "piece"); // weight_c6
    if (!piece)
      return failure();
    auto pieceType = cast<RankedTensorType>(piece.getType());
    if (!piece.getSource() || pieceType.getRank() != 2) // weight_c6
      return emitOpError() << "expects piece " << name << " of rank 2 with a source, got " << pieceType
                           << (piece.getSource() ? "" : ", stacked itself");
    first = first ? first : piece;
    auto kind = [](WeightOp op) {
      return std::tuple(op.getType(), op.getStoredEncoding(),
                        op.getScales() ? std::pair(op.getScales()->getEncoding(), op.getScales()->getColumns())
                                       : std::pair(Encoding::F32, int64_t{0}));
    };
    if (kind(piece) != kind(first)) // weight_c6
      return emitOpError() << "expects pieces of one type, encoding and kind of scales, got " << name << " unlike '@"
                           << first.getSymName() << "'";
    elements += pieceType.getNumElements();
  }
  if (!first || elements != type.getNumElements() ||
      cast<RankedTensorType>(first.getType()).getShape().back() != type.getShape().back()) // weight_c6
    return emitOpError() << "expects pieces that make up " << type << ", got " << elements << " elements"
                         << (first ? " in rows of " +
                                         std::to_string(cast<RankedTensorType>(first.getType()).getShape().back())
                                   : "");
  return success();
}

int64_t KvCacheOp::getPaddedHeadDim() { return paddedHeadDim(getHeadDim()); }
int64_t KvCacheOp::getPaddedKeyDim() { return paddedHeadDim(storedKeyDim(getHeadDim(), getTurnedPairs().value_or(0))); }
int64_t KvCacheOp::getMostSplits() { return mostCacheSplits(getWindow(), *getCapacity()); }

LogicalResult KvCacheOp::verify() {
  int64_t heads = getHeads(), headDim = getHeadDim(), window = getWindow();
  if (heads <= 0 || headDim <= 0 || headDim % 2 != 0) // kv_cache_c1
    return emitOpError() << "expects positive heads and a positive even head_dim, got " << heads << " and " << headDim;
  if (window < 0) // kv_cache_c1
    return emitOpError() << "expects a window that is not negative, got " << window;

  std::optional<Format> format = getFormat();
  std::optional<int64_t> capacity = getCapacity(), offset = getOffset(), bytes = getBytes();
  if (!format && !capacity && !offset && !bytes) {
    if (getRotated() || getTurnedPairs() || getKeyExponent() || getValueExponent()) // kv_cache_c3
      return emitOpError()
             << "expects only a planned cache to be rotated or to have turned_pairs or exponents, got one "
                "without a format";
    return success();
  }
  if (!format || !capacity || !offset || !bytes) // kv_cache_c2
    return emitOpError() << "expects format, capacity, offset and bytes together: the plan stage sets all four";
  if (!isCacheFormat(*format)) // kv_cache_c2
    return emitOpError() << "expects format " << cacheFormatNames() << ", got " << stringifyFormat(*format);
  if (*capacity <= 0 || *capacity % cacheBlock != 0) // kv_cache_c2
    return emitOpError() << "expects a capacity that is a positive multiple of " << cacheBlock << ", got " << *capacity;
  if (*offset < 0 || *offset % bufferAlign != 0) // kv_cache_c2
    return emitOpError() << "expects an offset that is a multiple of " << bufferAlign << ", got " << *offset;
  int64_t pairs = getTurnedPairs().value_or(1);
  if (pairs <= 0 || (getTurnedPairs() && 2 * pairs >= headDim)) // kv_cache_c4
    return emitOpError() << "expects turned_pairs above 0 and below " << headDim / 2 << " (half of head_dim), got "
                         << pairs;
  for (int64_t exponent : {getKeyExponent().value_or(0), getValueExponent().value_or(0)})
    if (std::abs(exponent) > mostCacheExponent) // kv_cache_c6
      return emitOpError() << "expects exponents between " << -mostCacheExponent << " and " << mostCacheExponent
                           << ", got " << exponent;
  int64_t key = getPaddedKeyDim(), value = getPaddedHeadDim();
  int64_t expected = cacheBytes(*format, heads, *capacity, key, value);
  if (*bytes != expected) // kv_cache_c2
    return emitOpError() << "expects " << expected << " bytes (keys and values of " << heads << " heads x " << *capacity
                         << " positions x " << value << " padded elements" << (key == value ? "" : ", of keys ")
                         << (key == value ? "" : std::to_string(key)) << "), got " << *bytes;
  return success();
}

int64_t PackedOp::getScaleBlocks() { return gemmac::scaleBlocks(getLayout(), getCols(), getColAxis().getPadded()); }

SmallVector<double> gemmac::gemma::outputScalesOf(ArrayRef<WeightOp> sources) {
  SmallVector<double> scales;
  for (WeightOp weight : sources)
    scales.push_back(weight.getOutputActivationScale() ? weight.getOutputActivationScale()->convertToDouble() : 0.0);
  if (llvm::all_of(scales, [](double scale) { return scale == 0; }))
    scales.clear();
  return scales;
}

SmallVector<double> gemmac::gemma::outputBoundsOf(ArrayRef<WeightOp> sources) {
  SmallVector<double> bounds;
  if (llvm::none_of(sources, [](WeightOp weight) { return weight.getGivesAttr() != nullptr; }))
    return bounds;
  constexpr double most = std::numeric_limits<float>::max();
  for (WeightOp weight : sources)
    llvm::append_range(bounds, weight.getGives().value_or(ArrayRef<double>({-most, most})));
  return bounds;
}

LogicalResult PackedOp::verify() {
  const Layout layout = getLayout();
  int64_t batch = getBatch(), rows = getRows(), cols = getCols(), bytes = getBytes();
  std::optional<int64_t> offset = getOffset();
  if (getInterleave() && layout != Layout::Panels) // packed_c4
    return emitOpError() << "expects panels to interleave, got a " << nameOf(layout);
  if (layout == Layout::Vector && getFormat() != Format::F32) // packed_c3
    return emitOpError() << "expects a vector in f32, got " << stringifyFormat(getFormat());
  if (layout != Layout::Vector && getScaleAttr()) // packed_c7
    return emitOpError() << "expects a scale only on a vector, got the layout " << nameOf(layout);
  if (layout != Layout::Panels && batch != 1) // packed_c1
    return emitOpError() << "expects batch 1 in a " << nameOf(layout) << ", got " << batch;
  if (offset && (*offset < 0 || *offset % bufferAlign != 0)) // packed_c5
    return emitOpError() << "expects an offset that is a multiple of " << bufferAlign << ", got " << *offset;
  std::optional<int64_t> rowAt = getRowAt();
  if (rowAt && layout != Layout::Table) // packed_c8
    return emitOpError() << "expects row_at on tables only, got the layout " << nameOf(layout);
  if (rowAt && (*rowAt < 0 || *rowAt % bufferAlign != 0)) // packed_c8
    return emitOpError() << "expects a row_at that is a multiple of " << bufferAlign << ", got " << *rowAt;
  if (cols <= 0 || cols % groupColumns != 0) // packed_c2
    return emitOpError() << "expects cols that are a positive multiple of " << groupColumns << ", got " << cols;
  if (rows <= 0 || (layout == Layout::Panels && rows % groupColumns != 0)) // packed_c2
    return emitOpError() << "expects rows that are a positive multiple of " << groupColumns << ", got " << rows;
  if (layout == Layout::Table && formatInfo(getFormat()).rowScales() &&
      getColAxis().getPadded() % groupColumns != 0) // packed_c9
    return emitOpError() << "expects col_axis padded to multiples of " << groupColumns << ", since each block has its "
                         << stringifyFormat(getFormat()) << " scale, got " << getColAxis().getPadded();
  int64_t expected = packedBytes(getFormat(), layout, batch, rows, cols, getScaleBlocks());
  if (bytes != expected) // packed_c3
    return emitOpError() << "expects " << expected << " bytes (" << batch << " x " << rows << " x " << cols << " in "
                         << stringifyFormat(getFormat()) << " " << nameOf(layout) << "), got " << bytes;
  return success();
}

static LogicalResult checkActivationScales(PackedOp op, ArrayRef<WeightOp> sources) {
  bool isMatrix = op.getLayout() == Layout::Panels;
  for (WeightOp weight : sources)
    if (op.getInputScaleAttr() != (isMatrix ? weight.getInputActivationScaleAttr() : FloatAttr())) // packed_c10
      return op.emitOpError()
             << "expects as input_scale the input_activation_scale of each source of a matrix, which '@"
             << weight.getSymName() << "' has otherwise";
  SmallVector<double> expected = isMatrix ? outputScalesOf(sources) : SmallVector<double>();
  if (op.getOutputScales().value_or(ArrayRef<double>()) != ArrayRef<double>(expected)) // packed_c6
    return op.emitOpError() << "expects as output_scales those of the sources of a matrix, in order";
  return success();
}

static LogicalResult checkBounds(PackedOp op, ArrayRef<WeightOp> sources) {
  bool isMatrix = op.getLayout() == Layout::Panels;
  for (WeightOp weight : sources)
    if (op.getInputBoundsAttr() != (isMatrix ? weight.getReadsAttr() : DenseF64ArrayAttr())) // packed_c11
      return op.emitOpError() << "expects as input_bounds what each source of a matrix reads, which for '@"
                              << weight.getSymName() << "' is something else";
  SmallVector<double> expected = isMatrix ? outputBoundsOf(sources) : SmallVector<double>();
  if (op.getOutputBounds().value_or(ArrayRef<double>()) != ArrayRef<double>(expected)) // packed_c12
    return op.emitOpError() << "expects as output_bounds what the sources of a matrix give, in order";
  return success();
}

/// The types of the sources, of the rank that the layout asks for and alike but for their rows; empty after an error.
static SmallVector<RankedTensorType> sourceTypes(PackedOp op, SymbolTableCollection &symbols) {
  SmallVector<RankedTensorType> types;
  SmallVector<WeightOp> weights;
  const bool isVector = op.getLayout() == Layout::Vector;
  const int64_t batch = op.getBatch();
  if (op.getSources().empty() || (isVector && op.getSources().size() != 1)) { // packed_c1
    op.emitOpError() << "expects " << (isVector ? "one source" : "at least one source") << ", got "
                     << op.getSources().size();
    return {};
  }
  for (auto name : op.getSources().getAsRange<FlatSymbolRefAttr>()) {
    auto weight = verify::lookUp<WeightOp>(op, symbols, name, "source"); // packed_c1
    if (!weight)
      return {};
    auto type = cast<RankedTensorType>(weight.getType());
    bool batched = op.getLayout() == Layout::Panels && type.getRank() == 3;
    int64_t rank = batched ? 3 : isVector ? 1 : 2;
    if (type.getRank() != rank || (batched ? type.getDimSize(0) : 1) != batch) { // packed_c1
      op.emitOpError() << "expects source " << name << " of rank " << rank << " and batch " << batch << ", got "
                       << type;
      return {};
    }
    if (!types.empty() && types.front().getShape().back() != type.getShape().back()) { // packed_c1
      op.emitOpError() << "expects source " << name << " with " << types.front().getShape().back()
                       << " columns, as the first has, got " << type.getShape().back();
      return {};
    }
    types.push_back(type);
    weights.push_back(weight);
  }
  bool fits = succeeded(checkActivationScales(op, weights)) && succeeded(checkBounds(op, weights));
  return fits ? types : SmallVector<RankedTensorType>();
}

/// Adds the padded length of an axis of `size` elements to `total`.
static LogicalResult addAxis(PackedOp op, StringRef role, AxisAttr axis, int64_t size, int64_t &total) {
  if (size % axis.getBlock() != 0) // packed_c2
    return op.emitOpError() << "expects the block of " << role << " to divide the source's " << size
                            << " elements, got " << axis.getBlock();
  total += axis.getPaddedSize(size);
  return success();
}

LogicalResult PackedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  SmallVector<RankedTensorType> types = sourceTypes(*this, symbols);
  if (types.empty())
    return failure();
  int64_t cols = 0, rows = 0, givenRows = getRows(), givenCols = getCols();
  if (failed(addAxis(*this, "col_axis", getColAxis(), types.front().getShape().back(), cols)))
    return failure();
  if (getInterleave()) {
    int64_t sourceRows = types.front().getShape().end()[-2];
    if (types.size() > 2 || (types.size() == 2 && types[0].getShape() != types[1].getShape()) ||
        (types.size() == 1 && sourceRows % 2 != 0)) // packed_c4
      return emitOpError() << "expects two sources of one shape to interleave, or one with an even number of rows, got "
                           << types.size() << (types.size() == 1 ? " source of type " : " sources, the first of type ")
                           << types.front();
    if (failed(addAxis(*this, "row_axis", getRowAxis(), types.size() == 1 ? sourceRows / 2 : sourceRows, rows)))
      return failure();
    rows *= 2;
  } else if (getLayout() == Layout::Panels) {
    for (RankedTensorType type : types)
      if (failed(addAxis(*this, "row_axis", getRowAxis(), type.getShape().end()[-2], rows)))
        return failure();
  } else {
    for (RankedTensorType type : types)
      rows += getLayout() == Layout::Vector ? 1 : type.getDimSize(0);
  }
  if (rows != givenRows || cols != givenCols) // packed_c2
    return emitOpError() << "expects rows " << rows << " and cols " << cols << " (sources padded by their axes), got "
                         << givenRows << " and " << givenCols;
  return success();
}

//===--- All generated op code
//----------------------------------------------------------------------------------------===//

using namespace gemmac::gemma::syntax;

#define GET_OP_CLASSES
#include "dialects/Gemma/GemmaOps.cpp.inc"
