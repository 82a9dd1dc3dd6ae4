// The patches of a picture: resized, scaled to 0 ... 1, cut into squares (spec 4.2, 4.3; 10 for squares of 48).
#include "Resize.h"

namespace {

class Patches : public gemmac::generators::ResizeGenerator<Patches> {
public:
  Input<int32_t> side{"side"}; // of a patch, in pixels: a multiple of 16
  // [3, side, side, columns and rows of patches in a cell, columns and rows of cells], dense: a cell after the other
  Output<Halide::Buffer<float, 7>> out{"out"};

  void generate() {
    using namespace Halide;
    definePasses();
    Var channel("channel"), inX("inX"), inY("inY"), inColumn("inColumn"), inRow("inRow"), column("column"), row("row"),
        stripe("stripe"), inStripe("inStripe");
    const Expr pool = out.dim(3).extent(), patches = pool * pool * out.dim(5).extent();
    const Expr patchColumn = pool * column + inColumn, patchRow = pool * row + inRow;
    const Expr pixel = down(4 * (side * patchColumn + inX) + channel, side * patchRow + inY);
    out(channel, inX, inY, inColumn, inRow, column, row) = cast<float>(pixel) * (1.0f / 255.0f);

    out.dim(0).set_bounds(0, 3).set_stride(1);
    out.dim(1).set_bounds(0, side).set_stride(3);
    out.dim(2).set_bounds(0, side).set_stride(3 * side);
    out.dim(3).set_min(0).set_stride(3 * side * side);
    out.dim(4).set_bounds(0, pool).set_stride(3 * side * side * pool);
    out.dim(5).set_min(0).set_stride(3 * side * side * pool * pool);
    out.dim(6).set_min(0).set_stride(3 * side * side * patches);

    out.reorder(channel, inX, inY, inColumn, inRow, column, row).unroll(channel).vectorize(inX, 16).parallel(row);
    down.compute_at(out, row).align_bounds(byte, 32);
    down.split(byte, stripe, inStripe, 32).vectorize(inStripe).reorder(inStripe, stripe, y);
    scheduleDown({down, stripe});
  }
};

} // namespace

HALIDE_REGISTER_GENERATOR(Patches, patches)
