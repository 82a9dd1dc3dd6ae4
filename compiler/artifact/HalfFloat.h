// Conversions between f32, f16 and bf16 by integer arithmetic: the same bits on every machine, and plain enough for the
// compiler to vectorize. Rounding is to nearest, ties to even.
#ifndef GEMMAC_COMPILER_ARTIFACT_HALFFLOAT_H
#define GEMMAC_COMPILER_ARTIFACT_HALFFLOAT_H

#include <bit>
#include <cstdint>

namespace gemmac {

// Forced inline so that each ISA clone of a caller vectorizes its own copy.
#define GEMMAC_INLINE [[gnu::always_inline]] inline

GEMMAC_INLINE uint32_t floatToBits(float value) { return std::bit_cast<uint32_t>(value); }
GEMMAC_INLINE float bitsToFloat(uint32_t bits) { return std::bit_cast<float>(bits); }

/// f16 bits to f32, subnormals included. Infinities and NaNs give large finite values: callers look at the bits first.
GEMMAC_INLINE float halfToFloat(uint16_t half) {
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13, sign = static_cast<uint32_t>(half & 0x8000) << 16;
  // The exponent fields differ in bias by 112; multiplying by 2^112 also normalizes subnormals.
  return bitsToFloat(floatToBits(bitsToFloat(magnitude) * 0x1p112f) | sign);
}

/// f32 to f16 bits; magnitudes of 65520 and above give infinity. `value` is not NaN.
GEMMAC_INLINE uint16_t floatToHalf(float value) {
  uint32_t bits = floatToBits(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
  // Adding 0.5 leaves multiples of 2^-24 in the low bits, rounded by the addition itself.
  uint32_t subnormal = floatToBits(bitsToFloat(magnitude) + 0.5f) - floatToBits(0.5f);
  uint32_t result = magnitude < 0x38800000 ? subnormal : normal;
  return static_cast<uint16_t>(sign | (magnitude >= 0x477ff000 ? 0x7c00 : result));
}

/// f32 to bf16 bits; magnitudes that round beyond the largest bf16 give infinity. `value` is not NaN.
GEMMAC_INLINE uint16_t floatToBFloat(float value) {
  uint32_t bits = floatToBits(value);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_HALFFLOAT_H
