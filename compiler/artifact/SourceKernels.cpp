// One function per encoding turns a block into f32. Products of a scale and an integer are exact in f32, and a minimum
// takes one rounding more, so every reader that computes in f32 gets the same bits.
#include "compiler/artifact/SourceKernels.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/HalfFloat.h"

#include <cstring>

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

/// An f16 scale of a block; `bad` collects whether one is infinite or NaN.
GEMMAC_INLINE static float readScale(const uint8_t *source, uint32_t &bad) {
  uint16_t half;
  std::memcpy(&half, source, 2);
  bad |= (half & 0x7c00) == 0x7c00;
  return halfToFloat(half);
}

// ---- Single values.

GEMMAC_INLINE static void decodeF32(const uint8_t *source, float *result, uint32_t &bad) {
  uint32_t bits;
  std::memcpy(&bits, source, 4);
  bad |= (bits & 0x7f800000) == 0x7f800000;
  *result = bitsToFloat(bits);
}

GEMMAC_INLINE static void decodeF16(const uint8_t *source, float *result, uint32_t &bad) {
  *result = readScale(source, bad);
}

GEMMAC_INLINE static void decodeBF16(const uint8_t *source, float *result, uint32_t &bad) {
  uint16_t half;
  std::memcpy(&half, source, 2);
  bad |= (half & 0x7f80) == 0x7f80;
  *result = bitsToFloat(static_cast<uint32_t>(half) << 16);
}

// ---- Blocks of 32: an f16 scale, for some an f16 minimum, then integers. Where two share a byte, the second is 16 on.

GEMMAC_INLINE static void decodeQ8_0(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad);
  for (int i = 0; i < 32; ++i)
    result[i] = static_cast<float>(static_cast<int8_t>(source[2 + i])) * scale;
}

GEMMAC_INLINE static void decodeQ4_0(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad);
  const uint8_t *nibbles = source + 2;
  for (int i = 0; i < 16; ++i) {
    result[i] = static_cast<float>((nibbles[i] & 15) - 8) * scale;
    result[16 + i] = static_cast<float>((nibbles[i] >> 4) - 8) * scale;
  }
}

GEMMAC_INLINE static void decodeQ4_1(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad), minimum = readScale(source + 2, bad);
  const uint8_t *nibbles = source + 4;
  for (int i = 0; i < 16; ++i) {
    result[i] = static_cast<float>(nibbles[i] & 15) * scale + minimum;
    result[16 + i] = static_cast<float>(nibbles[i] >> 4) * scale + minimum;
  }
}

/// Integer `index` of a block of 32 whose fifth bits stand apart, in one 32-bit word.
GEMMAC_INLINE static int fiveBits(const uint8_t *nibbles, uint32_t fifths, int index) {
  int low = index < 16 ? nibbles[index] & 15 : nibbles[index - 16] >> 4;
  return low | static_cast<int>(fifths >> index & 1) << 4;
}

GEMMAC_INLINE static void decodeQ5_0(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad);
  uint32_t fifths;
  std::memcpy(&fifths, source + 2, 4);
  for (int i = 0; i < 32; ++i)
    result[i] = static_cast<float>(fiveBits(source + 6, fifths, i) - 16) * scale;
}

GEMMAC_INLINE static void decodeQ5_1(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad), minimum = readScale(source + 2, bad);
  uint32_t fifths;
  std::memcpy(&fifths, source + 4, 4);
  for (int i = 0; i < 32; ++i)
    result[i] = static_cast<float>(fiveBits(source + 8, fifths, i)) * scale + minimum;
}

// ---- Blocks of 256: groups of 16 or 32 with small integer scales (and minima), which an f16 scales in turn.

GEMMAC_INLINE static void decodeQ2_K(const uint8_t *source, float *result, uint32_t &bad) {
  const uint8_t *scales = source, *pairs = source + 16;
  float scale = readScale(source + 80, bad), minimum = readScale(source + 82, bad);
  for (int group = 0; group < 16; ++group) {
    float groupScale = scale * static_cast<float>(scales[group] & 15);
    float groupMinimum = minimum * static_cast<float>(scales[group] >> 4);
    // Half a block is 32 bytes, read four times for its four runs of 32.
    const uint8_t *bytes = pairs + group / 8 * 32 + group % 2 * 16;
    int shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i)
      result[group * 16 + i] = groupScale * static_cast<float>(bytes[i] >> shift & 3) - groupMinimum;
  }
}

