// Head projection with norms and RoPE, the KV cache, and attention. Cache layout: gemma.kv_cache.
#include "passes/lower/Kernels.h"

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
  HeadFinisher(KernelBuilder &b, int64_t headDim, double eps, Value raw, Value ropeTable, Value rows, Value position)
      : b(b), padded(paddedHeadDim(headDim)), headDim(headDim), eps(eps), raw(raw), ropeTable(ropeTable), rows(rows),
        position(position) {}

  void query(Value weight, Value query, int64_t queryRowBytes) {
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      Value target = b.at(query, b.mul(row, queryRowBytes));
      rotated(row, weight, [&](Value offset, Value value) { b.store(value, b.at(target, offset)); });
    });
  }

  void key(const CacheShape &cache, Value weight, Value keys) {
    Value slotRow = b.stack(padded * 4);
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      rotated(row, weight, [&](Value offset, Value value) { b.store(value, b.at(slotRow, offset)); });
      Value slot = b.rem(b.add(position, row), b.i64(cache.capacity));
      Value panel = b.mul(b.div(slot, b.i64(lanes)), padded * lanes * cache.elementBytes());
      Value place = b.at(b.at(keys, panel), b.mul(b.rem(slot, b.i64(lanes)), cache.elementBytes()));
      b.loop(b.i64(0), b.i64(padded), 1, [&](Value j) {
        Value value = b.load(b.getF32Type(), b.at(slotRow, b.mul(j, 4)));
        if (cache.format == WeightFormat::F16)
          value = arith::TruncFOp::create(b, b.getF16Type(), value);
        b.store(value, b.at(place, b.mul(j, lanes * cache.elementBytes())), cache.elementBytes());
      });
    });
  }

  void value(const CacheShape &cache, Value values, bool normed) {
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      Value source = b.at(raw, b.mul(row, padded * 4));
      Value inverse = normed ? inverseRms(source) : Value();
      Value slot = b.rem(b.add(position, row), b.i64(cache.capacity));
      Value target = b.at(values, b.mul(slot, padded * cache.elementBytes()));
      b.loop(b.i64(0), b.i64(padded), lanes, [&](Value j) {
        Value x = b.loadVec(b.at(source, b.mul(j, 4)));
        if (normed)
          x = b.mulf(x, inverse);
        if (cache.format == WeightFormat::F16)
          x = arith::TruncFOp::create(b, b.vec(lanes, b.getF16Type()), x);
        b.store(x, b.at(target, b.mul(j, cache.elementBytes())), cache.elementBytes());
      });
    });
  }

