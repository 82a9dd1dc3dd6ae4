// Functions of single elements, as docs/spec/numerics.md states them: every operation rounds once, nothing is fused but
// where std::fma stands (the library is compiled with -ffp-contract=off).
#ifndef GEMMAC_TARGETS_INTERP_NUMBERS_H
#define GEMMAC_TARGETS_INTERP_NUMBERS_H

#include <cstdint>

namespace gemmac::interp {

/// The larger and the smaller of two, the second one of equals.
inline float larger(float a, float b) { return a > b ? a : b; }
inline float smaller(float a, float b) { return a < b ? a : b; }

/// The ends of a range to which values are clamped.
struct Bounds {
  float low, high;
  float clamp(float x) const { return smaller(larger(x, low), high); }
};

/// e^x for x in [-87, 88], beyond them the value at the end.
float exponential(float x);
/// e^x for x <= 0 in attention: 0 from -64 downwards.
float power(float x);
float gelu(float x);
/// cap * tanh(x / cap).
float softcap(float x, double cap);

struct SineCosine {
  float sine, cosine;
};
/// Of an angle in radians, reckoned in f64.
SineCosine sineCosine(float angle);

/// Steps of a static grid, -128 to 127.
float gridSteps(float x, float scale);
/// `x` rounded to the grid; a scale of 0 means that there is none.
float onGrid(float x, float scale);

/// Between f16 bits and f32; rounds to nearest, ties to even.
float widenHalf(uint16_t bits);
float roundToHalf(float x);

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_NUMBERS_H