GEMMAC_INLINE static void decodeQ3_K(const uint8_t *source, float *result, uint32_t &bad) {
  const uint8_t *thirds = source, *pairs = source + 32, *scales = source + 96;
  float scale = readScale(source + 108, bad);
  for (int group = 0; group < 16; ++group) {
    // Six bits: four of bytes 0 to 7, two of bytes 8 to 11.
    int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    int high = scales[8 + group % 4] >> group / 4 * 2 & 3;
    float groupScale = scale * static_cast<float>((low | high << 4) - 32);
    const uint8_t *bytes = pairs + group / 8 * 32 + group % 2 * 16, *third = thirds + group % 2 * 16;
    int run = group / 2, shift = run % 4 * 2;
    for (int i = 0; i < 16; ++i)
      result[group * 16 + i] = groupScale * static_cast<float>((bytes[i] >> shift & 3) - (third[i] >> run & 1 ? 0 : 4));
  }
}

/// Scale and minimum of group `group` (of 8) of a Q4_K or Q5_K block: six bits each, packed into 12 bytes.
struct SixBits {
  float scale, minimum;
};
GEMMAC_INLINE static SixBits sixBits(const uint8_t *packed, int group) {
  int scale, minimum;
  if (group < 4) {
    scale = packed[group] & 63;
    minimum = packed[group + 4] & 63;
  } else {
    scale = (packed[group + 4] & 15) | packed[group - 4] >> 6 << 4;
    minimum = packed[group + 4] >> 4 | packed[group] >> 6 << 4;
  }
  return {static_cast<float>(scale), static_cast<float>(minimum)};
}

GEMMAC_INLINE static void decodeQ4_K(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad), minimum = readScale(source + 2, bad);
  for (int group = 0; group < 8; ++group) {
    SixBits packed = sixBits(source + 4, group);
    float groupScale = scale * packed.scale, groupMinimum = minimum * packed.minimum;
    const uint8_t *nibbles = source + 16 + group / 2 * 32;
    int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i)
      result[group * 32 + i] = groupScale * static_cast<float>(nibbles[i] >> shift & 15) - groupMinimum;
  }
}

GEMMAC_INLINE static void decodeQ5_K(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad), minimum = readScale(source + 2, bad);
  const uint8_t *fifths = source + 16;
  for (int group = 0; group < 8; ++group) {
    SixBits packed = sixBits(source + 4, group);
    float groupScale = scale * packed.scale, groupMinimum = minimum * packed.minimum;
    const uint8_t *nibbles = source + 48 + group / 2 * 32;
    int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      int value = (nibbles[i] >> shift & 15) | (fifths[i] >> group & 1) << 4;
      result[group * 32 + i] = groupScale * static_cast<float>(value) - groupMinimum;
    }
  }
}

GEMMAC_INLINE static void decodeQ6_K(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source + 208, bad);
  for (int group = 0; group < 16; ++group) {
    float groupScale = scale * static_cast<float>(static_cast<int8_t>(source[192 + group]));
    // A run of 32 has its low four bits in one of two nibbles of its half's 64 bytes, its high two in those 32 bytes
    // that all four runs of the half share.
    int half = group / 8, run = group % 8 / 2, within = group % 2 * 16;
    const uint8_t *nibbles = source + half * 64 + run % 2 * 32 + within, *pairs = source + 128 + half * 32 + within;
    int shift = run / 2 * 4;
    for (int i = 0; i < 16; ++i) {
      int value = (nibbles[i] >> shift & 15) | (pairs[i] >> run * 2 & 3) << 4;
      result[group * 16 + i] = groupScale * static_cast<float>(value - 32);
    }
  }
}

// ---- Four bits that stand for one of sixteen levels, closer around zero; each is an integer below 2^7 in size.

static constexpr float unevenLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 32 values: those of the low nibbles, then those of the high ones.
GEMMAC_INLINE static void decodeLevels(const uint8_t *nibbles, float scale, float *result) {
  for (int i = 0; i < 16; ++i) {
    result[i] = unevenLevels[nibbles[i] & 15] * scale;
    result[16 + i] = unevenLevels[nibbles[i] >> 4] * scale;
  }
}

GEMMAC_INLINE static void decodeIQ4_NL(const uint8_t *source, float *result, uint32_t &bad) {
  decodeLevels(source + 2, readScale(source, bad), result);
}

