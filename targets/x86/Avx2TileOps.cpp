// Products of int8 and of int16 on AVX2.
#include "targets/x86/X86TileOps.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gemmac {
namespace {

/// AVX2 has no int8 dot product. vpmaddubsw multiplies unsigned by signed bytes and adds pairs in int16.
class Avx2TileOps : public TileOps {
  static constexpr int64_t bytes = 32; // 8 rows of 4 columns

  static Value multiplyPairs(KernelBuilder &b, Value unsignedBytes, Value signedBytes) {
    return b.intrinsic("llvm.x86.avx2.pmadd.ub.sw", b.vec(16, b.getI16Type()), {unsignedBytes, signedBytes});
  }
  static Value widenPairs(KernelBuilder &b, Value words) {
    auto type = b.vec(16, b.getI16Type());
    return b.intrinsic("llvm.x86.avx2.pmadd.wd", b.vec(8, b.getI32Type()), {words, b.splatInt(type, 1)});
  }
  static Value add(KernelBuilder &b, Value left, Value right) { return arith::AddIOp::create(b, left, right); }

  /// How far sums of products stay int16.
  enum class Narrow {
    Product, ///< a pair of products alone
    Quads,   ///< those of quads j and j + 4
    Group
  };

  /// An activation is at most 128: with weights of up to 4 bits (15) the 16 products of a lane in a group stay below
  /// 2^15, with 6 bits (63) the four of two quads do, with 7 bits (127) two.
  static Narrow narrowSums(Format format) {
    int64_t products = productsInInt16(format, /*wholeRange=*/true);
    return products >= 16 ? Narrow::Group : products >= 4 ? Narrow::Quads : Narrow::Product;
  }

  static Value addPair(KernelBuilder &b, Value sum, const QuadLoader::Pair &weights, const QuadLoader::Pair &x,
                       Narrow narrow) {
    Value first = multiplyPairs(b, weights.first, x.first), second = multiplyPairs(b, weights.second, x.second);
    if (narrow == Narrow::Group)
      return add(b, sum ? add(b, sum, first) : first, second);
    if (narrow == Narrow::Product) {
      first = widenPairs(b, first);
      second = widenPairs(b, second);
    }
    Value both = add(b, first, second);
    if (narrow == Narrow::Quads)
      both = widenPairs(b, both);
    return sum ? add(b, sum, both) : both;
  }

  static QuadLoader::Pair broadcastPair(KernelBuilder &b, const ActivationGroup &row, Value j) {
    Value quad = b.at(row.values, b.mul(j, 4));
    Value first = broadcastQuad(b, quad, bytes);
    return {first, broadcastQuad(b, b.at(quad, 16), bytes)};
  }

  // Adds the products of quads j and j + 4. Sums: [panel][row][half of the panel], of int16 where they stay so for a
  // group, else of int32; null ones begin. Of one panel a row is done before the next begins, of several a half of a
  // panel, so that little is alive at once.
  static KernelBuilder::Values addProducts(KernelBuilder &b, ArrayRef<QuadLoader> panels,
                                           ArrayRef<ActivationGroup> rows, Value j, ValueRange sums, Narrow narrow) {
    KernelBuilder::Values next(sums);
    SmallVector<QuadLoader::Pair> kept;
    if (panels.size() == 1) {
      for (int64_t half = 0; half < 2; ++half)
        kept.push_back(panels[0].load(j, half));
      for (auto [r, row] : llvm::enumerate(rows)) {
        QuadLoader::Pair x = broadcastPair(b, row, j);
        for (int64_t half = 0; half < 2; ++half)
          next[2 * r + half] = addPair(b, next[2 * r + half], kept[half], x, narrow);
      }
      return next;
    }
    for (const ActivationGroup &row : rows)
      kept.push_back(broadcastPair(b, row, j));
    for (auto [p, panel] : llvm::enumerate(panels))
      for (int64_t half = 0; half < 2; ++half) {
        QuadLoader::Pair weights = panel.load(j, half);
        for (size_t r = 0; r < rows.size(); ++r) {
          Value &sum = next[2 * (p * rows.size() + r) + half];
          sum = addPair(b, sum, weights, kept[r], narrow);
        }
      }
    return next;
  }

