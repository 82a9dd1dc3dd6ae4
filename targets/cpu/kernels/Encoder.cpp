// gemma.step.encoder_qkv and gemma.step.encoder_attention: the rows of a picture see each other. Their keys and values
// lie as in a KV cache in f32, row r at position r, so that the work is that of text, or as int16 (WordAttention.h);
// how far a head is from the next comes as an argument, since functions of more rows leave more room.
#include "targets/cpu/kernels/HeadRows.h"
#include "targets/cpu/kernels/RowTile.h"
#include "targets/cpu/kernels/StepLowering.h"
#include "targets/cpu/kernels/WordAttention.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

/// The keys of a head, or its values, in a memory of so many positions.
template <typename Step> static int64_t headBytes(Step step) {
  int64_t padded = paddedHeadDim(step.getHeadDim());
  return step.getMemory().getType().getRows() * (step.isInWords() ? padded * 2 + 4 : padded * 4);
}

// (input, weights, rope table, query, raw, q norm, k norm, memory; rows, first, last, bytes from a head's keys to the
// next one's, rows of the memory before these[; what q, k, v do to their products]): heads [first, last) of q, k, v
static func::FuncOp encoderQkvKernel(KernelLibrary &kernels, gemma::EncoderQkvStep step, gemma::PackedOp matrix,
                                     int64_t mostRows) {
  int64_t heads = step.getHeads(), kvHeads = step.getKvHeads(), headDim = step.getHeadDim();
  gemma::BufferType input = step.getInput().getType();
  HeadProducts products(kernels, matrix, input, headDim, mostRows);
  std::string name = llvm::formatv("encoder_qkv_{0}_q{1}_kv{2}_d{3}_{4}{5}{6}", PackedShape(matrix, input).text(),
                                   heads, kvHeads, headDim, bitsText(step.getEps().convertToDouble()), products.text(),
                                   step.isInWords() ? "_words" : "");
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value raw = a[4], rows = a[8], headStep = a[11], before = a[12];
    CacheShape memory(kvHeads, headDim);
    HeadFinisher finish(b, headDim, step.getEps().convertToDouble(), raw, a[2], rows,
                        [&](Value row) -> HeadFinisher::Place {
                          Value position = b.add(row, before);
                          return {Value(), b.div(position, b.i64(cacheBlock)), b.rem(position, b.i64(cacheBlock))};
                        });
    b.loop(a[9], a[10], 1, [&](Value head) {
      Value isQuery = b.less(head, b.i64(heads)), isKey = b.less(head, b.i64(heads + kvHeads));
      products.make(b, a[0], a[1], head, raw, rows, a.drop_front(13),
                    [&](Value q, Value k, Value v) { return b.select(isQuery, q, b.select(isKey, k, v)); });
      auto query = [&] {
        finish.query(a[5], b.at(a[3], b.mul(head, memory.padded * 4)), step.getQuery().getType().getRowBytes());
      };
      b.ifThen(isQuery, query, [&] {
        Value own = b.at(a[7], b.mul(b.sub(head, b.i64(heads)), headStep)); // values follow keys
        if (step.isInWords()) { // what lies behind the rows is multiplied by 0, and no integer makes more of that
          WordRows words(b, kernels.getLevel(), headDim);
          auto position = [&](Value row) { return b.add(row, before); };
          b.ifThen(
              isKey,
              [&] { finish.forKeys(a[6], [&](Value row, Value key) { words.storeKey(key, own, position(row)); }); },
              [&] {
                finish.forValues(/*normed=*/true,
                                 [&](Value row, Value value) { words.storeValue(value, own, position(row)); });
              });
          return;
        }
        b.ifThen(
            isKey,
            [&] {
              finish.key(memory, a[6], own);
              finish.fillKeys(memory, before, own);
            },
            [&] {
              finish.value(memory, own, /*normed=*/true);
              finish.fillValues(memory, before, own);
            });
      });
    });
  };
  return kernels.get(name, 8, 5, body, products.floats());
}

