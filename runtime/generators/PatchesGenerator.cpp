// The patches of a picture: resized, scaled to 0 ... 1, cut into squares (spec 4.2, 4.3; 10 for squares of 48).
#include "Resize.h"

namespace {

class Patches : public gemmac::generators::ResizeGenerator<Patches> {
public:
  Input<int32_t> side{"side"};                 // of a patch, in pixels: a multiple of 16
  Output<Halide::Buffer<float, 5>> out{"out"}; // [3, side, side, columns, rows], dense: a patch after the other

  void generate() {
    using namespace Halide;
    definePasses();
    Var channel("channel"), inX("inX"), inY("inY"), column("column"), row("row"), stripe("stripe"),
        inStripe("inStripe");
    const Expr pixel = down(4 * (side * column + inX) + channel, side * row + inY);
    out(channel, inX, inY, column, row) = cast<float>(pixel) * (1.0f / 255.0f);

    out.dim(0).set_bounds(0, 3).set_stride(1);
    out.dim(1).set_bounds(0, side).set_stride(3);
    out.dim(2).set_bounds(0, side).set_stride(3 * side);
    out.dim(3).set_min(0).set_stride(3 * side * side);
    out.dim(4).set_min(0).set_stride(3 * side * side * out.dim(3).extent());

    out.reorder(channel, inX, inY, column, row).unroll(channel).vectorize(inX, 16).parallel(row);
    down.compute_at(out, row).align_bounds(byte, 32);
    down.split(byte, stripe, inStripe, 32).vectorize(inStripe).reorder(inStripe, stripe, y);
    scheduleDown({down, stripe});
  }
};

} // namespace

HALIDE_REGISTER_GENERATOR(Patches, patches)
