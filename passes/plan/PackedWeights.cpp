// Shapes, names and sharing of packed weights. The layouts are told on gemma.packed (dialects/Gemma/GemmaModelOps.td).
#include "passes/plan/PackedWeights.h"

#include "dialects/formats/Format.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

AxisAttr wholeAxis(MLIRContext *context, int64_t n) { return AxisAttr::get(context, n, roundUp(n, groupColumns)); }

AxisAttr headAxis(MLIRContext *context, int64_t headDim) {
  return AxisAttr::get(context, headDim / 2, paddedHeadDim(headDim) / 2);
}

AxisAttr crossedHeadAxis(MLIRContext *context, int64_t headDim) {
  return AxisAttr::get(context, headDim / 2, paddedHeadDim(headDim) / 2, /*crossed=*/true);
}

/// "p.layers.0.mlp.gate_proj_up_proj.weight": where the names of the sources differ, all of them.
static std::string packedName(ArrayRef<FlatSymbolRefAttr> sources) {
  SmallVector<SmallVector<StringRef>> names;
  for (FlatSymbolRefAttr source : sources)
    source.getValue().split(names.emplace_back(), '.');
  std::string result = "p";
  for (size_t part = 0; part < names.front().size(); ++part) {
    SmallVector<StringRef> distinct;
    for (ArrayRef<StringRef> name : names)
      if (part < name.size() && !llvm::is_contained(distinct, name[part]))
        distinct.push_back(name[part]);
    result += "." + llvm::join(distinct, "_");
  }
  return result;
}

PackedWeights::PackedWeights(ModuleOp module, const PlanModel &model) : symbols(module), model(model) {
  auto functions = module.getOps<func::FuncOp>();
  insertionPoint = functions.empty() ? module.getBody()->end() : Block::iterator(*functions.begin());
}

InFlightDiagnostic PackedWeights::fail(Operation *user) {
  anyFailed = true;
  return user->emitOpError();
}

WeightOp PackedWeights::weight(Operation *user, FlatSymbolRefAttr source) {
  auto weight = symbols.lookup<WeightOp>(source.getValue());
  if (!weight)
    fail(user) << "names '" << source << "', which is no gemma.weight";
  return weight;
}

FailureOr<int64_t> PackedWeights::rowsOf(Operation *user, FlatSymbolRefAttr source) {
  WeightOp stored = weight(user, source);
  if (!stored)
    return failure();
  return cast<RankedTensorType>(stored.getType()).getDimSize(0);
}

KvCacheOp PackedWeights::cache(Operation *user, FlatSymbolRefAttr name) {
  auto cache = symbols.lookup<KvCacheOp>(name.getValue());
  if (!cache)
    fail(user) << "names '" << name << "', which is no gemma.kv_cache";
  return cache;
}

std::optional<Format> PackedWeights::commonFormat(Operation *user, ArrayRef<WeightOp> weights) {
  for (WeightOp weight : weights)
    if (!weight.getFormat()) {
      fail(user) << "reads weight '@" << weight.getSymName()
                 << "', which has no format; run gemma-assign-formats first";
      return std::nullopt;
    }
  WeightOp first = weights.front();
  for (WeightOp weight : weights)
    if (weight.getFormat() != first.getFormat()) {
      fail(user) << "packs '@" << first.getSymName() << "' (" << stringifyFormat(*first.getFormat()) << ") and '@"
                 << weight.getSymName() << "' (" << stringifyFormat(*weight.getFormat())
                 << ") into one matrix, which has one format; give them the same";
      return std::nullopt;
    }
  return first.getFormat();
}

