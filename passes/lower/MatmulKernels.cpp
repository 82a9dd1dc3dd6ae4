// Products of rows with packed matrices. Few rows multiply packed panels as they are read; a chunk of a prompt first unpacks
// a block of a panel into the cache and uses it for all rows.
#include "passes/lower/Kernels.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

namespace {
/// Emits one matmul kernel.
class MatmulEmitter {
public:
  MatmulEmitter(const KernelLibrary &library, const KernelLibrary::Matmul &shape, KernelBuilder &b, ValueRange a)
      : library(library), shape(shape), b(b), input(a[0]), weights(a[1]), result(a[2]), factor(a[3]), rows(a[4]),
        paired(shape.epilogue == gemma::Epilogue::GeGlu) {}

  void oneRow(Value panel) { packedTile(panel, b.i64(0), 1); }

  void fewRows(Value panel) {
    forTiles(library.getLevel().rowTile, [&](Value row, int64_t count) { packedTile(panel, row, count); });
  }

  /// Sums of all rows stay in memory while one block of columns after the other is unpacked.
  void chunk(Value panel) {
    int64_t groups = shape.weight.cols / groupColumns, blocks = (groups + UnpackedBlock::groups - 1) / UnpackedBlock::groups;
    int64_t blockGroups = (groups + blocks - 1) / blocks, passes = paired ? 2 : 1;
    Value block = b.stack(UnpackedBlock::bytes), sums = b.stack(passes * shape.maxRows * vecBytes);
    for (int64_t pass = 0; pass < passes; ++pass) {
      Value passSums = b.at(sums, pass * shape.maxRows * vecBytes);
      b.loop(b.i64(0), rows, 1, [&](Value row) { b.store(b.splat(b.vecF32(), 0.0), sumOf(passSums, row), 64); });
      b.loop(b.i64(0), b.i64(groups), blockGroups, [&](Value first) {
        Value last = b.minSigned(b.add(first, blockGroups), b.i64(groups));
        library.unpackBlock(b, shape.weight, panelAt(panel, pass), first, last, block);
        forTiles(library.getLevel().unpackedRowTile, [&](Value row, int64_t count) {
          KernelBuilder::Values totals;
          for (int64_t r = 0; r < count; ++r)
            totals.push_back(b.load(b.vecF32(), sumOf(passSums, b.add(row, r)), 64));
          totals = library.dotBlock(b, shape.weight, block, first, last, inputs(row, count), totals);
          for (int64_t r = 0; r < count; ++r)
            b.store(totals[r], sumOf(passSums, b.add(row, r)), 64);
        });
      });
    }
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      Value up = paired ? b.loadVec(sumOf(b.at(sums, shape.maxRows * vecBytes), row)) : Value();
      finish(panel, row, b.loadVec(sumOf(sums, row)), up);
    });
  }

private:
  const KernelLibrary &library;
  const KernelLibrary::Matmul &shape;
  KernelBuilder &b;
  Value input, weights, result, factor, rows;
  bool paired;

  Value sumOf(Value sums, Value row) { return b.at(sums, b.mul(row, vecBytes)); }
  /// geglu: `second` is the panel of up that belongs to panel 0, that of gate.
  Value panelAt(Value panel, int64_t second) {
    Value first = b.at(weights, b.mul(panel, (paired ? 2 : 1) * shape.weight.panelBytes()));
    return b.at(first, second * shape.weight.panelBytes());
  }
  KernelBuilder::Values inputs(Value firstRow, int64_t count) {
    KernelBuilder::Values pointers;
    for (int64_t r = 0; r < count; ++r)
      pointers.push_back(b.at(input, b.mul(b.add(firstRow, r), shape.inputRowBytes)));
    return pointers;
  }

  // Whole tiles, then what is left in halves: five rows are a tile of four and one of one.
  void forTiles(int64_t largest, llvm::function_ref<void(Value row, int64_t count)> body) {
    Value done = b.i64(0);
    for (int64_t tile = largest; tile > 0; tile /= 2) {
      Value end = b.sub(rows, b.rem(rows, b.i64(tile)));
      b.loop(done, end, tile, [&](Value row) { body(row, tile); });
      done = end;
    }
  }

  void packedTile(Value panel, Value firstRow, int64_t count) {
    KernelBuilder::Values pointers = inputs(firstRow, count), ups;
    auto sums = library.dotPanel(b, shape.weight, panelAt(panel, 0), pointers);
    if (paired)
      ups = library.dotPanel(b, shape.weight, panelAt(panel, 1), pointers);
    for (int64_t r = 0; r < count; ++r)
      finish(panel, b.add(firstRow, r), sums[r], paired ? ups[r] : Value());
  }

  void finish(Value panel, Value row, Value sum, Value up) {
    Value column = b.mul(panel, vecBytes);
    switch (shape.epilogue) {
    case gemma::Epilogue::None:
      break;
    case gemma::Epilogue::GeGlu:
      sum = b.mulf(b.gelu(sum), up);
      break;
    case gemma::Epilogue::GeluMul:
      sum = b.mulf(b.gelu(sum), b.loadVec(b.at(b.at(factor, b.mul(row, shape.factorRowBytes)), column)));
      break;
    case gemma::Epilogue::Softcap:
      sum = b.softcap(sum, shape.cap);
      break;
    }
    b.store(sum, b.at(b.at(result, b.mul(row, shape.resultRowBytes)), column));
  }
};
} // namespace

// (input, weights, result, factor or result; rows, first, last): panels [first, last), for geglu pairs of panels
func::FuncOp KernelLibrary::matmul(const Matmul &shape) {
  std::string name = llvm::formatv("matmul_{0}_{1}_to{2}", shape.weight.text(), gemma::stringifyEpilogue(shape.epilogue),
                                   shape.resultRowBytes / 4);
  if (shape.epilogue == gemma::Epilogue::GeluMul)
    name += "_by" + std::to_string(shape.factorRowBytes / 4);
  if (shape.epilogue == gemma::Epilogue::Softcap)
    name += "_" + bitsText(shape.cap);
  bool chunk = shape.weight.quantized() && shape.maxRows > mostPackedRows;
  if (chunk)
    name += "_chunk" + std::to_string(shape.maxRows);
  else if (shape.maxRows > 1)
    name += "_rows";
  return get(name, 4, 3, [&](KernelBuilder &b, ValueRange a) {
    MatmulEmitter emitter(*this, shape, b, a);
    b.loop(a[5], a[6], 1, [&](Value panel) {
      if (chunk)
        emitter.chunk(panel);
      else if (shape.maxRows > 1)
        emitter.fewRows(panel);
      else
        emitter.oneRow(panel);
    });
  });
}

} // namespace gemmac
