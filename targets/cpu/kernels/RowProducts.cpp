#include "targets/cpu/kernels/RowProducts.h"

#include <algorithm>

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

void RowProducts::forParts(KernelBuilder &b, Value first, Value last, int64_t largest, Part body) {
  for (int64_t tile = largest; tile > 0; tile /= 2) {
    Value end = b.sub(last, b.rem(b.sub(last, first), b.i64(tile)));
    b.loop(first, end, tile, [&](Value at) { body(at, tile); });
    first = end;
  }
}

void RowProducts::oneRow(Value first, Value last) {
  forParts(b, first, last, library.getLevel().panelStreams,
           [&](Value panel, int64_t count) { packedTile(panel, count, b.i64(0), 1); });
}

void RowProducts::fewRows(Value rows, Value first, Value last) {
  const IsaLevel &level = library.getLevel();
  if (level.tileSums == 0)
    return manyStreams(rows, first, last);
  int64_t most = tileOf(level.rowTile), fewer = std::max<int64_t>(most / 2, 1);
  Value half = b.select(b.less(b.i64(fewer), rows), first, last);
  forRowTiles(rows, first, half, fewer);
  forRowTiles(rows, half, last, most);
}

// A wide row is two to the instructions that multiply bytes.
int64_t RowProducts::tileOf(int64_t rows) const {
  return std::max<int64_t>(rows / (weight.wideInput && !library.inWords(weight) ? 2 : 1), 1);
}

// Little code, which spills little: sums lie in memory, and eight streams bring more of the weights than that costs.
void RowProducts::manyStreams(Value rows, Value first, Value last) {
  const IsaLevel &level = library.getLevel();
  int64_t together = paired ? 2 : 1, streams = 2 * level.panelStreams, lot = streams / together;
  int64_t most = tileOf(level.rowTile);
  Value sums = b.stack(streams * most * vecBytes);
  b.loop(first, last, lot, [&](Value panel) {
    Value count = b.minSigned(b.sub(last, panel), b.i64(lot));
    Value packed = b.at(weights, b.mul(panel, together * weight.panelBytes()));
    forParts(b, b.i64(0), rows, most, [&](Value row, int64_t tile) {
      library.dotLot(b, weight, packed, b.mul(count, together), streams, inputs(row, tile), sums);
      b.loop(b.i64(0), count, 1, [&](Value p) {
        Value own = b.at(sums, b.mul(p, together * tile * vecBytes));
        auto sum = [&](int64_t i) { return b.load(b.vecF32(), b.at(own, i * vecBytes), 64); };
        for (int64_t r = 0; r < tile; ++r)
          finish(b.add(panel, p), b.add(row, r), sum(r), paired ? sum(tile + r) : Value());
      });
    });
  });
}

// Panels [first, last), so many of them at a time that their sums are few; each lot with one tile of rows after the
// other.
void RowProducts::forRowTiles(Value rows, Value first, Value last, int64_t rowTile) {
  const IsaLevel &level = library.getLevel();
  int64_t abreast = std::clamp<int64_t>(level.tileSums / (rowTile * (paired ? 2 : 1)), 1, level.panelStreams);
  forParts(b, first, last, abreast, [&](Value panel, int64_t panels) {
    forParts(b, b.i64(0), rows, rowTile, [&](Value row, int64_t tile) { packedTile(panel, panels, row, tile); });
  });
}

void RowProducts::packedTile(Value firstPanel, int64_t panels, Value firstRow, int64_t count) {
  auto sums = library.dotPanels(b, weight, panelsFrom(firstPanel, panels), inputs(firstRow, count));
  for (int64_t p = 0; p < panels; ++p)
    for (int64_t r = 0; r < count; ++r)
      finish(b.add(firstPanel, p), b.add(firstRow, r), sums[paired ? 2 * p : p][r],
             paired ? sums[2 * p + 1][r] : Value());
}

// Sums of all rows stay in memory while one block of columns after the other is unpacked.
void RowProducts::chunk(Value rows, int64_t maxRows, Value first, Value last) {
  int64_t abreast = library.getLevel().unpackedPanels, together = paired ? 2 : abreast;
  UnpackedBlock block = library.blockOf(weight);
  Value blocks = b.stack(abreast * block.bytes()), firstSums = b.stack(together * maxRows * vecBytes);
  SmallVector<Value> sums;
  for (int64_t p = 0; p < together; ++p)
    sums.push_back(b.at(firstSums, p * maxRows * vecBytes));
  forParts(b, first, last, paired ? 1 : abreast, [&](Value panel, int64_t count) {
    SmallVector<Value> panels = panelsFrom(panel, count);
    b.loop(b.i64(0), b.mul(rows, vecBytes), vecBytes, [&](Value offset) {
      for (size_t p = 0; p < panels.size(); ++p)
        b.store(b.splat(b.vecF32(), 0.0), b.at(sums[p], offset), 64);
    });
    for (size_t p = 0; p < panels.size(); p += abreast) {
      size_t now = std::min<size_t>(abreast, panels.size() - p);
      addBlocks(ArrayRef(panels).slice(p, now), rows, ArrayRef(sums).slice(p, now), blocks);
    }
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      auto sum = [&](int64_t which) {
        Value stored = b.loadVec(b.at(sums[which], b.mul(row, vecBytes)));
        return weight.sumsIntegers() ? library.scaledSum(b, weight, panels[which], inputs(row, 1)[0], stored) : stored;
      };
      for (int64_t p = 0; p < count; ++p)
        finish(b.add(panel, p), row, sum(paired ? 0 : p), paired ? sum(1) : Value());
    });
  });
}

// Adds the products of all rows with `panels` to `sums`, by panel.
void RowProducts::addBlocks(ArrayRef<Value> panels, Value rows, ArrayRef<Value> sums, Value blocks) {
  UnpackedBlock block = library.blockOf(weight);
  int64_t groups = weight.cols / groupColumns, pieces = (groups + block.groups() - 1) / block.groups();
  int64_t blockGroups = (groups + pieces - 1) / pieces;
  b.loop(b.i64(0), b.i64(groups), blockGroups, [&](Value first) {
    Value last = b.minSigned(b.add(first, blockGroups), b.i64(groups));
    SmallVector<Value> unpacked;
    for (auto [p, panel] : llvm::enumerate(panels)) {
      unpacked.push_back(b.at(blocks, static_cast<int64_t>(p) * block.bytes()));
      library.unpackBlock(b, weight, panel, first, last, unpacked.back());
    }
    forParts(b, b.i64(0), rows, tileOf(library.getLevel().unpackedRowTile), [&](Value row, int64_t count) {
      SmallVector<Value> places;
      KernelBuilder::Values totals;
      for (Value panelSums : sums)
        for (int64_t r = 0; r < count; ++r)
          places.push_back(b.at(b.at(panelSums, b.mul(row, vecBytes)), r * vecBytes));
      for (Value place : places)
        totals.push_back(b.load(b.vecF32(), place, 64));
      totals = library.dotBlocks(b, weight, unpacked, first, last, inputs(row, count), totals);
      for (auto [place, total] : llvm::zip(places, totals))
        b.store(total, place, 64);
    });
  });
}

// The panels behind `count` panels of the result.
SmallVector<Value> RowProducts::panelsFrom(Value panel, int64_t count) {
  int64_t together = paired ? 2 : 1;
  Value first = b.at(weights, b.mul(panel, together * weight.panelBytes()));
  SmallVector<Value> panels;
  for (int64_t p = 0; p < together * count; ++p)
    panels.push_back(b.at(first, p * weight.panelBytes()));
  return panels;
}

} // namespace gemmac
