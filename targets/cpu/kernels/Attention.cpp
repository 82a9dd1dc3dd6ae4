// Attention: one row divided among threads by its keys, then merged; several rows divided by rows. Both work through
// the splits of 128 keys in order with SplitAttention and merge alike, so that a row's bits depend on its position
// alone.
#include "targets/cpu/kernels/RowTile.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

namespace {
/// Where one split's results lie in a row of `parts` (gemma.step.attention_splits).
struct PartLayout {
  int64_t heads, padded;
  int64_t rowBytes() const { return splitResultWidth(heads, padded) * 4; }
  int64_t largestOffset() const { return heads * padded * 4; }
  int64_t sumOffset() const { return largestOffset() + roundUp(heads, lanes) * 4; }
};
} // namespace

//===--- one row
//------------------------------------------------------------------------------------------------------===//

namespace {
/// The (KV head, split) pairs of a row, and which of them are a thread's: those whose keys, counted head by head, begin
/// in the thread's share, cut at the nearest split.
struct SplitUnits {
  KernelBuilder &b;
  int64_t kvHeads;
  Value firstKey, keys, firstSplit, splits;

  SplitUnits(KernelBuilder &b, int64_t kvHeads, KeyRange range)
      : b(b), kvHeads(kvHeads), firstKey(range.first), keys(b.sub(b.add(range.last, 1), range.first)),
        firstSplit(range.firstSplit()), splits(b.sub(range.endSplit(), firstSplit)) {}

  /// The first unit of thread `thread` of `threads`; of thread `threads`: the number of units.
  Value begin(Value thread, Value threads) {
    Value share = b.div(b.mul(b.mul(keys, kvHeads), thread), threads);
    Value head = b.div(share, keys), key = b.rem(share, keys);
    Value nearest = b.div(b.add(b.add(firstKey, key), cacheSplit / 2), b.i64(cacheSplit));
    Value split = b.select(b.less(b.i64(0), key), b.sub(nearest, firstSplit), b.i64(0));
    return b.add(b.mul(head, splits), split);
  }
};
} // namespace

namespace {
/// The queries of a KV head as its cache wants them: they themselves, or copies that prepareQuery made.
class PreparedQueries {
public:
  PreparedQueries(KernelBuilder &b, const CacheShape &cache, int64_t count, Value keyNorm)
      : b(b), cache(cache), count(count), keyNorm(keyNorm) {
    if (needed())
      copies = b.stack(count * queryRowBytes(cache));
  }
  /// \param turn  above 0 where the head is the one that was asked for last: its copies are kept.
  Value of(Value queries, Value turn) {
    if (!needed())
      return queries;
    b.ifThen(b.less(turn, b.i64(1)), [&] {
      b.loop(b.i64(0), b.i64(count), 1, [&](Value pair) {
        prepareQuery(b, cache, b.at(queries, b.mul(pair, cache.padded * 4)), keyNorm,
                     b.at(copies, b.mul(pair, queryRowBytes(cache))));
      });
    });
    return copies;
  }

private:
  KernelBuilder &b;
  const CacheShape &cache;
  int64_t count;
  Value keyNorm, copies;
  bool needed() const { return cache.turnedPairs || CacheRows::keys(b, cache).changed(); }
};
} // namespace

