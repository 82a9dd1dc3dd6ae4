// Logarithms of mel magnitudes (spec 5.1): a windowed Fourier transform as a matrix product, magnitudes, a second
// product, ln(x + 0.001). Tables come from the runtime (runtime/src/features/MelTables.h).
#include <Halide.h>

namespace {

using namespace Halide;

class Mel : public Generator<Mel> {
public:
  static constexpr int frame = 320, hop = 160, bins = 272, mels = 128; // 257 bins, and zeros to whole vectors

  Input<Buffer<float, 1>> wave{"wave"};           // 160 zeros, the samples, the padding
  Input<Buffer<float, 2>> transform{"transform"}; // [2 * bins, frame]: cosines, then sines, times the window
  Input<Buffer<float, 2>> filters{"filters"};     // [mels, bins]
  Input<int32_t> valid{"valid"};                  // frames from here on are zero
  Output<Buffer<float, 2>> out{"out"};            // [mels, frames]

  void generate() {
    const Expr last = (wave.dim(0).extent() - frame) / hop; // a tile reaches beyond it
    RDom sample(0, frame, "sample"), bin(0, bins, "bin");
    spectrum(k, t) = 0.0f;
    spectrum(k, t) += transform(k, sample) * wave(hop * min(t, last) + sample);
    const Expr real = spectrum(k, t), imaginary = spectrum(k + bins, t);
    magnitude(k, t) = sqrt(real * real + imaginary * imaginary);
    mel(m, t) = 0.0f;
    mel(m, t) += filters(m, bin) * magnitude(bin, t);
    out(m, t) = select(t < valid, log(mel(m, t) + 0.001f), 0.0f);

    wave.dim(0).set_min(0);
    transform.dim(0).set_bounds(0, 2 * bins).set_stride(1);
    transform.dim(1).set_bounds(0, frame).set_stride(2 * bins);
    filters.dim(0).set_bounds(0, mels).set_stride(1);
    filters.dim(1).set_bounds(0, bins).set_stride(mels);
    out.dim(0).set_bounds(0, mels).set_stride(1);
    out.dim(1).set_min(0).set_stride(mels);
    schedule(sample, bin);
  }

private:
  Var k{"k"}, t{"t"}, m{"m"};
  Func spectrum{"spectrum"}, magnitude{"magnitude"}, mel{"mel"};

  /// Tiles of frames go through all steps while they are in the cache. Sums of a product stay in registers: two vectors
  /// of columns for a few frames.
  void schedule(const RDom &sample, const RDom &bin) {
    const int vector = natural_vector_size<float>(), tile = 24;
    Var tiles("tiles"), inTile("inTile");
    out.split(t, tiles, inTile, tile, TailStrategy::GuardWithIf).vectorize(m, vector).parallel(tiles);
    for (Func *func : {&spectrum, &magnitude, &mel})
      func->compute_at(out, tiles).vectorize(func->args()[0], vector).bound_extent(t, tile);
    spectrum.bound_extent(k, 2 * bins);
    scheduleProduct(spectrum.update(), k, sample, vector, 6);
    scheduleProduct(mel.update(), m, bin, vector, 4);
  }

  void scheduleProduct(Stage product, const Var &column, const RDom &reduced, int vector, int frames) {
    Var frames4("frameGroup"), inGroup("inGroup"), columns("columns"), inColumns("inColumns");
    product.split(t, frames4, inGroup, frames).split(column, columns, inColumns, 2 * vector);
    product.reorder(inColumns, inGroup, reduced, frames4, columns);
    product.vectorize(inColumns, vector).unroll(inColumns).unroll(inGroup);
  }
};

} // namespace

HALIDE_REGISTER_GENERATOR(Mel, mel)
