#include "targets/cpu/kernels/ChunkProducts.h"

#include <algorithm>

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

ChunkProducts::ChunkProducts(const KernelLibrary &library, KernelBuilder &b, const PackedShape &weight, int64_t panels,
                             int64_t maxRows, const RowProducts::Inputs &inputs)
    : library(library), b(b), weight(weight), inputs(inputs), slices(b, weight.slices(), panels * vecBytes),
      rowBytes(slices.levels() * panels * vecBytes), rowTile(library.unpackedTileOf(weight).rows) {
  blocks = b.stack(library.getLevel().unpackedPanels * library.blockOf(weight).bytes());
  sums = b.stack(maxRows * rowBytes);
  zeros = b.stack(rowTile * rowBytes);
  for (int64_t panel = 0; panel < panels; ++panel)
    for (int64_t row = 0; row < rowTile; ++row)
      b.store(b.splat(b.vecF32(), 0.0), b.at(zeros, panel * vecBytes + row * rowBytes), vecBytes);
}

Value ChunkProducts::waitingOf(int64_t number, Value row) {
  return b.at(b.at(sums, b.mul(row, rowBytes)), number * vecBytes);
}

VectorType ChunkProducts::sumType() { return weight.sumsIntegers() ? b.vecI32() : b.vecF32(); }

Value ChunkProducts::sum(int64_t number, Value row) { return slices.result(waitingOf(number, row), sumType()); }

// Blocks end where slices do: they hold several slices, or a part of one.
void ChunkProducts::multiply(ArrayRef<Value> panels, int64_t number, Value rows) {
  int64_t most = library.blockOf(weight).groups, per = weight.slices().per(), count = weight.slices().count();
  auto inEqualParts = [](int64_t whole, int64_t most) {
    int64_t parts = (whole + most - 1) / most;
    return (whole + parts - 1) / parts;
  };
  if (per <= most)
    wholeSlices(panels, number, rows, inEqualParts(count, most / per));
  else
    partsOfSlices(panels, number, rows, inEqualParts(per, most));
}

// The last of an odd number of panels comes seldom: rows that fill no tile go one by one, which is less code.
void ChunkProducts::forTiles(Value rows, size_t panels, RowProducts::Part body) {
  bool isRest = static_cast<int64_t>(panels) < library.getLevel().unpackedPanels;
  RowProducts::forParts(b, b.i64(0), rows, rowTile, body, isRest ? std::max<int64_t>(rowTile, 2) : rowTile % 3 ? 2 : 3);
}

void ChunkProducts::wholeSlices(ArrayRef<Value> panels, int64_t number, Value rows, int64_t together) {
  Value count = b.i64(weight.slices().count());
  b.loop(b.i64(0), count, together, [&](Value slice) {
    Value end = b.minSigned(b.add(slice, together), count), first = slices.first(slice);
    SmallVector<Value> unpacked = unpack(panels, first, slices.firstOrEnd(end));
    forTiles(rows, panels.size(), [&](Value row, int64_t tile) {
      SmallVector<Value> inputRows = inputs(row, tile);
      b.loop(slice, end, 1, [&](Value own) {
        dotTile({unpacked, first, slices.first(own), slices.end(own)}, {own, {}, {}}, number, row, inputRows);
      });
    });
  });
}

void ChunkProducts::partsOfSlices(ArrayRef<Value> panels, int64_t number, Value rows, int64_t groups) {
  b.loop(b.i64(0), b.i64(weight.slices().count()), 1, [&](Value slice) {
    Value begin = slices.first(slice), end = slices.end(slice);
    b.loop(begin, end, groups, [&](Value first) {
      Value last = b.minSigned(b.add(first, groups), end);
      SmallVector<Value> unpacked = unpack(panels, first, last);
      Part part{slice, b.less(first, b.add(begin, 1)), b.less(b.sub(end, b.i64(1)), last)};
      forTiles(rows, panels.size(), [&](Value row, int64_t tile) {
        dotTile({unpacked, first, first, last}, part, number, row, inputs(row, tile));
      });
    });
  });
}

SmallVector<Value> ChunkProducts::unpack(ArrayRef<Value> panels, Value first, Value last) {
  SmallVector<Value> unpacked;
  for (Value panel : panels) {
    unpacked.push_back(b.at(blocks, static_cast<int64_t>(unpacked.size()) * library.blockOf(weight).bytes()));
    library.unpackBlock(b, weight, panel, first, last, unpacked.back());
  }
  return unpacked;
}

void ChunkProducts::dotTile(const Groups &groups, const Part &part, int64_t number, Value row,
                            ArrayRef<Value> inputRows) {
  int64_t tile = static_cast<int64_t>(inputRows.size());
  SmallVector<int64_t> offsets;
  for (int64_t i = 0; i < static_cast<int64_t>(groups.blocks.size()) * tile; ++i)
    offsets.push_back(i / tile * vecBytes + i % tile * rowBytes);
  Value waiting = waitingOf(number, row), open = slices.at(waiting, slices.open());
  Value from = part.begins ? b.select(part.begins, zeros, open) : zeros;
  KernelBuilder::Values totals;
  for (int64_t offset : offsets)
    totals.push_back(b.load(sumType(), b.at(from, offset), vecBytes));
  totals = library.dotBlocks(b, weight, groups, inputRows, totals);
  auto finish = [&] { slices.finish(part.slice, totals, waiting, offsets); };
  auto leave = [&] {
    for (auto [total, offset] : llvm::zip(totals, offsets))
      b.store(total, b.at(open, offset), vecBytes);
  };
  if (part.ends)
    b.ifThen(part.ends, finish, leave);
  else
    finish();
}

} // namespace gemmac
