// gemma.step.conv2d and gemma.step.depthwise_conv.
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

/// Rows of a ring; 0 for a buffer of all rows.
static int64_t ringOf(Value buffer) {
  return static_cast<int64_t>(buffer.getDefiningOp<gemma::BufferOp>().getRing().value_or(0));
}

namespace {

/// Emits a 3 x 3 convolution with layer norm and ReLU.
class Conv2dKernel {
public:
  Conv2dKernel(const PackedShape &weight, gemma::Conv2dStep step, const IsaLevel &level)
      : weight(weight), input(step.getInput().getType()), valid(step.getValid().getType()),
        result(step.getResult().getType()), every(step.getEvery()), bins(step.getBins()), channels(step.getChannels()),
        count(step.getCount()), inputRing(ringOf(step.getInput())), resultRing(ringOf(step.getResult())),
        resultBins(step.getResultBins()), binBytes(step.getBinWidth() * 4), eps(step.getEps().convertToDouble()) {
    panelsAtOnce = panels() % 2 == 0 ? 2 : 1;
    binsAtOnce = 1;
    int64_t kept = level.vectorSums * level.vectorLanes / lanes;
    while (2 * binsAtOnce * panelsAtOnce <= kept && resultBins % (2 * binsAtOnce) == 0)
      binsAtOnce *= 2;
  }

  std::string name() const {
    return llvm::formatv("conv2d_{0}_b{1}_c{2}_of{3}_every{4}_in{5}_{6}{7}{8}", weight.panelText(), bins, channels,
                         count, every, binBytes / 4, bitsText(eps),
                         inputRing ? llvm::formatv("_from{0}", inputRing).str() : "",
                         resultRing ? llvm::formatv("_to{0}", resultRing).str() : "");
  }

  /// (input, valid, result, weight, norm; first, last, rows of the input)
  void emit(KernelBuilder &builder, ValueRange a) {
    b = &builder;
    zeros = b->stack(roundUp(channels, lanes) * 4);
    for (int64_t i = 0; i < channels; i += lanes)
      b->store(b->splat(b->vecF32(), 0.0), b->at(zeros, i * 4));
    b->loop(a[5], a[6], 1, [&](Value row) {
      for (int64_t i = 0; i < 3; ++i)
        frames[i] = frame(a, b->add(b->mul(row, 2), i - 1));
      Value target = b->at(a[2], b->mul(placeOf(row, resultRing), result.getRowBytes()));
      b->loop(b->i64(0), b->i64(panels()), panelsAtOnce, [&](Value panel) {
        Value from = b->at(a[3], b->mul(panel, weight.panelBytes()));
        b->loop(b->i64(0), b->i64(resultBins), binsAtOnce,
                [&](Value bin) { convolve(from, bin, b->at(target, b->mul(panel, vecBytes))); });
      });
      b->loop(b->i64(0), b->i64(resultBins), 1,
              [&](Value bin) { normBin(b->at(target, b->mul(bin, panels() * vecBytes)), a[4]); });
      for (int64_t i = resultBins * panels() * lanes; i < result.getWidth(); i += lanes)
        b->store(b->splat(b->vecF32(), 0.0), b->at(target, i * 4));
    });
  }

private:
  /// A row of the input, and whether it counts.
  struct InputRow {
    Value pointer, counts;
  };

  PackedShape weight;
  gemma::BufferType input, valid, result;
  int64_t every, bins, channels, count;
  int64_t inputRing, resultRing; ///< rows of it that there is room for; 0: all
  int64_t resultBins, binBytes;
  double eps;
  int64_t panelsAtOnce, binsAtOnce; ///< of which sums are kept
  KernelBuilder *b = nullptr;
  Value zeros; ///< what a bin holds where there is none
  InputRow frames[3];

  int64_t panels() const { return roundUp(count, lanes) / lanes; }

  Value both(Value x, Value y) { return arith::AndIOp::create(*b, x, y); }
  Value isZero(Value x) { return arith::CmpIOp::create(*b, arith::CmpIPredicate::eq, x, b->i32(0)); }

  Value placeOf(Value row, int64_t ring) { return ring ? b->rem(row, b->i64(ring)) : row; }

