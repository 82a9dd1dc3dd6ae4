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

  /// One row: panels are read abreast.
  void oneRow(Value first, Value last) {
    forParts(first, last, library.getLevel().panelStreams,
             [&](Value panel, int64_t count) { packedTile(panel, count, b.i64(0), 1); });
  }

  /// Rows share each reading of a panel; panels are read abreast as far as their sums stay near the registers.
  void fewRows(Value first, Value last) {
    int64_t rowTile = library.getLevel().rowTile;
    Value half = b.select(b.less(b.i64(rowTile / 2), rows), first, last);
    forRowTiles(first, half, rowTile / 2);
    forRowTiles(half, last, rowTile);
  }

  /// A chunk of a prompt: sums of all rows stay in memory while one block of columns after the other is unpacked.
  void chunk(Value first, Value last) {
    int64_t abreast = library.getLevel().unpackedPanels;
    Value blocks = b.stack(std::max<int64_t>(abreast, 1) * UnpackedBlock::bytes);
    Value sums = b.stack((paired ? 2 : abreast) * sumsBytes());
    forParts(first, last, paired ? 1 : abreast, [&](Value panel, int64_t count) {
      SmallVector<Value> panels = panelsFrom(panel, count);
      b.loop(b.i64(0), b.mul(rows, vecBytes), vecBytes, [&](Value offset) {
        for (size_t p = 0; p < panels.size(); ++p)
          b.store(b.splat(b.vecF32(), 0.0), b.at(sumsOf(sums, p), offset), 64);
      });
      for (size_t p = 0; p < panels.size(); p += abreast)
        addBlocks(ArrayRef(panels).slice(p, std::min<size_t>(abreast, panels.size() - p)), sumsOf(sums, p), blocks);
      b.loop(b.i64(0), rows, 1, [&](Value row) {
        for (int64_t p = 0; p < count; ++p) {
          auto sum = [&](int64_t which) { return b.loadVec(b.at(sumsOf(sums, which), b.mul(row, vecBytes))); };
          finish(b.add(panel, p), row, sum(paired ? 0 : p), paired ? sum(1) : Value());
        }
      });
    });
  }

private:
  const KernelLibrary &library;
  const KernelLibrary::Matmul &shape;
  KernelBuilder &b;
  Value input, weights, result, factor, rows;
  bool paired;

  int64_t sumsBytes() const { return shape.maxRows * vecBytes; }
  Value sumsOf(Value sums, int64_t panel) { return b.at(sums, panel * sumsBytes()); }

  /// The panels behind `count` panels of the result: geglu has two each, that of gate and that of up.
  SmallVector<Value> panelsFrom(Value panel, int64_t count) {
    Value first = b.at(weights, b.mul(panel, (paired ? 2 : 1) * shape.weight.panelBytes()));
    SmallVector<Value> panels;
    for (int64_t p = 0; p < (paired ? 2 : 1) * count; ++p)
      panels.push_back(b.at(first, p * shape.weight.panelBytes()));
    return panels;
  }
  /// Constant distances from one pointer, which addresses can hold.
  SmallVector<Value> inputs(Value firstRow, int64_t count) {
    Value first = b.at(input, b.mul(firstRow, shape.inputRowBytes));
    SmallVector<Value> pointers;
    for (int64_t r = 0; r < count; ++r)
      pointers.push_back(b.at(first, r * shape.inputRowBytes));
    return pointers;
  }

  // Whole tiles, then what is left in halves: five rows are a tile of four and one of one.
  void forParts(Value first, Value last, int64_t largest, llvm::function_ref<void(Value at, int64_t count)> body) {
    for (int64_t tile = largest; tile > 0; tile /= 2) {
      Value end = b.sub(last, b.rem(b.sub(last, first), b.i64(tile)));
      b.loop(first, end, tile, [&](Value at) { body(at, tile); });
      first = end;
    }
  }

  /// Panels [first, last), each group of them multiplied with one tile of rows after the other.
  void forRowTiles(Value first, Value last, int64_t rowTile) {
    const IsaLevel &level = library.getLevel();
    int64_t abreast = std::clamp<int64_t>(level.tileSums / (rowTile * (paired ? 2 : 1)), 1, level.panelStreams);
    forParts(first, last, abreast, [&](Value panel, int64_t panels) {
      forParts(b.i64(0), rows, rowTile, [&](Value row, int64_t tile) { packedTile(panel, panels, row, tile); });
    });
  }

  /// Adds the products of all rows with `panels` to `sums`.
  void addBlocks(ArrayRef<Value> panels, Value sums, Value blocks) {
    int64_t groups = shape.weight.cols / groupColumns, pieces = (groups + UnpackedBlock::groups - 1) / UnpackedBlock::groups;
    int64_t blockGroups = (groups + pieces - 1) / pieces;
    b.loop(b.i64(0), b.i64(groups), blockGroups, [&](Value first) {
      Value last = b.minSigned(b.add(first, blockGroups), b.i64(groups));
      SmallVector<Value> unpacked;
      for (auto [p, panel] : llvm::enumerate(panels)) {
        unpacked.push_back(b.at(blocks, p * UnpackedBlock::bytes));
        library.unpackBlock(b, shape.weight, panel, first, last, unpacked.back());
      }
      forParts(b.i64(0), rows, library.getLevel().unpackedRowTile, [&](Value row, int64_t count) {
        SmallVector<Value> places;
        KernelBuilder::Values totals;
        for (size_t p = 0; p < panels.size(); ++p)
          for (int64_t r = 0; r < count; ++r)
            places.push_back(b.at(b.at(sumsOf(sums, p), b.mul(row, vecBytes)), r * vecBytes));
        for (Value place : places)
          totals.push_back(b.load(b.vecF32(), place, 64));
        totals = library.dotBlocks(b, shape.weight, unpacked, first, last, inputs(row, count), totals);
        for (auto [place, total] : llvm::zip(places, totals))
          b.store(total, place, 64);
      });
    });
  }

  void packedTile(Value firstPanel, int64_t panels, Value firstRow, int64_t count) {
    auto sums = library.dotPanels(b, shape.weight, panelsFrom(firstPanel, panels), inputs(firstRow, count));
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t r = 0; r < count; ++r)
        finish(b.add(firstPanel, p), b.add(firstRow, r), sums[paired ? 2 * p : p][r],
               paired ? sums[2 * p + 1][r] : Value());
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
    if (chunk)
      emitter.chunk(a[5], a[6]);
    else if (shape.maxRows > 1)
      emitter.fewRows(a[5], a[6]);
    else
      emitter.oneRow(a[5], a[6]);
  });
}

} // namespace gemmac
