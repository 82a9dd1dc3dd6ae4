#include "targets/cpu/kernels/RowProducts.h"

#include "targets/cpu/kernels/ChunkProducts.h"

#include <algorithm>

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

void RowProducts::forParts(KernelBuilder &b, Value first, Value last, int64_t largest, Part body, int64_t divisor) {
  for (int64_t tile = largest; tile > 0; tile = tile > 1 ? std::max<int64_t>(tile / divisor, 1) : 0) {
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
  int64_t most = library.tileOf(weight, level.rowTile), fewer = std::max<int64_t>(most / 2, 1);
  Value half = b.select(b.less(b.i64(fewer), rows), first, last);
  forRowTiles(rows, first, half, fewer);
  forRowTiles(rows, half, last, most);
}

// Little code, which spills little: sums lie in memory, and eight streams bring more of the weights than that costs.
void RowProducts::manyStreams(Value rows, Value first, Value last) {
  const IsaLevel &level = library.getLevel();
  int64_t together = paired ? 2 : 1, streams = 2 * level.panelStreams, lot = streams / together;
  int64_t most = library.tileOf(weight, level.rowTile);
  KernelLibrary::LotSums sums(b, weight, streams, most);
  b.loop(first, last, lot, [&](Value panel) {
    Value count = b.minSigned(b.sub(last, panel), b.i64(lot));
    Value packed = b.at(weights, b.mul(panel, together * weight.panelBytes()));
    forParts(b, b.i64(0), rows, most, [&](Value row, int64_t tile) {
      library.dotLot(b, weight, packed, b.mul(count, together), inputs(row, tile), sums);
      b.loop(b.i64(0), count, 1, [&](Value p) {
        Value own = b.at(sums.memory, b.mul(p, together * tile * vecBytes));
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

void RowProducts::chunk(Value rows, int64_t maxRows, Value first, Value last) {
  int64_t abreast = library.getLevel().unpackedPanels, together = paired ? 2 : abreast;
  ChunkProducts products(library, b, weight, together, maxRows, inputs);
  forParts(b, first, last, paired ? 1 : abreast, [&](Value panel, int64_t count) {
    SmallVector<Value> panels = panelsFrom(panel, count);
    for (size_t p = 0; p < panels.size(); p += abreast) {
      size_t now = std::min<size_t>(abreast, panels.size() - p);
      products.multiply(ArrayRef(panels).slice(p, now), static_cast<int64_t>(p), rows);
    }
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      auto sum = [&](int64_t which) {
        return library.scaledSum(b, weight, panels[which], inputs(row, 1)[0], products.sum(which, row));
      };
      for (int64_t p = 0; p < count; ++p)
        finish(b.add(panel, p), row, sum(paired ? 0 : p), paired ? sum(1) : Value());
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
