// The one table of encodings in which checkpoints store tensors: values and bytes of a block. Importers, the verifier
// of gemma.weight, packing and tests read only this. What the bytes of a block mean is in
// compiler/artifact/SourceKernels.cpp and docs/formats.md.
#ifndef GEMMAC_DIALECTS_FORMATS_ENCODING_H
#define GEMMAC_DIALECTS_FORMATS_ENCODING_H

#include "dialects/formats/Enums.h"

#include <iterator>

namespace gemmac {

struct EncodingInfo {
  Encoding encoding;
  int64_t blockValues; ///< neighbours in a row that are stored together; 1: each by itself. A row is whole blocks.
  int64_t blockBytes;
  bool integers; ///< the values are integers; their scales are stored apart, as a tensor of their own
  /// Whether the element type of a tensor does not tell how it is stored.
  constexpr bool isBlock() const { return encoding > Encoding::BF16; }
};

inline constexpr EncodingInfo encodingTable[] = {
    {Encoding::F32, 1, 4, false},        {Encoding::F16, 1, 2, false},      {Encoding::BF16, 1, 2, false},
    {Encoding::Q8_0, 32, 34, false},     {Encoding::Q4_0, 32, 18, false},   {Encoding::Q4_1, 32, 20, false},
    {Encoding::Q5_0, 32, 22, false},     {Encoding::Q5_1, 32, 24, false},   {Encoding::Q2_K, 256, 84, false},
    {Encoding::Q3_K, 256, 110, false},   {Encoding::Q4_K, 256, 144, false}, {Encoding::Q5_K, 256, 176, false},
    {Encoding::Q6_K, 256, 210, false},   {Encoding::Int8, 1, 1, true},      {Encoding::Offset8, 1, 1, true},
    {Encoding::Int4, 2, 1, true},        {Encoding::Int2, 4, 1, true},      {Encoding::IQ4_NL, 32, 18, false},
    {Encoding::IQ4_XS, 256, 136, false},
};

constexpr const EncodingInfo &encodingInfo(Encoding encoding) { return encodingTable[static_cast<uint32_t>(encoding)]; }
static_assert(std::size(encodingTable) == getMaxEnumValForEncoding() + 1);
static_assert(
    [] {
      for (const EncodingInfo &info : encodingTable)
        if (&encodingInfo(info.encoding) != &info)
          return false;
      return true;
    }(),
    "the table is in the order of the enum");

/// The encoding that a file calls `name`, in upper case: "BF16", "Q4_0".
inline std::optional<Encoding> parseEncoding(llvm::StringRef name) {
  return name.upper() == name ? symbolizeEncoding(name.lower()) : std::nullopt;
}

/// Bytes of a row of `cols` values, which are whole blocks.
constexpr int64_t sourceRowBytes(Encoding encoding, int64_t cols) {
  const EncodingInfo &info = encodingInfo(encoding);
  return cols / info.blockValues * info.blockBytes;
}

} // namespace gemmac

#endif // GEMMAC_DIALECTS_FORMATS_ENCODING_H
