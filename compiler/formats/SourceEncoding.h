// The one table of encodings in which checkpoints store tensors: values and bytes of a block. Importers, the verifier
// of gemma.weight, packing and tests read only this. What the bytes of a block mean is in
// compiler/artifact/SourceKernels.cpp and docs/formats.md.
#ifndef GEMMAC_COMPILER_FORMATS_SOURCEENCODING_H
#define GEMMAC_COMPILER_FORMATS_SOURCEENCODING_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace gemmac {

/// Values equal those of gemma::Encoding in the dialect. The block encodings with scales in
/// them have the names that GGUF gives them.
enum class SourceEncoding : uint32_t {
  F32 = 0,
  F16 = 1,
  BF16 = 2,
  Q8_0 = 3,
  Q4_0 = 4,
  Q4_1 = 5,
  Q5_0 = 6,
  Q5_1 = 7,
  Q2_K = 8,
  Q3_K = 9,
  Q4_K = 10,
  Q5_K = 11,
  Q6_K = 12,
  Int8 = 13,
  Offset8 = 14,
  Int4 = 15,
  Int2 = 16,
  IQ4_NL = 17,
  IQ4_XS = 18
};

struct SourceEncodingInfo {
  SourceEncoding encoding;
  llvm::StringLiteral name;
  int64_t blockValues; ///< neighbours in a row that are stored together; 1: each by itself. A row is whole blocks.
  int64_t blockBytes;
  bool integers; ///< the values are integers; their scales are stored apart, as a tensor of their own
  /// Whether the element type of a tensor does not tell how it is stored.
  constexpr bool isBlock() const { return encoding > SourceEncoding::BF16; }
};

inline constexpr SourceEncodingInfo sourceEncodingTable[] = {
    {SourceEncoding::F32, "f32", 1, 4, false},           {SourceEncoding::F16, "f16", 1, 2, false},
    {SourceEncoding::BF16, "bf16", 1, 2, false},         {SourceEncoding::Q8_0, "q8_0", 32, 34, false},
    {SourceEncoding::Q4_0, "q4_0", 32, 18, false},       {SourceEncoding::Q4_1, "q4_1", 32, 20, false},
    {SourceEncoding::Q5_0, "q5_0", 32, 22, false},       {SourceEncoding::Q5_1, "q5_1", 32, 24, false},
    {SourceEncoding::Q2_K, "q2_k", 256, 84, false},      {SourceEncoding::Q3_K, "q3_k", 256, 110, false},
    {SourceEncoding::Q4_K, "q4_k", 256, 144, false},     {SourceEncoding::Q5_K, "q5_k", 256, 176, false},
    {SourceEncoding::Q6_K, "q6_k", 256, 210, false},     {SourceEncoding::Int8, "int8", 1, 1, true},
    {SourceEncoding::Offset8, "offset8", 1, 1, true},    {SourceEncoding::Int4, "int4", 2, 1, true},
    {SourceEncoding::Int2, "int2", 4, 1, true},          {SourceEncoding::IQ4_NL, "iq4_nl", 32, 18, false},
    {SourceEncoding::IQ4_XS, "iq4_xs", 256, 136, false},
};

constexpr const SourceEncodingInfo &sourceEncodingInfo(SourceEncoding encoding) {
  return sourceEncodingTable[static_cast<uint32_t>(encoding)];
}

/// The encoding that a file calls `name`, in upper case: "BF16", "Q4_0".
inline std::optional<SourceEncoding> parseSourceEncoding(llvm::StringRef name) {
  for (const SourceEncodingInfo &info : sourceEncodingTable)
    if (info.name.upper() == name)
      return info.encoding;
  return std::nullopt;
}

/// Bytes of a row of `cols` values, which are whole blocks.
constexpr int64_t sourceRowBytes(SourceEncoding encoding, int64_t cols) {
  const SourceEncodingInfo &info = sourceEncodingInfo(encoding);
  return cols / info.blockValues * info.blockBytes;
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_FORMATS_SOURCEENCODING_H