  static SmallVector<Value> dotUnsigned(KernelBuilder &b, ArrayRef<WeightGroup> panels,
                                        ArrayRef<ActivationGroup> rows) {
    Format format = panels.front().format;
    SmallVector<QuadLoader> loaders;
    for (const WeightGroup &weights : panels)
      loaders.emplace_back(b, weights, bytes);
    const Narrow narrow = narrowSums(format);
    KernelBuilder::Values none(2 * panels.size() * rows.size());
    KernelBuilder::Values sums = addProducts(b, loaders, rows, b.i64(0), none, narrow);
    if (panels.size() * rows.size() == 1) {
      for (int64_t j = 1; j < 4; ++j)
        sums = addProducts(b, loaders, rows, b.i64(j), sums, narrow);
    } else { // more sums keep a real loop: unrolled flat they spill
      sums = b.loop(b.i64(1), b.i64(4), 1, sums,
                    [&](Value j, ValueRange state) { return addProducts(b, loaders, rows, j, state, narrow); });
    }
    KernelBuilder::Values firsts;
    for (const ActivationGroup &row : rows)
      firsts.push_back(b.broadcast(firstSum(b, row, formatInfo(format).zeroPoint), b.vec(8, b.getI32Type())));
    SmallVector<Value> dots;
    for (size_t i = 0; i < sums.size(); i += 2) {
      auto total = [&](Value sum) {
        return add(b, narrow == Narrow::Group ? widenPairs(b, sum) : sum, firsts[i / 2 % rows.size()]);
      };
      Value low = total(sums[i]);
      dots.push_back(joinHalves(b, low, total(sums[i + 1])));
    }
    return dots;
  }

  // |w| times x with w's sign: both within 127, so a pair sum stays below 2^15.
  static SmallVector<Value> dotQ8(KernelBuilder &b, ArrayRef<WeightGroup> panels, ArrayRef<ActivationGroup> rows) {
    auto byteType = b.vec(bytes, b.getI8Type());
    KernelBuilder::Values start(2 * panels.size() * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto addQuad = [&](Value quad, KernelBuilder::Values &sums) {
      KernelBuilder::Values x;
      for (const ActivationGroup &row : rows)
        x.push_back(broadcastQuad(b, b.at(row.values, b.mul(quad, 4)), bytes));
      for (auto [p, panel] : llvm::enumerate(panels))
        for (int64_t half = 0; half < 2; ++half) {
          Value weights = b.load(byteType, b.at(b.at(panel.pointer, b.mul(quad, 2 * bytes)), half * bytes), bytes);
          Value magnitudes = math::AbsIOp::create(b, weights);
          for (size_t r = 0; r < rows.size(); ++r) {
            Value turned = b.intrinsic("llvm.x86.avx2.psign.b", byteType, {x[r], weights});
            Value &sum = sums[2 * (p * rows.size() + r) + half];
            sum = add(b, sum, widenPairs(b, multiplyPairs(b, magnitudes, turned)));
          }
        }
    };
    auto sums = b.loop(b.i64(0), b.i64(8), 2, start, [&](Value quad, ValueRange state) {
      KernelBuilder::Values next(state);
      addQuad(quad, next);
      addQuad(b.add(quad, 1), next);
      return next;
    });
    SmallVector<Value> dots;
    for (size_t i = 0; i < sums.size(); i += 2)
      dots.push_back(joinHalves(b, sums[i], sums[i + 1]));
    return dots;
  }

  static Value multiplyWords(KernelBuilder &b, const Words &left, const Words &right) {
    auto multiply = [&](Value x, Value y) {
      return b.intrinsic("llvm.x86.avx2.pmadd.wd", b.vec(8, b.getI32Type()), {x, y});
    };
    Value even = multiply(left.first, right.first);
    return add(b, even, multiply(left.second, right.second));
  }

  // Signed bytes that may be -128 on either side: psign would turn -128 into itself. As int16 a quad is at most 4 *
  // 2^14.
  static SmallVector<Value> dotWholeRange(KernelBuilder &b, const QuadLoader &loader, ArrayRef<ActivationGroup> rows) {
    KernelBuilder::Values start(2 * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto sums = b.loop(b.i64(0), b.i64(4), 1, start, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      QuadLoader::Pair halves[2] = {loader.load(j, 0), loader.load(j, 1)};
      for (int64_t column : {0, 16}) {
        Words weights[2];
        for (int64_t half = 0; half < 2; ++half)
          weights[half] = evenAndOdd(b, column ? halves[half].second : halves[half].first);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Words x = evenAndOdd(b, broadcastQuad(b, b.at(b.at(row.values, b.mul(j, 4)), column), bytes));
          for (int64_t half = 0; half < 2; ++half) {
            Value &sum = next[2 * r + half];
            sum = add(b, sum, multiplyWords(b, weights[half], x));
          }
        }
      }
      return next;
    });
    SmallVector<Value> dots;
    for (size_t r = 0; r < rows.size(); ++r)
      dots.push_back(joinHalves(b, sums[2 * r], sums[2 * r + 1]));
    return dots;
  }