private:
  KernelBuilder &b;
  int64_t padded, headDim;
  double eps;
  Value raw, ropeTable, rows, position;

  Value inverseRms(Value row) {
    auto sum = b.loop(b.i64(0), b.i64(padded * 4), vecBytes, ValueRange{b.splat(b.vecF32(), 0.0)},
                      [&](Value i, ValueRange state) {
                        Value x = b.loadVec(b.at(row, i));
                        return KernelBuilder::Values{b.fma(x, x, state[0])};
                      });
    Value mean = b.divf(b.sumLanes(sum[0]), b.f32(static_cast<float>(headDim)));
    Value root = b.sqrt(b.addf(mean, b.f32(static_cast<float>(eps))));
    return b.broadcast(b.divf(b.f32(1.0f), root));
  }

  // rope(raw * inverse rms * weight) of one row, handed out vector by vector with its byte offset.
  void rotated(Value row, Value weight, llvm::function_ref<void(Value offset, Value value)> store) {
    Value source = b.at(raw, b.mul(row, padded * 4));
    Value inverse = inverseRms(source);
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

// (input, weights, rope table, query, raw, q norm, k norm, cache; rows, position, first, last): heads [first, last) of q, k, v
func::FuncOp KernelLibrary::qkv(gemma::QkvStep step, const PackedShape &weight, std::optional<CacheShape> cache,
                                int64_t maxRows) {
  int64_t heads = step.getHeads(), headDim = step.getHeadDim(), padded = paddedHeadDim(headDim);
  bool keysAreValues = step.getKeysAreValues(), rawValues = step.getRawValues();
  Matmul shape{.weight = weight,
               .inputRowBytes = step.getInput().getType().getRowBytes(),
               .resultRowBytes = padded * 4,
               .maxRows = maxRows};
  func::FuncOp project = matmul(shape);
  std::string name = llvm::formatv("qkv_{0}_q{1}_d{2}_{3}{4}{5}{6}{7}", weight.text(), heads, headDim,
                                   bitsText(step.getEps().convertToDouble()), cache ? "_kv_" + cache->text() : "",
                                   keysAreValues ? "_shared" : "", rawValues ? "_raw" : "",
                                   maxRows == 1 ? "" : "_upto" + std::to_string(maxRows));
  return get(name, 8, 4, [&](KernelBuilder &b, ValueRange a) {
    Value raw = a[4], rows = a[8], position = a[9];
    HeadFinisher finish(b, headDim, step.getEps().convertToDouble(), raw, a[2], rows, position);
    b.loop(a[10], a[11], 1, [&](Value head) {
      Value panels = b.at(a[1], b.mul(head, padded / panelRows * weight.panelBytes()));
      func::CallOp::create(b, project, ValueRange{a[0], panels, raw, raw, rows, b.i64(0), b.i64(padded / panelRows)});
      auto query = [&] {
        finish.query(a[5], b.at(a[3], b.mul(head, padded * 4)), step.getQuery().getType().getRowBytes());
      };
      if (!cache)
        return query();
      auto key = [&](Value kvHead) { finish.key(*cache, a[6], b.at(a[7], b.mul(kvHead, cache->headBytes()))); };
      auto value = [&](Value kvHead) {
        finish.value(*cache, b.at(b.at(a[7], cache->valuesOffset()), b.mul(kvHead, cache->headBytes())),
                     !rawValues);
      };
      b.ifThen(b.less(head, b.i64(heads)), query, [&] {
        Value kvHead = b.sub(head, b.i64(heads));
        if (keysAreValues) {
          key(kvHead);
          value(kvHead);
          return;
        }
        b.ifThen(b.less(kvHead, b.i64(cache->heads)), [&] { key(kvHead); },
                 [&] { value(b.sub(kvHead, b.i64(cache->heads))); });
      });
    });
  });
}

namespace {
/// One query row of one head against one cache: online softmax over blocks of 16 keys at multiples of 16 positions.
struct AttentionRow {
  KernelBuilder &b;
  const CacheShape &cache;
  Value query, result, keys, values, probabilities; // probabilities: 16 floats of scratch
  Value position, first; // of the query, and of the first key it sees

  // q . k for the 16 keys of a block: four chains over the head, added pairwise.
  Value scores(Value block) {
    int64_t row = lanes * cache.elementBytes();
    Value panel = b.at(keys, b.mul(block, cache.padded * row));
    KernelBuilder::Values zero(4, b.splat(b.vecF32(), 0.0));
    auto chains = b.loop(b.i64(0), b.i64(cache.padded), 4, zero, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      for (int64_t u = 0; u < 4; ++u) {
        Value x = b.broadcast(b.load(b.getF32Type(), b.at(b.at(query, b.mul(j, 4)), u * 4)));
        next[u] = b.fma(b.loadFloats(cache.format, b.at(b.at(panel, b.mul(j, row)), u * row)), x, next[u]);
      }
      return next;
    });
    return b.addf(b.addf(chains[0], chains[1]), b.addf(chains[2], chains[3]));
  }

  Value visible(Value blockStart) {
    auto longs = b.vec(lanes, b.getI64Type());
    SmallVector<int64_t> steps(lanes);
    for (int64_t i = 0; i < lanes; ++i)
      steps[i] = i;
    Value offsets = arith::ConstantOp::create(b, DenseElementsAttr::get(longs, ArrayRef<int64_t>(steps)));
    Value at = arith::AddIOp::create(b, b.broadcast(blockStart, longs), offsets);
    Value notLater = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, at, b.broadcast(position, longs));
    Value inWindow = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, at, b.broadcast(first, longs));
    return arith::AndIOp::create(b, notLater, inWindow);
  }

  // result = result * decay + probabilities . values of the block
  void addValues(Value block, Value decay) {
    Value rows = b.at(values, b.mul(block, lanes * cache.padded * cache.elementBytes()));
    b.loop(b.i64(0), b.i64(cache.padded), lanes, [&](Value j) {
      Value place = b.at(result, b.mul(j, 4));
      Value sum = b.mulf(b.loadVec(place), decay);
      for (int64_t key = 0; key < lanes; ++key) {
        Value p = b.broadcast(b.load(b.getF32Type(), b.at(probabilities, key * 4)));
        Value v = b.at(b.at(rows, b.mul(j, cache.elementBytes())), key * cache.padded * cache.elementBytes());
        sum = b.fma(b.loadFloats(cache.format, v), p, sum);
      }
      b.store(sum, place);
    });
  }

  void emit() {
    Value zero = b.splat(b.vecF32(), 0.0), lowest = b.splat(b.vecF32(), -1.0e30);
    b.loop(b.i64(0), b.i64(cache.padded * 4), vecBytes, [&](Value i) { b.store(zero, b.at(result, i)); });
    Value firstBlock = b.div(first, b.i64(lanes)), lastBlock = b.add(b.div(position, b.i64(lanes)), 1);
    auto state = b.loop(firstBlock, lastBlock, 1, ValueRange{lowest, zero}, [&](Value index, ValueRange s) {
      Value block = b.rem(index, b.i64(cache.capacity / lanes));
      Value seen = visible(b.mul(index, lanes));
      Value score = b.select(seen, scores(block), lowest);
      Value top = b.maxf(s[0], b.broadcast(b.maxLanes(score)));
      Value decay = b.exp(b.subf(s[0], top));
      Value p = b.select(seen, b.exp(b.subf(score, top)), zero);
      b.store(p, probabilities, 64);
      addValues(block, decay);
      return KernelBuilder::Values{top, b.fma(s[1], decay, p)};
    });
    Value inverse = b.broadcast(b.divf(b.f32(1.0f), b.sumLanes(state[1])));
    b.loop(b.i64(0), b.i64(cache.padded * 4), vecBytes, [&](Value i) {
      Value place = b.at(result, i);
      b.store(b.mulf(b.loadVec(place), inverse), place);
    });
  }
};
} // namespace