PackedOp PackedWeights::get(Location location, ArrayRef<FlatSymbolRefAttr> sources, const Form &form) {
  Builder attributes(location.getContext());
  SmallVector<Attribute> names(sources.begin(), sources.end());
  auto format = FormatAttr::get(location.getContext(), form.format);
  auto layout = LayoutAttr::get(location.getContext(), form.layout);
  auto number = [&](int64_t value) { return attributes.getI64IntegerAttr(value); };
  UnitAttr interleave = form.interleave ? attributes.getUnitAttr() : UnitAttr();
  Attribute key = attributes.getArrayAttr({attributes.getArrayAttr(names), format, layout,
                                           attributes.getBoolAttr(form.interleave), form.rowAxis, form.colAxis,
                                           form.scale ? Attribute(form.scale) : attributes.getUnitAttr()});
  PackedOp &packed = made[key];
  if (packed)
    return packed;
  int64_t bytes = packedBytes(form.format, form.layout, form.batch, form.rows, form.cols,
                              scaleBlocks(form.layout, form.cols, form.colAxis.getPadded()));
  OpBuilder detached(location.getContext());
  packed = PackedOp::create(
      detached, location, attributes.getStringAttr(packedName(sources)), attributes.getArrayAttr(names), format, layout,
      number(form.batch), interleave, form.rowAxis, form.colAxis, number(form.rows), number(form.cols), number(bytes),
      /*offset=*/IntegerAttr(), form.scale,
      /*row_at=*/IntegerAttr(), form.inputScale, form.outputScales, form.inputBounds, form.outputBounds);
  symbols.insert(packed, insertionPoint); // renames it if the name is taken
  return packed;
}

PackedOp PackedWeights::vector(Operation *user, FlatSymbolRefAttr source, AxisAttr axis, FloatAttr scale) {
  WeightOp stored = source ? weight(user, source) : WeightOp();
  if (!stored)
    return {};
  int64_t count = cast<RankedTensorType>(stored.getType()).getNumElements();
  if (!axis)
    axis = wholeAxis(user->getContext(), count);
  return get(stored.getLoc(), source,
             {Format::F32, model.vectors, /*batch=*/1, false, AxisAttr::get(user->getContext(), 1, panelRows), axis,
              /*rows=*/1, axis.getPaddedSize(count), scale});
}

PackedOp PackedWeights::matrix(Operation *user, ArrayRef<FlatSymbolRefAttr> sources, AxisAttr rows, AxisAttr cols,
                               bool interleave) {
  SmallVector<WeightOp> weights;
  for (FlatSymbolRefAttr source : sources)
    if (WeightOp stored = weight(user, source))
      weights.push_back(stored);
  if (weights.size() != sources.size())
    return {};
  std::optional<Format> format = commonFormat(user, weights);
  if (!format)
    return {};
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weights.front().getType()).getShape();
  int64_t paddedRows = 0;
  for (WeightOp stored : weights)
    paddedRows += rows.getPaddedSize(cast<RankedTensorType>(stored.getType()).getShape().drop_back().back());
  SmallVector<double> outputScales = outputScalesOf(weights), outputBounds = outputBoundsOf(weights);
  auto numbers = [&](ArrayRef<double> values) {
    return values.empty() ? DenseF64ArrayAttr() : DenseF64ArrayAttr::get(user->getContext(), values);
  };
  return get(weights.front().getLoc(), sources,
             {*format, model.matrices, shape.size() == 3 ? shape.front() : 1, interleave, rows, cols, paddedRows,
              cols.getPaddedSize(shape.back()), /*scale=*/{}, weights.front().getInputActivationScaleAttr(),
              numbers(outputScales), weights.front().getReadsAttr(), numbers(outputBounds)});
}

PackedOp PackedWeights::rowTable(Operation *user, FlatSymbolRefAttr source, AxisAttr cols) {
  WeightOp stored = weight(user, source);
  std::optional<Format> format = stored ? commonFormat(user, stored) : std::nullopt;
  if (!format)
    return {};
  ArrayRef<int64_t> shape = cast<RankedTensorType>(stored.getType()).getShape();
  return get(stored.getLoc(), source,
             {*format, model.tables, /*batch=*/1, false, wholeAxis(user->getContext(), shape.front()), cols,
              shape.front(), cols.getPaddedSize(shape.back())});
}

} // namespace gemmac
