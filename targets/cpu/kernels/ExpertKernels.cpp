// Products of rows with the experts that they picked. Several rows are grouped by expert, so that each
// expert's weights are read once however many rows picked it; every thread groups them for itself and does
// its own panels of all experts.
#include "targets/cpu/kernels/RowProducts.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

namespace {
/// What the two kernels share. A place is row * topK + pick.
class ExpertEmitter {
public:
  ExpertEmitter(const KernelLibrary &library, KernelBuilder &b, const PackedShape &weight, bool paired, int64_t topK,
                int64_t maxRows, int64_t picksRowBytes, Value weights, Value picks, Value rows)
      : library(library), b(b), weight(weight), paired(paired), topK(topK), maxRows(maxRows),
        picksRowBytes(picksRowBytes), weights(weights), picks(picks), rows(rows) {
    if (maxRows > 1)
      group();
  }

  using InputOf = llvm::function_ref<Value(Value place)>;
  using Finish = llvm::function_ref<void(Value panel, Value place, Value sum, Value up)>;
  /// Panels [first, last) of all experts that were picked, each with the places that picked it.
  void products(Value first, Value last, InputOf inputOf, Finish finish) {
    if (maxRows == 1) {
      b.loop(b.i64(0), b.i64(topK), 1, [&](Value pick) {
        Value expert = expertOf(b.at(picks, b.mul(pick, 4)));
        emitterOf(expert, [&](Value) { return pick; }, inputOf, finish).oneRow(first, last);
      });
      return;
    }
    b.loop(b.i64(0), b.i64(weight.batch), 1, ValueRange{b.i64(0)}, [&](Value expert, ValueRange state) {
      Value begin = state[0], end = loadCount(ends, expert);
      Value places = b.at(order, b.mul(begin, countBytes)), count = b.sub(end, begin);
      auto emitter = emitterOf(expert, [&, places](Value i) { return loadCount(places, i); }, inputOf, finish);
      b.ifThen(b.less(b.i64(0), count), [&] {
        if (RowProducts::unpacks(maxRows)) // few rows do not pay for unpacking
          b.ifThen(
              b.less(b.i64(fewest), count), [&] { emitter.chunk(count, maxRows, first, last); },
              [&] { emitter.fewRows(count, first, last); });
        else
          emitter.fewRows(count, first, last);
      });
      return KernelBuilder::Values{end};
    });
  }

private:
  static constexpr int64_t countBytes = 8, fewest = 4;
  const KernelLibrary &library;
  KernelBuilder &b;
  const PackedShape &weight;
  bool paired;
  int64_t topK, maxRows, picksRowBytes;
  Value weights, picks, rows;
  Value ends, order; ///< by expert: where its places end in `order`

  Value expertOf(Value pointer) { return arith::ExtSIOp::create(b, b.getI64Type(), b.load(b.getI32Type(), pointer)); }
  Value loadCount(Value counts, Value i) {
    return b.load(b.getI64Type(), b.at(counts, b.mul(i, countBytes)), countBytes);
  }
  void storeCount(Value count, Value counts, Value i) {
    b.store(count, b.at(counts, b.mul(i, countBytes)), countBytes);
  }

  void forPlaces(llvm::function_ref<void(Value place, Value expert)> body) {
    b.loop(b.i64(0), rows, 1, [&](Value row) {
      Value rowPicks = b.at(picks, b.mul(row, picksRowBytes));
      b.loop(b.i64(0), b.i64(topK), 1,
             [&](Value pick) { body(b.add(b.mul(row, topK), pick), expertOf(b.at(rowPicks, b.mul(pick, 4)))); });
    });
  }

  // A counting sort: how many places each expert has, where they begin, then the places in their order.
  void group() {
    ends = b.stack(weight.batch * countBytes);
    order = b.stack(maxRows * topK * countBytes);
    Value experts = b.i64(weight.batch), one = b.i64(1);
    b.loop(b.i64(0), experts, 1, [&](Value expert) { storeCount(b.i64(0), ends, expert); });
    forPlaces([&](Value, Value expert) { storeCount(b.add(loadCount(ends, expert), one), ends, expert); });
    b.loop(b.i64(0), experts, 1, ValueRange{b.i64(0)}, [&](Value expert, ValueRange state) {
      Value next = b.add(state[0], loadCount(ends, expert));
      storeCount(state[0], ends, expert);
      return KernelBuilder::Values{next};
    });
    forPlaces([&](Value place, Value expert) {
      Value at = loadCount(ends, expert);
      storeCount(place, order, at);
      storeCount(b.add(at, one), ends, expert);
    });
  }

  RowProducts emitterOf(Value expert, std::function<Value(Value)> placeOf, InputOf inputOf, Finish finish) {
    auto inputs = [this, placeOf, inputOf](Value first, int64_t count) {
      SmallVector<Value> pointers;
      for (int64_t r = 0; r < count; ++r)
        pointers.push_back(inputOf(placeOf(b.add(first, r))));
      return pointers;
    };
    auto finishPlace = [placeOf, finish](Value panel, Value i, Value sum, Value up) {
      finish(panel, placeOf(i), sum, up);
    };
    Value matrix = b.at(weights, b.mul(expert, weight.batchBytes()));
    return RowProducts(library, b, weight, paired, matrix, inputs, finishPlace);
  }
};
} // namespace

