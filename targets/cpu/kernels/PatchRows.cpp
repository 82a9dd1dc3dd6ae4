// gemma.step.affine, gemma.step.add_places and gemma.step.pool: what a picture's patches go through row by row.
#include "targets/cpu/kernels/StepLowering.h"
#include "targets/cpu/kernels/TableRows.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

using Group = std::pair<Value, Value>;

static Group loadGroup(KernelBuilder &b, Value row, Value offset) {
  Value place = b.at(row, offset), low = b.loadVec(place);
  return {low, b.loadVec(b.at(place, vecBytes))};
}

//===--- affine
//-----------------------------------------------------------------------------------------------------===//

// (input, result; first, last[; bounds])
static func::FuncOp affineKernel(KernelLibrary &kernels, gemma::AffineStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  double factor = step.getFactor().convertToDouble(), offset = step.getOffset().convertToDouble();
  int64_t count = step.getCount();
  bool bounded = step.getWithin().has_value();
  std::string name =
      llvm::formatv("affine_{0}{1}_w{2}_of{3}_{4}_{5}", nameOf(result.getElement()), bounded ? "_within" : "",
                    input.getWidth(), count, bitsText(factor), bitsText(offset));
  auto body = [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      storeRow(b, b.at(a[1], b.mul(row, result.getRowBytes())), result, RowLimits(), [&](Value place) {
        auto mapped = [&](Value x, Value place) {
          x = b.addf(b.mulf(x, b.splat(b.vecF32(), factor)), b.splat(b.vecF32(), offset));
          x = bounded ? b.clampf(x, b.broadcast(a[4]), b.broadcast(a[5])) : x;
          return count < input.getWidth() ? firstElements(b, x, place, count) : x;
        };
        auto [low, high] = loadGroup(b, source, place);
        low = mapped(low, place);
        return Group(low, mapped(high, b.add(place, vecBytes)));
      });
    });
  };
  return kernels.get(name, 2, 2, body, RowLimits::arguments(/*isStatic=*/false, bounded));
}

LogicalResult lower(gemma::AffineStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  SmallVector<Value> arguments{lowering.pointer(step.getInput()), lowering.pointer(step.getResult()), first, last};
  lowering.addBounds(arguments, step.getWithin());
  return lowering.callKernel(affineKernel(lowering.kernels, step), arguments);
}

//===--- add_places
//-------------------------------------------------------------------------------------------------===//

namespace {
/// The row of a table in panels that place `axis` of a patch names: of an alternating one every other.
struct PlaceRow {
  KernelBuilder &b;
  const PackedShape &table;
  Value panel, lane;
  PlaceRow(KernelBuilder &b, const PackedShape &table, Value weights, Value places, int64_t axis, bool alternating)
      : b(b), table(table) {
    Value index = arith::ExtSIOp::create(b, b.getI64Type(), b.load(b.getI32Type(), b.at(places, axis * 4)));
    if (alternating)
      index = b.add(b.mul(index, 2), axis);
    panel = b.at(weights, b.mul(b.div(index, b.i64(panelRows)), table.panelBytes()));
    lane = b.rem(index, b.i64(panelRows));
  }
  Group group(Value number) { return dequantizeGroup(b, table, panel, lane, number); }
};
} // namespace

// (input, places, result, columns, rows; first, last)
static func::FuncOp addPlacesKernel(KernelLibrary &kernels, gemma::AddPlacesStep step, const PackedShape &columns,
                                    const PackedShape &rows) {
  gemma::BufferType type = step.getInput().getType();
  int64_t placesRowBytes = step.getPlaces().getType().getRowBytes();
  std::string name = llvm::formatv("add_places{2}_{0}_{1}", columns.panelText(), nameOf(rows.format),
                                   step.getAlternating() ? "_alternating" : "");
  return kernels.get(name, 5, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[5], a[6], 1, [&](Value row) {
      Value places = b.at(a[1], b.mul(row, placesRowBytes)), offset = b.mul(row, type.getRowBytes());
      PlaceRow column(b, columns, a[3], places, 0, step.getAlternating()),
          line(b, rows, a[4], places, 1, step.getAlternating());
      Value source = b.at(a[0], offset);
      storeRow(b, b.at(a[2], offset), type, RowLimits(), [&](Value place) {
        Value number = b.div(place, b.i64(2 * vecBytes));
        auto [columnLow, columnHigh] = column.group(number);
        auto [lineLow, lineHigh] = line.group(number);
        auto [low, high] = loadGroup(b, source, place);
        low = b.addf(low, b.addf(columnLow, lineLow));
        return Group(low, b.addf(high, b.addf(columnHigh, lineHigh)));
      });
    });
  });
}

LogicalResult lower(gemma::AddPlacesStep step, StepLowering &lowering) {
  PackedShape columns(lowering.packed(step.getColumns())), rows(lowering.packed(step.getRows()));
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(addPlacesKernel(lowering.kernels, step, columns, rows),
                             {lowering.pointer(step.getInput()), lowering.pointer(step.getPlaces()),
                              lowering.pointer(step.getResult()), lowering.weight(step.getColumns()),
                              lowering.weight(step.getRows()), first, last});
}

//===--- pool
//-------------------------------------------------------------------------------------------------------===//

// (input, result[, bias, scale]; first, last)
static func::FuncOp poolKernel(KernelLibrary &kernels, gemma::PoolStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  double factor = step.getFactor().convertToDouble();
  int64_t count = step.getCount(), pointers = step.getBias() ? 4 : 2;
  std::string name = llvm::formatv("pool_w{0}_by{1}{2}_{3}", result.getWidth(), count,
                                   step.getBias() ? "_standardized" : "", bitsText(factor));
  return kernels.get(name, pointers, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[pointers], a[pointers + 1], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, count * input.getRowBytes()));
      storeRow(b, b.at(a[1], b.mul(row, result.getRowBytes())), result, RowLimits(), [&](Value offset) {
        Value zero = b.splat(b.vecF32(), 0.0);
        auto sums = b.loop(b.i64(0), b.i64(count), 1, ValueRange{zero, zero}, [&](Value i, ValueRange state) {
          auto [low, high] = loadGroup(b, b.at(source, b.mul(i, input.getRowBytes())), offset);
          low = b.addf(state[0], low);
          return KernelBuilder::Values{low, b.addf(state[1], high)};
        });
        auto pooled = [&](Value sum, Value place) {
          sum = b.mulf(sum, b.splat(b.vecF32(), factor));
          if (!step.getBias())
            return sum;
          sum = b.subf(sum, b.loadVec(b.at(a[2], place)));
          return b.mulf(sum, b.loadVec(b.at(a[3], place)));
        };
        Value low = pooled(sums[0], offset);
        return Group(low, pooled(sums[1], b.add(offset, vecBytes)));
      });
    });
  });
}

LogicalResult lower(gemma::PoolStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  SmallVector<Value> arguments{lowering.pointer(step.getInput()), lowering.pointer(step.getResult())};
  if (step.getBias())
    arguments.append({lowering.weight(*step.getBias()), lowering.weight(*step.getScale())});
  arguments.append({first, last});
  return lowering.callKernel(poolKernel(lowering.kernels, step), arguments);
}

} // namespace gemmac