LogicalResult lower(gemma::EncoderQkvStep step, StepLowering &lowering) {
  gemma::PackedOp matrix = lowering.packed(step.getWeight());
  auto [first, last] = lowering.share(lowering.b.i64(step.getHeads() + 2 * step.getKvHeads()));
  SmallVector<Value> arguments{lowering.pointer(step.getInput()),
                               lowering.weight(step.getWeight()),
                               lowering.pointer(step.getRopeTable()),
                               lowering.pointer(step.getQuery()),
                               lowering.pointer(step.getRaw()),
                               lowering.weight(step.getQNorm()),
                               lowering.weight(step.getKNorm()),
                               lowering.wholePointer(step.getMemory()),
                               lowering.rowsOf(step.getInput()),
                               first,
                               last,
                               lowering.b.i64(headBytes(step)),
                               lowering.rowsBefore(step.getInput())};
  lowering.addOutputs(arguments, matrix, 3);
  return lowering.callKernel(encoderQkvKernel(lowering.kernels, step, matrix, lowering.maxRowsOf(step.getInput())),
                             arguments);
}

// (query, memory, result; rows, thread, threads, bytes from a head's keys to the next one's): tiles of rows and a KV
// head, head by head divided among threads
static func::FuncOp encoderAttentionKernel(KernelLibrary &kernels, gemma::EncoderAttentionStep step) {
  int64_t heads = step.getHeads(), kvHeads = step.getKvHeads(), perKvHead = heads / kvHeads;
  int64_t headDim = step.getHeadDim();
  std::string name =
      llvm::formatv("encoder_attention_q{0}_kv{1}_d{2}{3}", heads, kvHeads, headDim, step.isInWords() ? "_words" : "");
  return kernels.get(name, 3, 4, [&](KernelBuilder &b, ValueRange a) {
    Value rows = a[3], thread = a[4], threads = a[5], headStep = a[6];
    CacheShape memory(kvHeads, headDim);
    const IsaLevel &level = kernels.getLevel();
    RowTile tile(b, memory,
                 step.isInWords() ? WordAttention::tileMemory(level, perKvHead, headDim)
                                  : TileMemory(level, memory, perKvHead),
                 heads, step.getQuery().getType().getRowBytes());
    auto ceilDiv = [&](Value x, Value y) { return b.div(b.sub(b.add(x, y), b.i64(1)), y); };
    // Few rows make small tiles, so that every thread has some.
    Value tileRows = b.minSigned(ceilDiv(b.mul(rows, kvHeads), threads), b.i64(SplitAttention::tileRows(perKvHead)));
    Value tiles = ceilDiv(rows, tileRows), units = b.mul(tiles, kvHeads);
    auto begin = [&](Value thread) { return b.div(b.mul(units, thread), threads); };
    b.loop(begin(thread), begin(b.add(thread, 1)), 1, [&](Value unit) {
      Value kvHead = b.div(unit, tiles), firstRow = b.mul(b.rem(unit, tiles), tileRows);
      Value count = b.minSigned(tileRows, b.sub(rows, firstRow)), keys = b.at(a[1], b.mul(kvHead, headStep));
      Value values = b.at(keys, b.mul(headStep, kvHeads)), queryOffset = b.mul(kvHead, perKvHead * memory.padded * 4);
      auto emit = [&](TileAttention &&attention) {
        tile.emit(attention, b.at(a[0], queryOffset), b.at(a[2], queryOffset), firstRow, count, /*position=*/firstRow,
                  /*lastKey=*/b.sub(rows, b.i64(1)));
      };
      if (step.isInWords())
        emit(WordAttention(b, level, headDim, keys, values));
      else
        emit(SplitAttention(b, memory, level, keys, values, /*prefetch=*/false));
    });
  });
}

LogicalResult lower(gemma::EncoderAttentionStep step, StepLowering &lowering) {
  return lowering.callKernel(encoderAttentionKernel(lowering.kernels, step),
                             {lowering.pointer(step.getQuery()), lowering.pointer(step.getMemory()),
                              lowering.pointer(step.getResult()), lowering.rowsOf(step.getQuery()), lowering.thread,
                              lowering.threads, lowering.b.i64(headBytes(step))});
}

} // namespace gemmac