static std::string rowsText(int64_t maxRows) { return maxRows == 1 ? "" : "_upto" + std::to_string(maxRows); }

// (input, weights, picks, result; rows, first, last): pairs of panels [first, last) of the picked experts
static func::FuncOp expertUpKernel(KernelLibrary &kernels, gemma::ExpertUpStep step, const PackedShape &weight,
                                   int64_t maxRows) {
  int64_t topK = step.getTopK(), inputRowBytes = step.getInput().getType().getRowBytes();
  int64_t picksRowBytes = step.getPicks().getType().getRowBytes(),
          resultRowBytes = step.getResult().getType().getRowBytes();
  std::string name = llvm::formatv("expert_up_{0}_top{1}{2}", weight.text(), topK, rowsText(maxRows));
  return kernels.get(name, 4, 3, [&](KernelBuilder &b, ValueRange a) {
    ExpertEmitter experts(kernels, b, weight, /*paired=*/true, topK, maxRows, picksRowBytes, a[1], a[2], a[4]);
    experts.products(
        a[5], a[6], [&](Value place) { return b.at(a[0], b.mul(b.div(place, b.i64(topK)), inputRowBytes)); },
        [&](Value panel, Value place, Value gate, Value up) {
          b.store(b.mulf(b.gelu(gate), up), b.at(b.at(a[3], b.mul(place, resultRowBytes)), b.mul(panel, vecBytes)));
        });
  });
}

LogicalResult lower(gemma::ExpertUpStep step, StepLowering &lowering) {
  PackedShape shape(lowering.packed(step.getWeight()), step.getInput().getType());
  auto [first, last] = lowering.share(lowering.b.i64(shape.rows / panelRows / 2));
  return lowering.callKernel(expertUpKernel(lowering.kernels, step, shape, lowering.maxRows()),
                             {lowering.pointer(step.getInput()), lowering.weight(step.getWeight()),
                              lowering.pointer(step.getPicks()), lowering.pointer(step.getResult()), lowering.rows,
                              first, last});
}

// (input, weights, picks, pick weights, result; rows, first, last): panels [first, last)
static func::FuncOp expertDownKernel(KernelLibrary &kernels, gemma::ExpertDownStep step, const PackedShape &weight,
                                     int64_t maxRows) {
  int64_t topK = step.getTopK(), inputRowBytes = step.getInput().getType().getRowBytes();
  int64_t picksRowBytes = step.getPicks().getType().getRowBytes();
  int64_t pickWeightsRowBytes = step.getWeights().getType().getRowBytes();
  int64_t resultRowBytes = step.getResult().getType().getRowBytes();
  std::string name = llvm::formatv("expert_down_{0}_top{1}{2}", weight.text(), topK, rowsText(maxRows));
  return kernels.get(name, 5, 3, [&](KernelBuilder &b, ValueRange a) {
    // A few panels at a time: the parts of all places wait in memory until the last expert is done, then each row adds
    // its own in the order of its picks.
    int64_t abreast = kernels.getLevel().panelStreams, partsBytes = maxRows * topK * vecBytes;
    Value parts = b.stack(abreast * partsBytes);
    ExpertEmitter experts(kernels, b, weight, /*paired=*/false, topK, maxRows, picksRowBytes, a[1], a[2], a[5]);
    b.loop(a[6], a[7], abreast, [&](Value first) {
      Value last = b.minSigned(b.add(first, abreast), a[7]);
      auto partOf = [&](Value panel, Value place) {
        return b.at(b.at(parts, b.mul(b.sub(panel, first), partsBytes)), b.mul(place, vecBytes));
      };
      experts.products(
          first, last, [&](Value place) { return b.at(a[0], b.mul(place, inputRowBytes)); },
          [&](Value panel, Value place, Value sum, Value) { b.store(sum, partOf(panel, place), 64); });
      b.loop(b.i64(0), a[5], 1, [&](Value row) {
        Value pickWeights = b.at(a[3], b.mul(row, pickWeightsRowBytes));
        b.loop(first, last, 1, [&](Value panel) {
          Value zero = b.splat(b.vecF32(), 0.0);
          auto sum = b.loop(b.i64(0), b.i64(topK), 1, ValueRange{zero}, [&](Value pick, ValueRange state) {
            Value part = b.load(b.vecF32(), partOf(panel, b.add(b.mul(row, topK), pick)), 64);
            Value factor = b.broadcast(b.load(b.getF32Type(), b.at(pickWeights, b.mul(pick, 4))));
            return KernelBuilder::Values{b.fma(part, factor, state[0])};
          });
          b.store(sum[0], b.at(b.at(a[4], b.mul(row, resultRowBytes)), b.mul(panel, vecBytes)));
        });
      });
    });
  });
}

LogicalResult lower(gemma::ExpertDownStep step, StepLowering &lowering) {
  PackedShape shape(lowering.packed(step.getWeight()), step.getInput().getType());
  auto [first, last] = lowering.share(lowering.b.i64(shape.rows / panelRows));
  return lowering.callKernel(expertDownKernel(lowering.kernels, step, shape, lowering.maxRows()),
                             {lowering.pointer(step.getInput()), lowering.weight(step.getWeight()),
                              lowering.pointer(step.getPicks()), lowering.pointer(step.getWeights()),
                              lowering.pointer(step.getResult()), lowering.rows, first, last});
}

} // namespace gemmac
