#include "targets/cpu/kernels/SliceSums.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

int64_t SliceSums::levels(Slices slices) { return 1 + llvm::Log2_64_Ceil(slices.count()); }

Value SliceSums::firstOrEnd(Value slice) {
  Value group = first(slice);
  return slices.groups % slices.per() ? b.minSigned(group, b.i64(slices.groups)) : group;
}

Value SliceSums::taken(Value slice) {
  return levels() == 1 ? b.i64(0) : math::CountTrailingZerosOp::create(b, b.sub(b.i64(-1), slice));
}

// A loop over the levels: code for each number of levels would be long, and LLVM would keep the levels in registers,
// which the products need.
SliceSums::Settled SliceSums::settled(Value taken, ValueRange sums, Value waiting, Offsets offsets) {
  KernelBuilder::Values state(sums);
  state.push_back(waiting);
  if (levels() > 1)
    state = b.loop(b.i64(0), taken, 1, state, [&](Value, ValueRange before) {
      KernelBuilder::Values next(before);
      Value &level = next.back();
      for (auto [i, offset] : llvm::enumerate(offsets))
        next[i] = b.addf(load(b.at(level, offset), b.vecF32()), next[i]);
      level = b.at(level, levelBytes);
      return next;
    });
  Value place = state.pop_back_val();
  return {state, place};
}

void SliceSums::finish(Value slice, ValueRange sums, Value waiting, Offsets offsets) {
  Settled made = settled(taken(slice), sums, waiting, offsets);
  for (auto [sum, offset] : llvm::zip(made.sums, offsets))
    b.store(sum, b.at(made.place, offset), vecBytes);
}

Value SliceSums::isOdd(Value slice) { return b.less(b.i64(0), arith::AndIOp::create(b, slice, b.i64(1))); }

Value SliceSums::placeOf(Value slice, Value waiting) {
  return levels() == 1 ? waiting : b.select(isOdd(slice), at(waiting, open()), waiting);
}

void SliceSums::finish(Value slice, Value waiting, Offsets offsets) {
  if (levels() == 1)
    return;
  b.ifThen(isOdd(slice), [&] {
    KernelBuilder::Values sums;
    for (int64_t offset : offsets)
      sums.push_back(load(b.at(at(waiting, open()), offset), b.vecF32()));
    finish(slice, sums, waiting, offsets);
  });
}

Value SliceSums::result(Value waiting, VectorType type) {
  Value sum;
  for (int64_t level = 0; level <= open(); ++level)
    if (slices.count() >> level & 1) {
      Value part = load(at(waiting, level), type);
      sum = sum ? b.addf(part, sum) : part;
    }
  return sum;
}

} // namespace gemmac