GEMMAC_INLINE static void decodeIQ4_XS(const uint8_t *source, float *result, uint32_t &bad) {
  float scale = readScale(source, bad);
  uint16_t high;
  std::memcpy(&high, source + 2, 2);
  for (int group = 0; group < 8; ++group) {
    // Six bits less 32: four in a nibble, two in a 16-bit word.
    int factor = (source[4 + group / 2] >> group % 2 * 4 & 15) | (high >> group * 2 & 3) << 4;
    decodeLevels(source + 8 + group * 16, scale * static_cast<float>(factor - 32), result + group * 32);
  }
}

template <Encoding encoding, void (*decode)(const uint8_t *, float *, uint32_t &)>
GEMMAC_INLINE static bool decodeAll(const uint8_t *source, int64_t count, float *result) {
  constexpr EncodingInfo info = encodingInfo(encoding);
  uint32_t bad = 0;
  for (int64_t block = 0; block < count / info.blockValues; ++block)
    decode(source + block * info.blockBytes, result + block * info.blockValues, bad);
  return !bad;
}

GEMMAC_CLONES bool decodeValues(Encoding encoding, const uint8_t *source, int64_t count, float *result) {
  switch (encoding) {
  case Encoding::F32:
    return decodeAll<Encoding::F32, decodeF32>(source, count, result);
  case Encoding::F16:
    return decodeAll<Encoding::F16, decodeF16>(source, count, result);
  case Encoding::BF16:
    return decodeAll<Encoding::BF16, decodeBF16>(source, count, result);
  case Encoding::Q8_0:
    return decodeAll<Encoding::Q8_0, decodeQ8_0>(source, count, result);
  case Encoding::Q4_0:
    return decodeAll<Encoding::Q4_0, decodeQ4_0>(source, count, result);
  case Encoding::Q4_1:
    return decodeAll<Encoding::Q4_1, decodeQ4_1>(source, count, result);
  case Encoding::Q5_0:
    return decodeAll<Encoding::Q5_0, decodeQ5_0>(source, count, result);
  case Encoding::Q5_1:
    return decodeAll<Encoding::Q5_1, decodeQ5_1>(source, count, result);
  case Encoding::Q2_K:
    return decodeAll<Encoding::Q2_K, decodeQ2_K>(source, count, result);
  case Encoding::Q3_K:
    return decodeAll<Encoding::Q3_K, decodeQ3_K>(source, count, result);
  case Encoding::Q4_K:
    return decodeAll<Encoding::Q4_K, decodeQ4_K>(source, count, result);
  case Encoding::Q5_K:
    return decodeAll<Encoding::Q5_K, decodeQ5_K>(source, count, result);
  case Encoding::Q6_K:
    return decodeAll<Encoding::Q6_K, decodeQ6_K>(source, count, result);
  case Encoding::IQ4_NL:
    return decodeAll<Encoding::IQ4_NL, decodeIQ4_NL>(source, count, result);
  case Encoding::IQ4_XS:
    return decodeAll<Encoding::IQ4_XS, decodeIQ4_XS>(source, count, result);
  default:
    __builtin_unreachable(); // decodeIntegers
  }
}

/// `bits` of each integer, the first in the lowest bits of a byte, less half of their range.
template <int bits> GEMMAC_INLINE static void unpackOffset(const uint8_t *source, int64_t count, int8_t *result) {
  constexpr int perByte = 8 / bits, mask = (1 << bits) - 1, half = 1 << (bits - 1);
  for (int64_t i = 0; i < count / perByte; ++i)
    for (int j = 0; j < perByte; ++j)
      result[i * perByte + j] = static_cast<int8_t>((source[i] >> j * bits & mask) - half);
}

GEMMAC_CLONES static void decodeIntegerRow(Encoding encoding, const uint8_t *source, int64_t count, int8_t *result) {
  if (encoding == Encoding::Int4)
    unpackOffset<4>(source, count, result);
  else if (encoding == Encoding::Int2)
    unpackOffset<2>(source, count, result);
  else if (encoding == Encoding::Offset8)
    unpackOffset<8>(source, count, result);
  else
    std::memcpy(result, source, count);
}

void decodeIntegers(Encoding encoding, const uint8_t *source, int64_t count, int8_t *result) {
  decodeIntegerRow(encoding, source, count, result);
}

} // namespace gemmac