// (query, parts, cache, key norm, the call's row; thread, threads)
static func::FuncOp attentionSplitsKernel(KernelLibrary &kernels, gemma::AttentionSplitsStep step,
                                          const CacheShape &cache) {
  int64_t heads = step.getHeads(), perKvHead = heads / cache.heads;
  std::string name = llvm::formatv("attention_splits_{0}_q{1}", cache.text(), heads);
  return kernels.get(name, 5, 2, [&](KernelBuilder &b, ValueRange a) {
    PartLayout layout{heads, cache.padded};
    CallRows row(b, a[4]);
    Value position = row.position(b.i64(0)), keys = b.at(a[2], b.mul(row.slot(b.i64(0)), kernels.getSlotBytes()));
    KeyRange range(b, cache, position, position);
    SplitUnits units(b, cache.heads, range);
    int64_t tilePairs = SplitAttention::tilePairs(kernels.getLevel(), perKvHead);
    Value scores = b.stack(perKvHead * ScoreRow::bytes), begin = units.begin(a[5], a[6]);
    PreparedQueries prepared(b, cache, perKvHead, a[3]);
    b.loop(begin, units.begin(b.add(a[5], 1), a[6]), 1, [&](Value unit) {
      Value kvHead = b.div(unit, units.splits), index = b.rem(unit, units.splits);
      SplitBlocks blocks = range.blocksOf(b.add(range.firstSplit(), index));
      SplitAttention attention(b, cache, kernels.getLevel(), b.at(keys, b.mul(kvHead, cache.keyHeadBytes())),
                               b.at(b.at(keys, cache.valuesOffset()), b.mul(kvHead, cache.valueHeadBytes())),
                               /*prefetch=*/true);
      Value part = b.at(a[1], b.mul(index, layout.rowBytes())), firstHead = b.mul(kvHead, perKvHead);
      Value queries =
          prepared.of(b.at(a[0], b.mul(firstHead, attention.rowBytes())), b.minSigned(index, b.sub(unit, begin)));
      Value sums = b.at(part, b.mul(firstHead, attention.rowBytes()));
      auto tile = [&](int64_t pair) {
        return PairTile{std::min(tilePairs, perKvHead - pair), b.at(queries, pair * attention.queryBytes()),
                        b.at(scores, pair * ScoreRow::bytes), b.at(sums, pair * attention.rowBytes())};
      };
      for (int64_t pair = 0; pair < perKvHead; pair += tilePairs)
        attention.scores(tile(pair), blocks);
      b.loop(b.i64(0), b.i64(perKvHead), 1, [&](Value pair) {
        auto result = attention.softmax(b.at(scores, b.mul(pair, ScoreRow::bytes)), blocks, range.first, range.last);
        Value place = b.at(part, b.mul(b.add(firstHead, pair), 4));
        b.store(result.largest, b.at(place, layout.largestOffset()));
        b.store(result.sum, b.at(place, layout.sumOffset()));
      });
      for (int64_t pair = 0; pair < perKvHead; pair += tilePairs)
        attention.weightedValues(tile(pair), blocks);
    });
  });
}

LogicalResult lower(gemma::AttentionSplitsStep step, StepLowering &lowering) {
  CacheShape shape(lowering.cache(step.getCache()));
  Value cacheAt = lowering.cachePointer(step.getCache()),
        keyNorm = step.getKeyNorm() ? lowering.weight(*step.getKeyNorm()) : cacheAt;
  return lowering.callKernel(attentionSplitsKernel(lowering.kernels, step, shape),
                             {lowering.pointer(step.getQuery()), lowering.pointer(step.getParts()), cacheAt, keyNorm,
                              lowering.rowsAt, lowering.thread, lowering.threads});
}

