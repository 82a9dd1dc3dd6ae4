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

void forRowBlocks(KernelBuilder &b, Value rows, int64_t most, llvm::function_ref<void(const RowBlock &)> body) {
  if (most <= mostBlockRows)
    return body({Value(), rows});
  b.loop(b.i64(0), rows, mostBlockRows,
         [&](Value first) { body({first, b.minSigned(b.sub(rows, first), b.i64(mostBlockRows))}); });
}

KernelLibrary::Matmul::Matmul(gemma::PackedOp weight, gemma::BufferType input)
    : weight(weight, input), inputRowBytes(input.getRowBytes()), outputGrids(weight.getOutputScales().has_value()),
      outputBounds(weight.getOutputBounds().has_value()), maxRows(std::min(input.getRows(), mostBlockRows)) {}

// (input, weights, result, factor or result; rows, first, last, bytes of a row of the result, of the factor[; scales of
// the output grids][, bounds]): panels [first, last), for geglu pairs of panels. How many panels a matrix has is not in
// the code: matrices of other heights share it.
func::FuncOp KernelLibrary::matmul(const Matmul &shape) {
  std::string name = llvm::formatv("matmul_{0}_{1}", shape.weight.panelText(), stringifyEpilogue(shape.epilogue));
  if (shape.epilogue == Epilogue::Softcap)
    name += "_" + bitsText(shape.cap);
  bool chunk = RowProducts::unpacks(shape.maxRows);
  if (chunk)
    name += "_chunk" + std::to_string(shape.maxRows);
  else if (shape.maxRows > 1)
    name += "_rows";
  if (shape.outputGrids)
    name += "_grid";
  if (shape.outputBounds)
    name += "_bounds";
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value input = a[0], weights = a[1], result = a[2], factor = a[3], rows = a[4], first = a[5], last = a[6];
    Value resultRowBytes = a[7], factorRowBytes = a[8];
    ValueRange grids = a.drop_front(9), bounds = grids.drop_front(shape.outputGrids ? 2 : 0);
    // as source `which` gives it
    auto given = [&](Value sum, int64_t which) {
      sum = shape.outputGrids ? onGrid(b, sum, grids[which]) : sum;
      if (!shape.outputBounds)
        return sum;
      return b.clampf(sum, b.broadcast(bounds[2 * which]), b.broadcast(bounds[2 * which + 1]));
    };
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
      sum = given(sum, 0);
      up = up ? given(up, 1) : up;
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
  return get(name, 4, 5, body, shape.outputs(2));
}

LogicalResult lower(gemma::MatmulStep step, StepLowering &lowering) {
  KernelBuilder &b = lowering.b;
  gemma::PackedOp matrix = lowering.packed(step.getWeight());
  gemma::BufferType inputType = step.getInput().getType(), resultType = step.getResult().getType();
  KernelLibrary::Matmul shape(matrix, inputType);
  shape.epilogue = step.getEpilogue();
  if (step.getCap())
    shape.cap = step.getCap()->convertToDouble();
  Value result = lowering.pointer(step.getResult()), factor = result;
  int64_t factorRowBytes = 0;
  if (step.getFactor()) {
    factorRowBytes = cast<gemma::BufferType>(step.getFactor().getType()).getRowBytes();
    factor = b.at(lowering.pointer(step.getFactor()), static_cast<int64_t>(step.getFactorOffset()) * 4);
  }
  func::FuncOp kernel = lowering.kernels.matmul(shape);
  int64_t tiles = shape.weight.rows / panelRows / (shape.epilogue == Epilogue::GeGlu ? 2 : 1);
  auto [first, last] = lowering.share(b.i64(tiles));
  Value input = lowering.pointer(step.getInput()), weight = lowering.weight(step.getWeight());
  Value resultStep = b.i64(resultType.getRowBytes()), factorStep = b.i64(factorRowBytes);
  SmallVector<Value> outputs;
  lowering.addOutputs(outputs, matrix, 2);
  forRowBlocks(b, lowering.rowsOf(step.getInput()), lowering.maxRowsOf(step.getInput()), [&](const RowBlock &block) {
    SmallVector<Value> arguments{block.in(b, input, inputType.getRowBytes()),
                                 weight,
                                 block.in(b, result, resultType.getRowBytes()),
                                 step.getFactor() ? block.in(b, factor, factorRowBytes) : result,
                                 block.count,
                                 first,
                                 last,
                                 resultStep,
                                 factorStep};
    arguments.append(outputs);
    func::CallOp::create(b, kernel, arguments);
  });
  return success();
}

} // namespace gemmac
