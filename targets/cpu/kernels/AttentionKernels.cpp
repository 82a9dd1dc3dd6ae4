// Head projection with norms and RoPE; CacheRows writes keys and values.
#include "targets/cpu/kernels/CacheRows.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

namespace {
/// Emits what follows the projection of one head: `raw` holds its rows.
class HeadFinisher {
public:
  HeadFinisher(KernelBuilder &b, int64_t headDim, double eps, Value raw, Value ropeTable, CallRows callRows, Value rows,
               int64_t slotBytes)
      : b(b), padded(paddedHeadDim(headDim)), headDim(headDim), slotBytes(slotBytes), eps(eps), raw(raw),
        ropeTable(ropeTable), callRows(callRows), rows(rows) {}

  void query(Value weight, Value query, int64_t queryRowBytes) {
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      Value target = b.at(query, b.mul(row, queryRowBytes));
      rotated(row, weight, [&](Value offset, Value value) { b.store(value, b.at(target, offset)); });
    });
  }

  void key(const CacheShape &cache, Value weight, Value keys) {
    Value whole = b.stack(padded * 4), stored = cache.turnedPairs ? b.stack(cache.paddedKey * 4) : whole;
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      rotated(row, weight, [&](Value offset, Value value) { b.store(value, b.at(whole, offset)); });
      CacheRows cacheRows = CacheRows::keys(b, cache);
      if (cache.turnedPairs)
        cacheRows.takeTurned(whole, stored);
      Place place = placeOf(cache, row);
      cacheRows.storeKey(stored, place.blockAt(b, keys, cache.keyBlockBytes()), place.lane);
    });
  }

  void value(const CacheShape &cache, Value values, bool normed) {
    Value stored = b.stack(padded * 4);
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      Value source = b.at(raw, b.mul(row, padded * 4));
      Value inverse = normed ? inverseRmsOf(source) : Value();
      b.loop(b.i64(0), b.i64(padded * 4), vecBytes, [&](Value i) {
        Value x = b.loadVec(b.at(source, i));
        b.store(normed ? b.mulf(x, inverse) : x, b.at(stored, i));
      });
      Place place = placeOf(cache, row);
      CacheRows::values(b, cache).storeValue(stored, place.blockAt(b, values, cache.valueBlockBytes()), place.lane);
    });
  }

private:
  KernelBuilder &b;
  int64_t padded, headDim, slotBytes;
  double eps;
  Value raw, ropeTable;
  CallRows callRows;
  Value rows;

  /// Where the position of a row lies: from the first slot's cache to that of its slot, the number of its block in it,
  /// and its lane in that.
  struct Place {
    Value slotOffset, block, lane;
    Value blockAt(KernelBuilder &b, Value firstSlot, int64_t blockBytes) const {
      return b.at(b.at(firstSlot, slotOffset), b.mul(block, blockBytes));
    }
  };
  Place placeOf(const CacheShape &cache, Value row) {
    Value entry = b.rem(callRows.position(row), b.i64(cache.capacity));
    return {b.mul(callRows.slot(row), slotBytes), b.div(entry, b.i64(cacheBlock)), b.rem(entry, b.i64(cacheBlock))};
  }

  Value inverseRmsOf(Value row) { return inverseRms(b, row, padded, headDim, eps); }

  // rope(raw * inverse rms * weight) of one row, handed out vector by vector with its byte offset.
  void rotated(Value row, Value weight, llvm::function_ref<void(Value offset, Value value)> store) {
    Value source = b.at(raw, b.mul(row, padded * 4));
    Value inverse = inverseRmsOf(source);
    Value table = b.at(ropeTable, b.mul(row, padded * 4));
    int64_t half = padded / 2 * 4;
    b.loop(b.i64(0), b.i64(half), vecBytes, [&](Value i) {
      auto normed = [&](Value offset) {
        return b.mulf(b.mulf(b.loadVec(b.at(source, offset)), inverse), b.loadVec(b.at(weight, offset)));
      };
      Value partner = b.add(i, half);
      Value x = normed(i), y = normed(partner);
      Value cosine = b.loadVec(b.at(table, i)), sine = b.loadVec(b.at(table, partner));
      store(i, b.subf(b.mulf(x, cosine), b.mulf(y, sine)));
      store(partner, b.addf(b.mulf(y, cosine), b.mulf(x, sine)));
    });
  }
};
} // namespace

