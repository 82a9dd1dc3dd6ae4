// "Packed layouts" of docs/formats.md.
#include "targets/interp/Weights.h"

#include <cstring>

namespace gemmac::interp {

namespace {

/// What the page says of a format of integers.
struct Kind {
  std::vector<int> planes; ///< bits of each, from the low ones up
  int32_t zero;            ///< what is stored for 0
  bool groupScales;        ///< f16, one a group and row; else f32, one a row or block
};

Kind kindOf(Format format) {
  switch (format) {
  case Format::Q12:
    return {{8, 4}, 2048, true};
  case Format::Q8:
    return {{8}, 0, true};
  case Format::Q6:
    return {{4, 2}, 32, true};
  case Format::Q5:
    return {{4, 1}, 16, true};
  case Format::Q4:
    return {{4}, 8, true};
  case Format::Q3:
    return {{2, 1}, 4, true};
  case Format::Q2:
    return {{2}, 2, true};
  case Format::C8:
    return {{8}, 0, false};
  case Format::C4:
    return {{4}, 8, false};
  case Format::C2:
    return {{2}, 2, false};
  default:
    llvm_unreachable("a format of floats has no planes");
  }
}

int64_t upTo(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

template <typename T> T read(const uint8_t *at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

float readFloat(Format format, const uint8_t *data, int64_t index) {
  if (format == Format::F32)
    return read<float>(data + 4 * index);
  if (format == Format::F16)
    return widenHalf(read<uint16_t>(data + 2 * index));
  const uint32_t bits = static_cast<uint32_t>(read<uint16_t>(data + 2 * index)) << 16; // bf16
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// Panels of one packed symbol: where they are and how one is cut up.
struct Panels {
  Panels(gemma::PackedOp packed, const uint8_t *data)
      : format(packed.getFormat()), together(packed.getLayout() == Layout::Panels ? 16 : 1),
        rows(packed.getBatch() * packed.getRows()), cols(packed.getCols()), data(data) {}

  int64_t groups() const { return cols / 32; }
  /// Panels of 16 rows end at multiples of 64 bytes, single rows at multiples of 2.
  int64_t padded(int64_t bytes) const { return upTo(bytes, together == 16 ? 64 : 2); }

  Format format;
  int64_t together; ///< rows of a panel
  int64_t rows, cols;
  const uint8_t *data;
};

void readFloats(const Panels &panels, Weights &result) {
  const int64_t bytes = panels.padded(panels.together * panels.cols * (panels.format == Format::F32 ? 4 : 2));
  result.values.resize(static_cast<size_t>(panels.rows * panels.cols));
  for (int64_t row = 0; row < panels.rows; ++row)
    for (int64_t col = 0; col < panels.cols; ++col)
      result.values[static_cast<size_t>(row * panels.cols + col)] = readFloat(
          panels.format, panels.data + row / panels.together * bytes, col * panels.together + row % panels.together);
}

/// The integer of one column of a group; `row` counts within the panel.
int32_t readInteger(const Kind &kind, const uint8_t *group, int64_t together, int64_t row, int64_t column) {
  const int64_t quad = column / 4;
  int32_t value = 0;
  int shift = 0;
  for (int bits : kind.planes) {
    const uint8_t byte = group[((quad % bits) * together + row) * 4 + column % 4];
    value |= ((byte >> (quad / bits * bits)) & ((1 << bits) - 1)) << shift;
    group += bits * together * 4;
    shift += bits;
  }
  return kind.zero ? value - kind.zero : static_cast<int8_t>(value);
}

/// \param blocks f32 scales of a row, where groups have none.
void readIntegers(const Panels &panels, int64_t blocks, Weights &result) {
  const Kind kind = kindOf(panels.format);
  int64_t valueBytes = 0;
  for (int bits : kind.planes)
    valueBytes += bits * panels.together * 4;
  const int64_t groupBytes = valueBytes + (kind.groupScales ? 2 * panels.together : 0);
  const int64_t scalesAt = panels.groups() * groupBytes;
  const int64_t bytes = panels.padded(scalesAt + (kind.groupScales ? 0 : 4 * panels.together * blocks));
  for (int64_t row = 0; row < panels.rows; ++row) {
    const uint8_t *panel = panels.data + row / panels.together * bytes;
    const int64_t within = row % panels.together;
    for (int64_t group = 0; group < panels.groups(); ++group) {
      const uint8_t *at = panel + group * groupBytes;
      for (int64_t column = 0; column < 32; ++column)
        result.integers.push_back(readInteger(kind, at, panels.together, within, column));
      const int64_t block = group / (panels.groups() / blocks);
      result.scales.push_back(kind.groupScales ? widenHalf(read<uint16_t>(at + valueBytes + 2 * within))
                                               : read<float>(panel + scalesAt + 4 * (within * blocks + block)));
    }
  }
}

} // namespace

float Weights::element(int64_t row, int64_t col) const {
  if (!quantized())
    return valueRow(row)[static_cast<size_t>(col)];
  return static_cast<float>(integerRow(row)[static_cast<size_t>(col)]) * scaleRow(row)[static_cast<size_t>(col / 32)];
}

Weights unpack(gemma::PackedOp packed, std::span<const uint8_t> data) {
  Weights result;
  result.rows = packed.getRows();
  result.cols = packed.getCols();
  if (std::optional<llvm::ArrayRef<double>> scales = packed.getOutputScales())
    result.outputScales.assign(scales->begin(), scales->end());
  const llvm::ArrayRef<double> bounds = packed.getOutputBounds().value_or(llvm::ArrayRef<double>());
  for (size_t i = 0; i < bounds.size(); i += 2)
    result.outputBounds.push_back({static_cast<float>(bounds[i]), static_cast<float>(bounds[i + 1])});
  const Panels panels(packed, data.data() + *packed.getOffset());
  switch (panels.format) {
  case Format::F32:
  case Format::F16:
  case Format::BF16:
    readFloats(panels, result);
    break;
  default:
    result.oneScalePerRow = packed.getLayout() == Layout::Panels && !kindOf(panels.format).groupScales;
    readIntegers(panels, packed.getScaleBlocks(), result);
  }
  return result;
}

} // namespace gemmac::interp