// (parts, result, the call's row; first, last[; static scale]): row 0 if it is in [first, last)
static func::FuncOp attentionMergeKernel(KernelLibrary &kernels, gemma::AttentionMergeStep step,
                                         const CacheShape &cache) {
  int64_t heads = step.getHeads(), width = heads * cache.padded, headVectors = roundUp(heads, lanes) / lanes;
  bool quantized = step.getResult().getType().isQuantized(), isStatic = step.getStaticScale().has_value();
  std::string name =
      llvm::formatv("attention_merge_{0}_h{1}_d{2}_w{3}{4}{5}{6}", nameOf(step.getResult().getType().getElement()),
                    heads, cache.headDim, cache.window, isStatic ? "_static" : "", cache.rotated ? "_rotated" : "",
                    cache.valueExponent ? "_exponent" + std::to_string(cache.valueExponent) : "");
  auto body = [&](KernelBuilder &b, ValueRange a) {
    PartLayout layout{heads, cache.padded};
    Value merged = quantized ? b.stack(width * 4) : a[1];
    Value factors = b.stack(2 * headVectors * vecBytes), zero = b.splat(b.vecF32(), 0.0);
    b.loop(a[3], a[4], 1, [&](Value) {
      Value position = CallRows(b, a[2]).position(b.i64(0));
      KeyRange range(b, cache, position, position);
      b.loop(b.i64(0), b.i64(width * 4), vecBytes, [&](Value i) { b.store(zero, b.at(merged, i)); });
      KernelBuilder::Values state;
      for (int64_t v = 0; v < headVectors; ++v)
        state.append({b.splat(b.vecF32(), SplitAttention::lowestScore), zero});
      Value splits = b.sub(range.endSplit(), range.firstSplit());
      state = b.loop(b.i64(0), splits, 1, state, [&](Value index, ValueRange before) {
        Value part = b.at(a[0], b.mul(index, layout.rowBytes()));
        KernelBuilder::Values next;
        for (int64_t v = 0; v < headVectors; ++v) {
          Merge merge(b, before[2 * v], before[2 * v + 1], b.loadVec(b.at(part, layout.largestOffset() + v * vecBytes)),
                      b.loadVec(b.at(part, layout.sumOffset() + v * vecBytes)));
          b.store(merge.keep, b.at(factors, 2 * v * vecBytes));
          b.store(merge.take, b.at(factors, (2 * v + 1) * vecBytes));
          next.append({merge.largest, merge.sum});
        }
        b.loop(b.i64(0), b.i64(heads), 1, [&](Value head) {
          Value factor =
              b.at(factors, b.add(b.mul(b.div(head, b.i64(lanes)), 2 * vecBytes), b.mul(b.rem(head, b.i64(lanes)), 4)));
          Value keep = b.broadcast(b.loadFloat(factor)), take = b.broadcast(b.loadFloat(b.at(factor, vecBytes)));
          Value offset = b.mul(head, cache.padded * 4);
          b.loop(offset, b.add(offset, cache.padded * 4), vecBytes, [&](Value i) {
            Value place = b.at(merged, i);
            b.store(Merge::values(b, b.loadVec(place), b.loadVec(b.at(part, i)), keep, take), place);
          });
        });
        return next;
      });
      if (CacheRows::values(b, cache).changed())
        b.loop(b.i64(0), b.i64(heads), 1,
               [&](Value head) { CacheRows::values(b, cache).restore(b.at(merged, b.mul(head, cache.padded * 4))); });
      Value inverses = factors;
      for (int64_t v = 0; v < headVectors; ++v)
        b.store(b.divf(b.splat(b.vecF32(), 1.0), state[2 * v + 1]), b.at(inverses, v * vecBytes));
      storeRow(b, a[1], step.getResult().getType(), RowLimits(a.drop_front(5), isStatic, false), [&](Value offset) {
        Value head = b.div(offset, b.i64(cache.padded * 4));
        Value inverse = b.broadcast(b.loadFloat(b.at(inverses, b.mul(head, 4))));
        Value place = b.at(merged, offset), low = b.mulf(b.loadVec(place), inverse);
        return std::make_pair(low, b.mulf(b.loadVec(b.at(place, vecBytes)), inverse));
      });
    });
  };
  return kernels.get(name, 3, 2, body, isStatic ? 1 : 0);
}

LogicalResult lower(gemma::AttentionMergeStep step, StepLowering &lowering) {
  CacheShape shape(lowering.cache(step.getCache()));
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  SmallVector<Value> arguments{lowering.pointer(step.getParts()), lowering.pointer(step.getResult()), lowering.rowsAt,
                               first, last};
  lowering.addScale(arguments, step.getStaticScale());
  return lowering.callKernel(attentionMergeKernel(lowering.kernels, step, shape), arguments);
}

//===--- several rows
//-------------------------------------------------------------------------------------------------===//

