// gemma.step.norm and gemma.step.add_norm.
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

template <typename Step> static std::optional<double> limitOf(Step step) {
  return step.getLimit() ? std::optional(step.getLimit()->convertToDouble()) : std::nullopt;
}

// (input, result[, weight]; first, last[; static scale][, bounds])
static func::FuncOp normKernel(KernelLibrary &kernels, gemma::NormStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  double factor = step.getFactor().convertToDouble(), eps = step.getEps().convertToDouble();
  bool weighted = step.getWeight().has_value(), isStatic = step.getStaticScale().has_value(),
       bounded = step.getWithin().has_value();
  int64_t count = step.getCount(), pointers = weighted ? 3 : 2;
  const Premap premap{.limit = limitOf(step)};
  std::string name = llvm::formatv("norm_{0}_w{1}_of{2}{3}{4}{8}_{5}_{6}{7}", nameOf(result.getElement()),
                                   result.getWidth(), count, weighted ? "" : "_plain", isStatic ? "_static" : "",
                                   bitsText(factor), bitsText(eps), premap.text(), bounded ? "_within" : "");
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value weight = weighted ? a[2] : Value();
    RowLimits limits(a.drop_front(pointers + 2), isStatic, bounded);
    b.loop(a[pointers], a[pointers + 1], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      Value inverse = inverseRms(b, source, input.getWidth(), count, eps, premap);
      Value target = b.at(a[1], b.mul(row, result.getRowBytes()));
      storeRow(b, target, result, limits, [&](Value offset) {
        auto normed = [&](int64_t half) {
          Value x = b.mulf(premap.apply(b, b.loadVec(b.at(b.at(source, offset), half))), inverse);
          if (weighted)
            x = b.mulf(x, b.loadVec(b.at(b.at(weight, offset), half)));
          return factor == 1.0 ? x : b.mulf(x, b.splat(b.vecF32(), factor));
        };
        Value low = normed(0);
        return std::make_pair(low, normed(vecBytes));
      });
    });
  };
  return kernels.get(name, pointers, 2, body, RowLimits::arguments(isStatic, bounded));
}

LogicalResult lower(gemma::NormStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  SmallVector<Value> arguments{lowering.pointer(step.getInput()), lowering.pointer(step.getResult())};
  if (step.getWeight())
    arguments.push_back(lowering.weight(*step.getWeight()));
  arguments.append({first, last});
  lowering.addScale(arguments, step.getStaticScale());
  lowering.addBounds(arguments, step.getWithin());
  return lowering.callKernel(normKernel(lowering.kernels, step), arguments);
}

// (input, branch, result, weight[, layer scale]; first, last)
static func::FuncOp addNormKernel(KernelLibrary &kernels, gemma::AddNormStep step) {
  gemma::BufferType type = step.getInput().getType();
  const bool scaled = step.getLayerScale().has_value();
  const int64_t count = step.getCount();
  const double eps = step.getEps().convertToDouble();
  const double factor = step.getFactor() ? step.getFactor()->convertToDouble() : 1.0;
  const Premap premap{.limit = limitOf(step)};
  std::string name = llvm::formatv("add_norm_w{0}_of{1}{2}_{3}{4}{5}", type.getWidth(), count, scaled ? "_scaled" : "",
                                   bitsText(eps), premap.text(), factor == 1.0 ? "" : "_f" + bitsText(factor));
  return kernels.get(name, scaled ? 5 : 4, 2, [&](KernelBuilder &b, ValueRange a) {
    Value scale = scaled ? b.broadcast(b.load(b.getF32Type(), a[4])) : Value();
    b.loop(a[a.size() - 2], a[a.size() - 1], 1, [&](Value row) {
      Value rowOffset = b.mul(row, type.getRowBytes());
      Value input = b.at(a[0], rowOffset), branch = b.at(a[1], rowOffset), result = b.at(a[2], rowOffset);
      Value inverse = inverseRms(b, branch, type.getWidth(), count, eps, premap);
      storeRow(b, result, type, RowLimits(), [&](Value offset) {
        auto sum = [&](int64_t half) {
          Value normed = b.mulf(premap.apply(b, b.loadVec(b.at(b.at(branch, offset), half))), inverse);
          normed = b.mulf(normed, b.loadVec(b.at(b.at(a[3], offset), half)));
          if (factor != 1.0)
            normed = b.mulf(normed, b.splat(b.vecF32(), factor));
          Value x = b.addf(b.loadVec(b.at(b.at(input, offset), half)), normed);
          return scaled ? b.mulf(x, scale) : x;
        };
        Value low = sum(0);
        return std::make_pair(low, sum(vecBytes));
      });
    });
  });
}

LogicalResult lower(gemma::AddNormStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  auto kernel = addNormKernel(lowering.kernels, step);
  Value input = lowering.pointer(step.getInput()), branch = lowering.pointer(step.getBranch()),
        result = lowering.pointer(step.getResult());
  if (!step.getLayerScale())
    return lowering.callKernel(kernel, {input, branch, result, lowering.weight(step.getWeight()), first, last});
  return lowering.callKernel(kernel, {input, branch, result, lowering.weight(step.getWeight()),
                                      lowering.weight(*step.getLayerScale()), first, last});
}

} // namespace gemmac