  // Weights of a quad as int16, the zero point subtracted.
  static Words signedWords(KernelBuilder &b, Words words, Format format) {
    if (int64_t zeroPoint = formatInfo(format).zeroPoint) {
      Value zero = b.splatInt(b.vec(16, b.getI16Type()), zeroPoint);
      words.first = arith::SubIOp::create(b, words.first, zero);
      words.second = arith::SubIOp::create(b, words.second, zero);
    }
    return words;
  }

  // A pair of columns of a quad: the even ones, then the odd ones.
  static Value broadcastPair(KernelBuilder &b, const ActivationGroup &row, Value quad, int64_t pair) {
    Value place = b.at(b.at(row.values, b.mul(quad, 8)), pair * 4);
    return b.bitcast(broadcastQuad(b, place, bytes), b.vec(16, b.getI16Type()));
  }
  static Words broadcastWords(KernelBuilder &b, const ActivationGroup &row, Value quad) {
    Value even = broadcastPair(b, row, quad, 0);
    return {even, broadcastPair(b, row, quad, 1)};
  }

  // Adds a quad of columns of unpacked panels, whose pairs are loaded where they are used, one after the other: the
  // broadcasts of both pairs of four rows do not fit into registers beside the sums.
  static void addUnpackedQuad(KernelBuilder &b, ArrayRef<WeightGroup> panels, ArrayRef<ActivationGroup> rows,
                              Value quad, KernelBuilder::Values &sums) {
    for (int64_t pair = 0; pair < 2; ++pair) {
      SmallVector<Value> x;
      for (const ActivationGroup &row : rows)
        x.push_back(broadcastPair(b, row, quad, pair));
      for (size_t p = 0; p < panels.size(); ++p)
        for (int64_t half = 0; half < 2; ++half) {
          Value place = b.at(b.at(panels[p].pointer, b.mul(quad, 4 * bytes)), (2 * half + pair) * bytes);
          Value weights = b.load(b.vec(16, b.getI16Type()), place, bytes);
          for (size_t r = 0; r < rows.size(); ++r) {
            Value &sum = sums[2 * (p * rows.size() + r) + half];
            sum = add(b, sum, b.intrinsic("llvm.x86.avx2.pmadd.wd", b.vec(8, b.getI32Type()), {weights, x[r]}));
          }
        }
    }
  }