// (input, weights, rope table, query, raw, q norm, k norm, cache, rows of the call; rows, first, last[; scales of the
// output grids of q, k, v]): heads [first, last) of q, k, v
static func::FuncOp qkvKernel(KernelLibrary &kernels, gemma::QkvStep step, const PackedShape &weight,
                              std::optional<CacheShape> cache, bool outputGrids, int64_t maxRows) {
  int64_t heads = step.getHeads(), headDim = step.getHeadDim(), padded = paddedHeadDim(headDim);
  bool keysAreValues = step.getKeysAreValues(), rawValues = step.getRawValues();
  KernelLibrary::Matmul shape{.weight = weight,
                              .inputRowBytes = step.getInput().getType().getRowBytes(),
                              .outputGrids = outputGrids,
                              .maxRows = maxRows};
  func::FuncOp project = kernels.matmul(shape);
  std::string name = llvm::formatv("qkv_{0}_q{1}_d{2}_{3}{4}{5}{6}{7}{8}", weight.text(), heads, headDim,
                                   bitsText(step.getEps().convertToDouble()), cache ? "_kv_" + cache->text() : "",
                                   keysAreValues ? "_shared" : "", rawValues ? "_raw" : "",
                                   maxRows == 1 ? "" : "_upto" + std::to_string(maxRows), outputGrids ? "_grid" : "");
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value raw = a[4], rows = a[9];
    HeadFinisher finish(b, headDim, step.getEps().convertToDouble(), raw, a[2], CallRows(b, a[8]), rows,
                        kernels.getSlotBytes());
    b.loop(a[10], a[11], 1, [&](Value head) {
      Value panels = b.at(a[1], b.mul(head, padded / panelRows * weight.panelBytes()));
      Value rawRowBytes = b.i64(padded * 4), none = b.i64(0);
      SmallVector<Value> arguments{a[0], panels, raw, raw, rows, none, b.i64(padded / panelRows), rawRowBytes, none};
      if (outputGrids) {
        Value ofKeysAndValues = a[13];
        if (cache && !keysAreValues)
          ofKeysAndValues = b.select(b.less(head, b.i64(heads + cache->heads)), a[13], a[14]);
        arguments.append(2, b.select(b.less(head, b.i64(heads)), a[12], ofKeysAndValues));
      }
      func::CallOp::create(b, project, arguments);
      auto query = [&] {
        finish.query(a[5], b.at(a[3], b.mul(head, padded * 4)), step.getQuery().getType().getRowBytes());
      };
      if (!cache)
        return query();
      auto key = [&](Value kvHead) { finish.key(*cache, a[6], b.at(a[7], b.mul(kvHead, cache->keyHeadBytes()))); };
      auto value = [&](Value kvHead) {
        finish.value(*cache, b.at(b.at(a[7], cache->valuesOffset()), b.mul(kvHead, cache->valueHeadBytes())),
                     !rawValues);
      };
      b.ifThen(b.less(head, b.i64(heads)), query, [&] {
        Value kvHead = b.sub(head, b.i64(heads));
        if (keysAreValues) {
          key(kvHead);
          value(kvHead);
          return;
        }
        b.ifThen(
            b.less(kvHead, b.i64(cache->heads)), [&] { key(kvHead); },
            [&] { value(b.sub(kvHead, b.i64(cache->heads))); });
      });
    });
  };
  return kernels.get(name, 9, 3, body, outputGrids ? 3 : 0);
}

LogicalResult lower(gemma::QkvStep step, StepLowering &lowering) {
  gemma::PackedOp matrix = lowering.packed(step.getWeight());
  PackedShape shape(matrix, step.getInput().getType());
  std::optional<CacheShape> cacheShape;
  Value unused = lowering.pointer(step.getRaw()), keysNorm = unused, cacheAt = unused;
  if (step.getCache()) {
    cacheShape.emplace(lowering.cache(*step.getCache()));
    keysNorm = lowering.weight(*step.getKNorm());
    cacheAt = lowering.cachePointer(*step.getCache());
  }
  auto [first, last] = lowering.share(lowering.b.i64(shape.rows / paddedHeadDim(step.getHeadDim())));
  SmallVector<Value> arguments{lowering.pointer(step.getInput()),
                               lowering.weight(step.getWeight()),
                               lowering.pointer(step.getRopeTable()),
                               lowering.pointer(step.getQuery()),
                               lowering.pointer(step.getRaw()),
                               lowering.weight(step.getQNorm()),
                               keysNorm,
                               cacheAt,
                               lowering.rowsAt,
                               lowering.rows,
                               first,
                               last};
  lowering.addOutputScales(arguments, matrix, 3);
  return lowering.callKernel(
      qkvKernel(lowering.kernels, step, shape, cacheShape, matrix.getOutputScales().has_value(), lowering.maxRows()),
      arguments);
}

} // namespace gemmac
