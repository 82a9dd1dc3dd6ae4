#include "targets/cpu/kernels/HeadRows.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

std::string HeadProducts::text() const {
  std::string text = shape.maxRows == 1 ? "" : "_upto" + std::to_string(shape.maxRows);
  if (mostRows > mostBlockRows)
    text += "_blocks";
  return text + (shape.outputGrids ? "_grid" : "") + (shape.outputBounds ? "_bounds" : "");
}

void HeadProducts::make(KernelBuilder &b, Value input, Value weights, Value head, Value raw, Value rows,
                        ValueRange floats, llvm::function_ref<Value(Value q, Value k, Value v)> ofHead) const {
  int64_t rawRowBytes = padded * 4;
  Value panels = b.at(weights, b.mul(head, padded / panelRows * shape.weight.panelBytes()));
  SmallVector<Value> outputs;
  auto add = [&](ValueRange ofSources, int64_t perSource) {
    SmallVector<Value> own;
    for (int64_t i = 0; i < perSource; ++i)
      own.push_back(ofHead(ofSources[i], ofSources[perSource + i], ofSources[2 * perSource + i]));
    for (int64_t twice = 0; twice < 2; ++twice)
      outputs.append(own);
  };
  if (shape.outputGrids)
    add(floats, 1);
  if (shape.outputBounds)
    add(floats.drop_front(shape.outputGrids ? 3 : 0), 2);
  Value none = b.i64(0), count = b.i64(padded / panelRows), rowBytes = b.i64(rawRowBytes);
  forRowBlocks(b, rows, mostRows, [&](const RowBlock &block) {
    Value target = block.in(b, raw, rawRowBytes);
    SmallVector<Value> arguments{
        block.in(b, input, shape.inputRowBytes), panels, target, target, block.count, none, count, rowBytes, none};
    arguments.append(outputs);
    func::CallOp::create(b, kernel, arguments);
  });
}

void HeadFinisher::query(Value weight, Value query, int64_t queryRowBytes) {
  b.loop(b.i64(0), rows, 1, [&](Value row) {
    Value target = b.at(query, b.mul(row, queryRowBytes));
    rotated(row, weight, [&](Value offset, Value value) { b.store(value, b.at(target, offset)); });
  });
}

void HeadFinisher::forKeys(Value weight, UseRow use) {
  Value whole = b.stack(padded * 4);
  b.loop(b.i64(0), rows, 1, [&](Value row) {
    rotated(row, weight, [&](Value offset, Value value) { b.store(value, b.at(whole, offset)); });
    use(row, whole);
  });
}

void HeadFinisher::key(const CacheShape &cache, Value weight, Value keys) {
  Value turned = cache.turnedPairs ? b.stack(cache.paddedKey * 4) : Value();
  forKeys(weight, [&](Value row, Value whole) {
    Value stored = turned ? turned : whole;
    CacheRows cacheRows = CacheRows::keys(b, cache);
    if (cache.turnedPairs)
      cacheRows.takeTurned(whole, stored);
    Place place = placeOf(row);
    cacheRows.storeKey(stored, place.blockAt(b, keys, cache.keyBlockBytes()), place.lane);
  });
}

void HeadFinisher::forValues(bool normed, UseRow use) {
  Value stored = b.stack(padded * 4);
  b.loop(b.i64(0), rows, 1, [&](Value row) {
    Value source = b.at(raw, b.mul(row, padded * 4));
    Value inverse = normed ? inverseRmsOf(source) : Value();
    b.loop(b.i64(0), b.i64(padded * 4), vecBytes, [&](Value i) {
      Value x = b.loadVec(b.at(source, i));
      b.store(normed ? b.mulf(x, inverse) : x, b.at(stored, i));
    });
    use(row, stored);
  });
}

void HeadFinisher::value(const CacheShape &cache, Value values, bool normed) {
  forValues(normed, [&](Value row, Value stored) {
    Place place = placeOf(row);
    CacheRows::values(b, cache).storeValue(stored, place.blockAt(b, values, cache.valueBlockBytes()), place.lane);
  });
}

void HeadFinisher::fill(Value before, llvm::function_ref<void(Value zeros, const Place &place)> store) {
  Value zeros = b.stack(padded * 4), behind = b.add(before, rows);
  Value end = b.sub(b.mul(b.div(b.add(behind, cacheBlock - 1), b.i64(cacheBlock)), cacheBlock), before);
  b.loop(rows, end, 1, [&](Value row) {
    b.loop(b.i64(0), b.i64(padded * 4), vecBytes, [&](Value i) { b.store(b.splat(b.vecF32(), 0.0), b.at(zeros, i)); });
    store(zeros, placeOf(row));
  });
}

void HeadFinisher::fillKeys(const CacheShape &cache, Value before, Value keys) {
  fill(before, [&](Value zeros, const Place &place) {
    CacheRows::keys(b, cache).storeKey(zeros, place.blockAt(b, keys, cache.keyBlockBytes()), place.lane);
  });
}

void HeadFinisher::fillValues(const CacheShape &cache, Value before, Value values) {
  fill(before, [&](Value zeros, const Place &place) {
    CacheRows::values(b, cache).storeValue(zeros, place.blockAt(b, values, cache.valueBlockBytes()), place.lane);
  });
}

// rope(raw * inverse rms * weight) of one row, handed out vector by vector with its byte offset.
void HeadFinisher::rotated(Value row, Value weight, llvm::function_ref<void(Value offset, Value value)> store) {
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

} // namespace gemmac
