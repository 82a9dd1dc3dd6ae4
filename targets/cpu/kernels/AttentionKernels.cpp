// gemma.step.qkv: head projection with norms and RoPE; CacheRows writes keys and values.
#include "targets/cpu/kernels/HeadRows.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

/// Where rows of the call lie in a cache.
static HeadFinisher::PlaceOf placesOf(KernelBuilder &b, const CacheShape &cache, CallRows callRows, int64_t slotBytes) {
  return [&b, &cache, callRows, slotBytes](Value row) mutable -> HeadFinisher::Place {
    Value entry = b.rem(callRows.position(row), b.i64(cache.capacity));
    return {b.mul(callRows.slot(row), slotBytes), b.div(entry, b.i64(cacheBlock)), b.rem(entry, b.i64(cacheBlock))};
  };
}

// (input, weights, rope table, query, raw, q norm, k norm, cache, rows of the call; rows, first, last[; what q, k, v do
// to their products]): heads [first, last) of q, k, v
static func::FuncOp qkvKernel(KernelLibrary &kernels, gemma::QkvStep step, gemma::PackedOp matrix,
                              std::optional<CacheShape> cache, int64_t mostRows) {
  int64_t heads = step.getHeads(), headDim = step.getHeadDim(), padded = paddedHeadDim(headDim);
  bool keysAreValues = step.getKeysAreValues(), rawValues = step.getRawValues();
  gemma::BufferType input = step.getInput().getType();
  HeadProducts products(kernels, matrix, input, headDim, mostRows);
  std::string name =
      llvm::formatv("qkv_{0}_q{1}_d{2}_{3}{4}{5}{6}{7}", PackedShape(matrix, input).text(), heads, headDim,
                    bitsText(step.getEps().convertToDouble()), cache ? "_kv_" + cache->text() : "",
                    keysAreValues ? "_shared" : "", rawValues ? "_raw" : "", products.text());
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value raw = a[4], rows = a[9];
    HeadFinisher finish(b, headDim, step.getEps().convertToDouble(), raw, a[2], rows,
                        cache ? placesOf(b, *cache, CallRows(b, a[8]), kernels.getSlotBytes()) : nullptr);
    b.loop(a[10], a[11], 1, [&](Value head) {
      products.make(b, a[0], a[1], head, raw, rows, a.drop_front(12), [&](Value q, Value k, Value v) {
        Value ofKeysAndValues = cache && !keysAreValues ? b.select(b.less(head, b.i64(heads + cache->heads)), k, v) : k;
        return b.select(b.less(head, b.i64(heads)), q, ofKeysAndValues);
      });
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
  return kernels.get(name, 9, 3, body, products.floats());
}

LogicalResult lower(gemma::QkvStep step, StepLowering &lowering) {
  gemma::PackedOp matrix = lowering.packed(step.getWeight());
  std::optional<CacheShape> cacheShape;
  Value unused = lowering.pointer(step.getRaw()), keysNorm = unused, cacheAt = unused;
  if (step.getCache()) {
    cacheShape.emplace(lowering.cache(*step.getCache()));
    keysNorm = lowering.weight(*step.getKNorm());
    cacheAt = lowering.cachePointer(*step.getCache());
  }
  int64_t heads = static_cast<int64_t>(matrix.getRows()) / paddedHeadDim(step.getHeadDim());
  auto [first, last] = lowering.share(lowering.b.i64(heads));
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
  lowering.addOutputs(arguments, matrix, 3);
  return lowering.callKernel(qkvKernel(lowering.kernels, step, matrix, cacheShape, lowering.maxRowsOf(step.getInput())),
                             arguments);
}

} // namespace gemmac