// (query, result, cache; rows, position, first, last): tiles of (head, row)
func::FuncOp KernelLibrary::attention(gemma::AttentionStep step, const CacheShape &cache) {
  int64_t heads = step.getHeads(), rowBytes = step.getQuery().getType().getRowBytes();
  std::string name = llvm::formatv("attention_{0}_q{1}", cache.text(), heads);
  return get(name, 3, 4, [&](KernelBuilder &b, ValueRange a) {
    Value probabilities = b.stack(vecBytes);
    b.loop(a[5], a[6], 1, [&](Value tile) {
      Value head = b.div(tile, a[3]), row = b.rem(tile, a[3]);
      Value offset = b.add(b.mul(row, rowBytes), b.mul(head, cache.padded * 4));
      Value kvOffset = b.mul(b.div(head, b.i64(heads / cache.heads)), cache.headBytes());
      Value keys = b.at(a[2], kvOffset), values = b.at(b.at(a[2], cache.valuesOffset()), kvOffset);
      Value position = b.add(a[4], row), first = b.i64(0);
      if (cache.window > 0)
        first = b.maxSigned(first, b.sub(position, b.i64(cache.window - 1)));
      AttentionRow{b, cache, b.at(a[0], offset), b.at(a[1], offset), keys, values, probabilities, position, first}.emit();
    });
  });
}

} // namespace gemmac