  InputRow frame(ValueRange a, Value row) {
    Value inside = b->maxSigned(b->minSigned(row, b->sub(a[7], b->i64(1))), b->i64(0));
    Value flag = b->load(b->getI32Type(), b->at(a[1], b->mul(b->mul(inside, every), valid.getRowBytes())));
    Value exists = arith::CmpIOp::create(*b, arith::CmpIPredicate::eq, row, inside);
    Value isUnset = isZero(flag);
    return {b->at(a[0], b->mul(placeOf(inside, inputRing), input.getRowBytes())),
            b->select(isUnset, arith::ConstantOp::create(*b, b->getBoolAttr(false)), exists)};
  }

  /// Where the channels of a bin lie.
  Value binAt(const InputRow &row, Value bin) {
    Value below = b->less(bin, b->i64(bins)), above = b->less(b->i64(-1), bin);
    Value counts = both(row.counts, both(below, above));
    return b->select(counts, b->at(row.pointer, b->mul(bin, binBytes)), zeros);
  }

  /// Adds one tap of one channel to the sums, by bin and panel.
  KernelBuilder::Values addTap(Value from, ArrayRef<Value> places, Value channel, int64_t tap, ValueRange sums) {
    KernelBuilder::Values weights, next;
    int64_t columnBytes = lanes * KernelBuilder::elementBytes(weight.format);
    Value column = b->at(b->at(from, b->mul(channel, 9 * columnBytes)), tap * columnBytes);
    for (int64_t panel = 0; panel < panelsAtOnce; ++panel)
      weights.push_back(b->loadFloats(weight.format, b->at(column, panel * weight.panelBytes())));
    for (auto [i, place] : llvm::enumerate(places)) {
      Value x = b->broadcast(b->load(b->getF32Type(), b->at(place, b->mul(channel, 4))));
      for (auto [panel, w] : llvm::enumerate(weights))
        next.push_back(b->fma(w, x, sums[i * weights.size() + panel]));
    }
    return next;
  }

  /// The sums of some bins and panels.
  void convolve(Value from, Value bin, Value target) {
    KernelBuilder::Values sums(binsAtOnce * panelsAtOnce, b->splat(b->vecF32(), 0.0));
    for (int64_t tap = 0; tap < 9; ++tap) {
      SmallVector<Value> places;
      for (int64_t i = 0; i < binsAtOnce; ++i)
        places.push_back(binAt(frames[tap / 3], b->add(b->mul(b->add(bin, i), 2), tap % 3 - 1)));
      sums = b->loop(b->i64(0), b->i64(channels), 1, sums,
                     [&](Value channel, ValueRange state) { return addTap(from, places, channel, tap, state); });
    }
    for (int64_t i = 0; i < binsAtOnce; ++i)
      for (int64_t panel = 0; panel < panelsAtOnce; ++panel)
        b->store(sums[i * panelsAtOnce + panel],
                 b->at(b->at(target, b->mul(b->add(bin, i), panels() * vecBytes)), panel * vecBytes));
  }

