// A resized picture of 8 bits, as frames of a video are kept until their patches are asked for (spec 4.6).
#include "Resize.h"

namespace {

class Frame : public gemmac::generators::ResizeGenerator<Frame> {
public:
  Output<Halide::Buffer<uint8_t, 2>> out{"out"}; // [4 * width, height]; the width a multiple of 8

  void generate() {
    using namespace Halide;
    definePasses();
    Var stripe("stripe"), inStripe("inStripe");
    out(byte, y) = down(byte, y);

    out.dim(0).set_bounds(0, out.dim(0).extent() / 32 * 32).set_stride(1);
    out.dim(1).set_min(0);

    out.split(byte, stripe, inStripe, 32).vectorize(inStripe).reorder(inStripe, stripe, y);
    out.parallel(y, 16, TailStrategy::GuardWithIf);
    scheduleDown({out, stripe});
  }
};

} // namespace

HALIDE_REGISTER_GENERATOR(Frame, frame)
