// Bicubic resizing with antialiasing of 8-bit pictures, as spec 4.2 fixes it: horizontal pass first, each pass rounded
// to 8 bits, weights scaled by 2^22. Which weights, the runtime computes (runtime/src/features/ResizeTaps.h).
#ifndef GEMMAC_GENERATORS_RESIZE_H
#define GEMMAC_GENERATORS_RESIZE_H

#include <Halide.h>

namespace gemmac::generators {

/// Inputs and passes of generators whose result is made of a resized picture. Pixels are four bytes, of which the last
/// means nothing: eight lanes are then two neighbours, and no load needs a shuffle.
template <typename Derived> class ResizeGenerator : public Halide::Generator<Derived> {
  template <typename T, int rank> using Table = Halide::GeneratorInput<Halide::Buffer<T, rank>>;

public:
  Table<uint8_t, 2> source{"source"}; // [4 * width, height]
  // For every column of the result the first of the source's that it sees, and its weights, each four times, for the
  // four bytes of a pixel: [4 * taps, columns], an even number of taps. For every row the same, each weight once.
  Table<int32_t, 1> firstColumn{"firstColumn"};
  Table<int32_t, 2> columnWeights{"columnWeights"};
  Table<int32_t, 1> firstRow{"firstRow"};
  Table<int32_t, 2> rowWeights{"rowWeights"};

protected:
  Halide::Func across{"across"}, down{"down"}; // bytes of the picture after either pass: (byte of the row, row)
  Halide::Func acrossSum{"acrossSum"}, downSum{"downSum"};
  Halide::Var lane{"lane"}, x{"x"}, y{"y"}, byte{"byte"};

  void definePasses() {
    using namespace Halide;
    for (auto *buffer : {&columnWeights, &rowWeights}) {
      buffer->dim(0).set_min(0);
      buffer->dim(1).set_min(0);
    }
    source.dim(0).set_min(0);
    source.dim(1).set_min(0);
    firstColumn.dim(0).set_min(0);
    firstRow.dim(0).set_min(0);

    const Expr width = source.dim(0).extent() / 4, height = source.dim(1).extent();
    const Expr pairs = columnWeights.dim(0).extent() / 8, rowTaps = rowWeights.dim(0).extent();
    RDom pair(0, pairs, "pair"), tap(0, rowTaps, "tap");
    // The clamps change nothing in tables that are as they should be: they tell bounds inference where a window lies.
    const Expr column = clamp(firstColumn(x), 0, width - 2 * pairs), row = clamp(firstRow(y), 0, height - rowTaps);
    acrossSum(lane, x, y) = 0;
    acrossSum(lane, x, y) +=
        columnWeights(8 * pair + lane, x) * cast<int>(source(4 * column + 8 * pair + lane, clamp(y, 0, height - 1)));
    across(byte, y) = rounded(acrossSum(byte % 4, byte / 4, y) + acrossSum(byte % 4 + 4, byte / 4, y));
    downSum(byte, y) = 0;
    downSum(byte, y) += rowWeights(tap, y) * cast<int>(across(byte, row + tap));
    down(byte, y) = rounded(downSum(byte, y));
    scheduleAcross();
  }

  /// `down` in stripes of 32 bytes of a row, which `at` holds whole.
  void scheduleDown(Halide::LoopLevel at) {
    // Registers or an error: a sum of unknown size would be taken from the heap for every pixel.
    downSum.compute_at(at).store_in(Halide::MemoryType::Register).vectorize(byte, 8).unroll(byte);
    downSum.update().reorder(byte, downSum.rvars()[0], y).vectorize(byte, 8).unroll(byte);
  }

private:
  static Halide::Expr rounded(Halide::Expr sum) {
    return Halide::cast<uint8_t>(Halide::clamp((sum + (1 << 21)) >> 22, 0, 255));
  }

  void scheduleAcross() {
    using namespace Halide;
    const int rows = 4; // share the weights that were loaded
    Var band("band"), inBand("inBand");
    across.compute_root().align_bounds(byte, 4).align_bounds(y, rows);
    across.split(byte, x, lane, 4).split(y, band, inBand, rows).reorder(lane, inBand, x, band);
    // Guarded, not shifted inwards: a picture may have fewer rows than a task.
    across.vectorize(lane).unroll(inBand).parallel(band, 16, TailStrategy::GuardWithIf);
    acrossSum.compute_at(across, x).store_in(MemoryType::Register).vectorize(lane, 8).unroll(y);
    acrossSum.bound_extent(lane, 8).bound_extent(x, 1).bound_extent(y, rows);
    acrossSum.update().reorder(lane, y, acrossSum.rvars()[0], x).vectorize(lane, 8).unroll(y);
  }
};

} // namespace gemmac::generators

#endif // GEMMAC_GENERATORS_RESIZE_H