  /// x - mean, 0 for padding.
  Value deviation(Value place, int64_t vector, Value mean) {
    Value x = b->subf(b->loadVec(b->at(place, vector * vecBytes)), mean);
    if ((vector + 1) * lanes <= count)
      return x;
    SmallVector<bool> bits;
    for (int64_t i = 0; i < lanes; ++i)
      bits.push_back(vector * lanes + i < count);
    auto type = b->vec(lanes, b->getI1Type());
    Value real = arith::ConstantOp::create(*b, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
    return b->select(real, x, b->splat(b->vecF32(), 0.0));
  }

  /// Layer norm and ReLU of the channels of a bin.
  void normBin(Value place, Value norm) {
    Value sum = b->splat(b->vecF32(), 0.0), squares = sum, zero = sum;
    for (int64_t i = 0; i < panels(); ++i)
      sum = b->addf(sum, b->loadVec(b->at(place, i * vecBytes)));
    Value number = b->f32(static_cast<float>(count));
    Value mean = b->broadcast(b->divf(b->sumLanes(sum), number));
    for (int64_t i = 0; i < panels(); ++i) {
      Value x = deviation(place, i, mean);
      squares = b->fma(x, x, squares);
    }
    Value variance = b->divf(b->sumLanes(squares), number);
    Value root = b->sqrt(b->addf(variance, b->f32(static_cast<float>(eps))));
    Value inverse = b->broadcast(b->divf(b->f32(1.0f), root));
    for (int64_t i = 0; i < panels(); ++i) {
      Value x = b->mulf(b->mulf(deviation(place, i, mean), inverse), b->loadVec(b->at(norm, i * vecBytes)));
      b->store(b->maxf(x, zero), b->at(place, i * vecBytes));
    }
  }
};

} // namespace

/// Rows [first, last) of its result.
static LogicalResult callConv2d(gemma::Conv2dStep step, StepLowering &lowering, Value first, Value last) {
  Conv2dKernel kernel(PackedShape(lowering.packed(step.getWeight())), step, lowering.kernels.getLevel());
  auto body = [&](KernelBuilder &builder, ValueRange a) { kernel.emit(builder, a); };
  func::FuncOp function = lowering.kernels.get(kernel.name(), 5, 3, body);
  return lowering.callKernel(function,
                             {lowering.pointer(step.getInput()), lowering.pointer(step.getValid()),
                              lowering.pointer(step.getResult()), lowering.weight(step.getWeight()),
                              lowering.weight(step.getNorm()), first, last, lowering.rowsOf(step.getInput())});
}

/// The step that writes a ring.
static gemma::Conv2dStep writerOf(Value ring) {
  for (Operation *user : ring.getUsers())
    if (auto step = dyn_cast<gemma::Conv2dStep>(user); step && step.getResult() == ring)
      return step;
  llvm_unreachable("the function's verifier saw to one");
}

// A convolution into a ring is done by the next one: row r of that is made of rows 2r - 1 to 2r + 1. The first of them
// was made for the row before, unless that is another thread's.
LogicalResult lower(gemma::Conv2dStep step, StepLowering &lowering) {
  KernelBuilder &b = lowering.b;
  if (ringOf(step.getResult()))
    return success();
  auto [first, last] = lowering.rowRange(/*replicated=*/false, step.getResult());
  if (!ringOf(step.getInput()))
    return callConv2d(step, lowering, first, last);
  gemma::Conv2dStep writer = writerOf(step.getInput());
  Value begin = first, rows = lowering.rowsOf(step.getInput());
  LogicalResult result = success();
  b.loop(first, last, 1, [&](Value row) {
    Value middle = b.mul(row, 2), before = b.maxSigned(b.sub(middle, b.i64(1)), b.i64(0));
    Value from = b.select(b.less(begin, row), middle, before);
    if (failed(callConv2d(writer, lowering, from, b.minSigned(b.add(middle, 2), rows))) ||
        failed(callConv2d(step, lowering, row, b.add(row, 1))))
      result = failure();
  });
  return result;
}

// (input, weight, result; first, last)
static func::FuncOp depthwiseKernel(KernelLibrary &kernels, const PackedShape &weight, gemma::BufferType type,
                                    int64_t taps) {
  std::string name = llvm::formatv("depthwise_conv_{0}_w{1}_taps{2}", weight.panelText(), type.getWidth(), taps);
  int64_t columnBytes = lanes * KernelBuilder::elementBytes(weight.format), rowBytes = type.getRowBytes();
  return kernels.get(name, 3, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[3], a[4], 1, [&](Value row) {
      Value before = b.sub(row, b.i64(taps - 1)); // the row of tap 0
      Value first = b.maxSigned(b.sub(b.i64(0), before), b.i64(0));
      b.loop(b.i64(0), b.i64(type.getWidth() / lanes), 1, [&](Value panel) {
        Value source = b.at(a[0], b.mul(panel, vecBytes)), columns = b.at(a[1], b.mul(panel, weight.panelBytes()));
        Value zero = b.splat(b.vecF32(), 0.0);
        auto sum = b.loop(first, b.i64(taps), 1, ValueRange{zero}, [&](Value tap, ValueRange state) {
          Value x = b.loadVec(b.at(source, b.mul(b.add(before, tap), rowBytes)));
          Value w = b.loadFloats(weight.format, b.at(columns, b.mul(tap, columnBytes)));
          return KernelBuilder::Values{b.fma(w, x, state[0])};
        });
        b.store(sum[0], b.at(b.at(a[2], b.mul(row, rowBytes)), b.mul(panel, vecBytes)));
      });
    });
  });
}

LogicalResult lower(gemma::DepthwiseConvStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(/*replicated=*/false, step.getResult());
  func::FuncOp kernel = depthwiseKernel(lowering.kernels, PackedShape(lowering.packed(step.getWeight())),
                                        step.getInput().getType(), step.getTaps());
  return lowering.callKernel(kernel, {lowering.pointer(step.getInput()), lowering.weight(step.getWeight()),
                                      lowering.pointer(step.getResult()), first, last});
}

} // namespace gemmac
