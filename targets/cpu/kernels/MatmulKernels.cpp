// Products of rows with packed matrices. Few rows multiply packed panels as they are read; a chunk of a prompt first
// unpacks a block of a panel into the cache and uses it for all rows.
#include "targets/cpu/kernels/RowProducts.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

/// The sums of a row and a panel as the epilogue wants them.
static Value finished(KernelBuilder &b, const KernelLibrary::Matmul &shape, Value sum, Value up, Value factors) {
  switch (shape.epilogue) {
  case Epilogue::None:
    return sum;
  case Epilogue::GeGlu:
    return b.mulf(b.gelu(sum), up);
  case Epilogue::GeluMul:
    return b.mulf(b.gelu(sum), b.loadVec(factors));
  case Epilogue::Softcap:
    return b.softcap(sum, shape.cap);
  }
  llvm_unreachable("unknown epilogue");
}

/// Sums on the static grid of `scale`, an f32; as they are where that is 0.
static Value onGrid(KernelBuilder &b, Value sum, Value scale) {
  Value vector = b.broadcast(scale), isGrid = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, scale, b.f32(0.0f));
  return b.select(isGrid, b.mulf(b.gridSteps(sum, vector), vector), sum);
}

// (input, weights, result, factor or result; rows, first, last, bytes of a row of the result, of the factor[; scales of
// the output grids]): panels [first, last), for geglu pairs of panels. How many panels a matrix has is not in the code:
// matrices of other heights share it.
func::FuncOp KernelLibrary::matmul(const Matmul &shape) {
  std::string name = llvm::formatv("matmul_{0}_{1}", shape.weight.panelText(), stringifyEpilogue(shape.epilogue));
  if (shape.epilogue == Epilogue::Softcap)
    name += "_" + bitsText(shape.cap);
  bool chunk = RowProducts::unpacks(shape.weight, shape.maxRows);
  if (chunk)
    name += "_chunk" + std::to_string(shape.maxRows);
  else if (shape.maxRows > 1)
    name += "_rows";
  if (shape.outputGrids)
    name += "_grid";
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value input = a[0], weights = a[1], result = a[2], factor = a[3], rows = a[4], first = a[5], last = a[6];
    Value resultRowBytes = a[7], factorRowBytes = a[8];
    // constant distances from one pointer, which addresses can hold
    auto inputs = [&](Value row, int64_t count) {
      Value pointer = b.at(input, b.mul(row, shape.inputRowBytes));
      SmallVector<Value> pointers;
      for (int64_t r = 0; r < count; ++r)
        pointers.push_back(b.at(pointer, r * shape.inputRowBytes));
      return pointers;
    };
    auto finish = [&](Value panel, Value row, Value sum, Value up) {
      Value column = b.mul(panel, vecBytes), factors = b.at(b.at(factor, b.mul(row, factorRowBytes)), column);
      if (shape.outputGrids) {
        sum = onGrid(b, sum, a[9]);
        up = up ? onGrid(b, up, a[10]) : up;
      }
      b.store(finished(b, shape, sum, up, factors), b.at(b.at(result, b.mul(row, resultRowBytes)), column));
    };
    RowProducts products(*this, b, shape.weight, shape.epilogue == Epilogue::GeGlu, weights, inputs, finish);
    if (chunk)
      products.chunk(rows, shape.maxRows, first, last);
    else if (shape.maxRows > 1)
      products.fewRows(rows, first, last);
    else
      products.oneRow(first, last);
  };
  return get(name, 4, 5, body, shape.outputGrids ? 2 : 0);
}

LogicalResult lower(gemma::MatmulStep step, StepLowering &lowering) {
  gemma::PackedOp matrix = lowering.packed(step.getWeight());
  KernelLibrary::Matmul shape{.weight = PackedShape(matrix, step.getInput().getType()),
                              .inputRowBytes = step.getInput().getType().getRowBytes(),
                              .epilogue = step.getEpilogue(),
                              .outputGrids = matrix.getOutputScales().has_value(),
                              .maxRows = lowering.maxRows()};
  Value result = lowering.pointer(step.getResult()), factor = result, factorRowBytes = lowering.b.i64(0);
  if (step.getFactor()) {
    auto type = cast<gemma::BufferType>(step.getFactor().getType());
    factorRowBytes = lowering.b.i64(type.getRowBytes());
    factor = lowering.b.at(lowering.pointer(step.getFactor()), static_cast<int64_t>(step.getFactorOffset()) * 4);
  }
  if (step.getCap())
    shape.cap = step.getCap()->convertToDouble();
  int64_t tiles = shape.weight.rows / panelRows / (shape.epilogue == Epilogue::GeGlu ? 2 : 1);
  auto [first, last] = lowering.share(lowering.b.i64(tiles));
  SmallVector<Value> arguments{lowering.pointer(step.getInput()),
                               lowering.weight(step.getWeight()),
                               result,
                               factor,
                               lowering.rows,
                               first,
                               last,
                               lowering.b.i64(step.getResult().getType().getRowBytes()),
                               factorRowBytes};
  lowering.addOutputScales(arguments, matrix, 2);
  return lowering.callKernel(lowering.kernels.matmul(shape), arguments);
}

} // namespace gemmac
