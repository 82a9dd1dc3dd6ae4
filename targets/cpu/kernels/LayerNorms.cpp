// gemma.step.layer_norm.
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

namespace {

/// The layer norm of rows of one width.
class LayerNormKernel {
public:
  explicit LayerNormKernel(gemma::LayerNormStep step)
      : input(step.getInput().getType()), result(step.getResult().getType()), count(step.getCount()),
        eps(step.getEps().convertToDouble()) {}

  std::string name() const {
    return llvm::formatv("layer_norm_{0}_w{1}_of{2}_{3}", nameOf(result.getElement()), input.getWidth(), count,
                         bitsText(eps));
  }

  /// (input, result, weight, bias; first, last)
  void emit(KernelBuilder &builder, ValueRange a) {
    b = &builder;
    b->loop(a[4], a[5], 1, [&](Value row) {
      source = b->at(a[0], b->mul(row, input.getRowBytes()));
      number = b->f32(static_cast<float>(count));
      findMean();
      Value inverse = inverseDeviation();
      storeRow(*b, b->at(a[1], b->mul(row, result.getRowBytes())), result, RowLimits(), [&](Value offset) {
        auto normed = [&](Value place) {
          Value x = b->mulf(deviation(place), inverse);
          return b->addf(b->mulf(x, b->loadVec(b->at(a[2], place))), b->loadVec(b->at(a[3], place)));
        };
        Value low = normed(offset);
        return std::make_pair(low, normed(b->add(offset, vecBytes)));
      });
    });
  }

private:
  gemma::BufferType input, result;
  int64_t count;
  double eps;
  KernelBuilder *b = nullptr;
  Value source, number, mean; ///< of the row

  void findMean() {
    Value sum = stridedSum(*b, input.getWidth(), [&](Value turn, int64_t place, Value sum) {
      return b->addf(sum, b->loadVec(b->at(b->at(source, turn), place)));
    });
    mean = b->broadcast(b->divf(sum, number));
  }

  /// x - mean, 0 for padding.
  Value deviation(Value offset) {
    Value x = b->subf(b->loadVec(b->at(source, offset)), mean);
    return count < input.getWidth() ? firstElements(*b, x, offset, count) : x;
  }

  Value inverseDeviation() {
    Value squares = stridedSum(*b, input.getWidth(), [&](Value turn, int64_t place, Value sum) {
      Value x = deviation(b->add(turn, place));
      return b->fma(x, x, sum);
    });
    Value root = b->sqrt(b->addf(b->divf(squares, number), b->f32(static_cast<float>(eps))));
    return b->broadcast(b->divf(b->f32(1.0f), root));
  }
};

} // namespace

LogicalResult lower(gemma::LayerNormStep step, StepLowering &lowering) {
  LayerNormKernel kernel(step);
  auto body = [&](KernelBuilder &builder, ValueRange a) { kernel.emit(builder, a); };
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(lowering.kernels.get(kernel.name(), 4, 2, body),
                             {lowering.pointer(step.getInput()), lowering.pointer(step.getResult()),
                              lowering.weight(step.getWeight()), lowering.weight(step.getBias()), first, last});
}

} // namespace gemmac
