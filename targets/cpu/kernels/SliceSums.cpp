#include "targets/cpu/kernels/SliceSums.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace gemmac {

int64_t SliceSums::levels(Slices slices) { return 1 + llvm::Log2_64_Ceil(slices.count()); }

Value SliceSums::firstOrEnd(Value slice) {
  Value group = first(slice);
  return slices.groups % slices.per() ? b.minSigned(group, b.i64(slices.groups)) : group;
}

void SliceSums::finishFrom(int64_t level, Value slice, Finish finish) {
  if ((int64_t{2} << level) > slices.count()) // no slice has this bit and all below it
    return finish(level);
  Value bit = arith::AndIOp::create(b, slice, b.i64(int64_t{1} << level));
  b.ifThen(b.less(b.i64(0), bit), [&] { finishFrom(level + 1, slice, finish); }, [&] { finish(level); });
}

Value SliceSums::takeIn(Value sum, int64_t level, Place place) {
  for (int64_t below = 0; below < level; ++below)
    sum = b.addf(load(place(below)), sum);
  return sum;
}

Value SliceSums::result(Place place) {
  Value sum;
  for (int64_t level = 0; level <= open(); ++level)
    if (slices.count() >> level & 1)
      sum = sum ? b.addf(load(place(level)), sum) : load(place(level));
  return sum;
}

} // namespace gemmac