// (query, result, cache, key norm, rows of the call, runs; rows, runs, thread, threads): tiles of rows of a run and a
// KV head; each thread takes every threads-th, since later rows see more keys
static func::FuncOp attentionKernel(KernelLibrary &kernels, gemma::AttentionStep step, const CacheShape &cache) {
  int64_t heads = step.getHeads(), perKvHead = heads / cache.heads, rowBytes = step.getQuery().getType().getRowBytes();
  std::string name = llvm::formatv("attention_{0}_q{1}{2}", cache.text(), heads, step.getBlocks() ? "_blocks" : "");
  return kernels.get(name, 6, 4, [&](KernelBuilder &b, ValueRange a) {
    Value thread = a[8], threads = a[9];
    CallRows callRows(b, a[4]);
    RowTile tile(b, cache, TileMemory(kernels.getLevel(), cache, perKvHead), heads, rowBytes);
    auto ceilDiv = [&](Value x, Value y) { return b.div(b.sub(b.add(x, y), b.i64(1)), y); };
    // Few rows make small tiles, so that every thread has some.
    Value tileRows =
        b.minSigned(ceilDiv(b.mul(a[6], cache.heads), threads), b.i64(SplitAttention::tileRows(perKvHead)));
    // Units of all runs are dealt out in turn: `skip` of a run's belong to other threads before the first of this one.
    b.loop(b.i64(0), a[7], 1, ValueRange{thread}, [&](Value index, ValueRange state) {
      Value run = b.at(a[5], b.mul(index, int64_t{sizeof(gemmac_run)})), skip = state[0];
      Value runFirst = b.load(b.getI64Type(), run),
            runCount = b.load(b.getI64Type(), b.at(run, int64_t{offsetof(gemmac_run, count)}));
      Value tiles = ceilDiv(runCount, tileRows), units = b.mul(tiles, cache.heads);
      Value keys = b.at(a[2], b.mul(callRows.slot(runFirst), kernels.getSlotBytes()));
      Value mine = ceilDiv(b.maxSigned(b.sub(units, skip), b.i64(0)), threads);
      b.loop(b.i64(0), mine, 1, [&](Value turn) {
        Value unit = b.add(skip, b.mul(turn, threads));
        Value kvHead = b.div(unit, tiles), inRun = b.mul(b.rem(unit, tiles), tileRows);
        Value count = b.minSigned(tileRows, b.sub(runCount, inRun)), firstRow = b.add(runFirst, inRun);
        Value queryOffset = b.mul(kvHead, perKvHead * cache.padded * 4);
        SplitAttention attention(b, cache, kernels.getLevel(), b.at(keys, b.mul(kvHead, cache.keyHeadBytes())),
                                 b.at(b.at(keys, cache.valuesOffset()), b.mul(kvHead, cache.valueHeadBytes())),
                                 /*prefetch=*/false, /*keyNorm=*/a[3]);
        tile.emit(attention, b.at(a[0], queryOffset), b.at(a[1], queryOffset), firstRow, count,
                  callRows.position(firstRow),
                  step.getBlocks() ? callRows.position(b.sub(b.add(runFirst, runCount), b.i64(1))) : Value());
      });
      return KernelBuilder::Values{b.sub(b.add(skip, b.mul(mine, threads)), units)};
    });
  });
}

LogicalResult lower(gemma::AttentionStep step, StepLowering &lowering) {
  CacheShape shape(lowering.cache(step.getCache()));
  Value cacheAt = lowering.cachePointer(step.getCache()),
        keyNorm = step.getKeyNorm() ? lowering.weight(*step.getKeyNorm()) : cacheAt;
  return lowering.callKernel(attentionKernel(lowering.kernels, step, shape),
                             {lowering.pointer(step.getQuery()), lowering.pointer(step.getResult()), cacheAt, keyNorm,
                              lowering.rowsAt, lowering.runsAt, lowering.rows, lowering.runs, lowering.thread,
                              lowering.threads});
}

} // namespace gemmac