  // int16 activations with weights of up to 12 bits, sums that int32 holds. Packed panels are taken apart for all rows.
  static SmallVector<Value> dotWords(KernelBuilder &b, ArrayRef<WeightGroup> panels, ArrayRef<ActivationGroup> rows) {
    KernelBuilder::Values sums(2 * panels.size() * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    // of one packed panel
    auto addQuad = [&](Value quad, KernelBuilder::Values &next, llvm::function_ref<Words(int64_t half)> weights) {
      SmallVector<Words> x;
      for (const ActivationGroup &row : rows)
        x.push_back(broadcastWords(b, row, quad));
      for (int64_t half = 0; half < 2; ++half) {
        Words w = weights(half);
        for (size_t r = 0; r < rows.size(); ++r)
          next[2 * r + half] = add(b, next[2 * r + half], multiplyWords(b, w, x[r]));
      }
    };
    if (panels.front().unpacked) {
      sums = b.loop(b.i64(0), b.i64(8 * panels.front().groups), 1, sums, [&](Value quad, ValueRange state) {
        KernelBuilder::Values next(state);
        addUnpackedQuad(b, panels, rows, quad, next);
        return next;
      });
    } else {
      QuadLoader loader(b, panels.front(), bytes);
      sums = b.loop(b.i64(0), b.i64(4), 1, sums, [&](Value j, ValueRange state) {
        KernelBuilder::Values next(state);
        std::pair<Words, Words> halves[2] = {loader.loadWords(j, 0), loader.loadWords(j, 1)};
        addQuad(j, next, [&](int64_t half) { return halves[half].first; });
        addQuad(b.add(j, 4), next, [&](int64_t half) { return halves[half].second; });
        return next;
      });
    }
    SmallVector<Value> dots;
    int64_t zeroPoint = panels.front().unpacked ? 0 : formatInfo(panels.front().format).zeroPoint;
    for (size_t i = 0; i < sums.size(); i += 2) {
      Value dot = joinHalves(b, sums[i], sums[i + 1]);
      if (zeroPoint)
        dot = add(b, dot, b.broadcast(firstSum(b, rows[i / 2 % rows.size()], zeroPoint), b.vecI32()));
      dots.push_back(dot);
    }
    return dots;
  }

public:
  bool multipliesWords(Format) const override { return true; }
  int64_t wordRegister() const override { return bytes; }

  SmallVector<Value> dot(KernelBuilder &b, const WeightGroup &weights, ArrayRef<ActivationGroup> rows) const override {
    if (weights.words)
      return dotWords(b, weights, rows);
    if (formatInfo(weights.format).zeroPoint)
      return dotUnsigned(b, weights, rows);
    return rows.front().wholeRange ? dotWholeRange(b, QuadLoader(b, weights, bytes), rows) : dotQ8(b, weights, rows);
  }

  /// Unpacked panels share each broadcast of activations.
  SmallVector<Value> dotPanels(KernelBuilder &b, ArrayRef<WeightGroup> panels,
                               ArrayRef<ActivationGroup> rows) const override {
    const WeightGroup &first = panels.front();
    if (!first.unpacked || (rows.front().wholeRange && !formatInfo(first.format).zeroPoint))
      return TileOps::dotPanels(b, panels, rows);
    if (first.words)
      return dotWords(b, panels, rows);
    return formatInfo(first.format).zeroPoint ? dotUnsigned(b, panels, rows) : dotQ8(b, panels, rows);
  }

  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    QuadLoader loader(b, weights, bytes);
    auto store = [&](Value quads, int64_t quad, int64_t half) {
      b.store(quads, b.at(target, 2 * bytes * quad + bytes * half), bytes);
    };
    auto storeWords = [&](const Words &stored, int64_t quad, int64_t half) {
      Words words = signedWords(b, stored, weights.format);
      Value first = b.at(target, 4 * bytes * quad + 2 * bytes * half);
      b.store(words.first, first, bytes);
      b.store(words.second, b.at(first, bytes), bytes);
    };
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t half = 0; half < 2; ++half) {
        if (weights.words) {
          auto [first, second] = loader.loadWords(b.i64(j), half);
          storeWords(first, j, half);
          storeWords(second, 4 + j, half);
          continue;
        }
        QuadLoader::Pair quads = loader.load(j, half);
        store(quads.first, j, half);
        store(quads.second, 4 + j, half);
      }
  }
};

} // namespace

std::shared_ptr<TileOps> createAvx2TileOps() { return std::make_shared<Avx2TileOps>(); }

} // namespace gemmac
