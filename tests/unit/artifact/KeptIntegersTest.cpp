// Checkpoints that were trained to integers, stored as floats on a lattice or as integers with scales: packed
// bit for bit.
#include "TestCheckpoint.h"

#include "compiler/artifact/Packer.h"
#include "llvm/Support/Error.h"

#include <cmath>

using namespace gemmac;

struct LatticeCase {
  Format format;
  int least, largest; ///< of the integers that the weights were trained to
};

class Lattice : public testing::TestWithParam<LatticeCase> {};

/// scale * integer as a checkpoint stores it, and the same of what was packed.
static float storedAs(Encoding encoding, float value) {
  if (encoding == Encoding::BF16)
    return bitsToFloat(static_cast<uint32_t>(floatToBFloat(value)) << 16);
  return encoding == Encoding::F16 ? halfToFloat(floatToHalf(value)) : value;
}

TEST_P(Lattice, is_found_again_bit_for_bit) {
  std::mt19937 random(7);
  for (Encoding encoding : {Encoding::BF16, Encoding::F16, Encoding::F32}) {
    constexpr int64_t rows = 48, cols = 96;
    if (encoding == Encoding::BF16 && GetParam().largest > 64)
      continue; // bf16 rounds away more than a whole number of such a lattice
    std::uniform_int_distribution<int> integer(GetParam().least, GetParam().largest), half(0x1400, 0x2fff);
    std::vector<float> values(rows * cols);
    for (int64_t group = 0; group < rows * cols / groupColumns; ++group) {
      float scale = halfToFloat(static_cast<uint16_t>(half(random) | (group % 2 ? 0x8000 : 0)));
      for (int64_t col = 0; col < groupColumns; ++col)
        values[group * groupColumns + col] = storedAs(encoding, scale * static_cast<float>(integer(random)));
      values[group * groupColumns + group % groupColumns] =
          storedAs(encoding, scale * static_cast<float>(GetParam().least)); // the extreme is there
    }
    for (Layout layout : {Layout::Panels, Layout::Table}) {
      TestDirectory directory;
      TestTensors tensors(directory.path());
      PackedMatrix matrix = plannedMatrix({.name = "w",
                                           .sources = {tensors.add("w", encoding, 1, rows, cols, values)},
                                           .format = GetParam().format,
                                           .layout = layout,
                                           .rowAxis = {rows, 64},
                                           .colAxis = {cols, cols}});
      PackCounts counts;
      llvm::Expected<std::vector<uint8_t>> packed = packMatrix(matrix, directory.path(), &counts);
      ASSERT_TRUE(static_cast<bool>(packed)) << llvm::toString(packed.takeError());
      EXPECT_EQ(counts.groups, rows * cols / groupColumns);
      EXPECT_EQ(counts.exact, counts.groups);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t col = 0; col < cols; ++col)
          ASSERT_EQ(storedAs(encoding, packedValue(matrix, packed->data(), 0, row, col)), values[row * cols + col])
              << row << " " << col;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Lattice,
                         testing::Values(LatticeCase{Format::Q4, -8, 7}, LatticeCase{Format::Q3, -4, 3},
                                         LatticeCase{Format::Q2, -2, 1}, LatticeCase{Format::Q6, -32, 31},
                                         LatticeCase{Format::Q5, -16, 15}, LatticeCase{Format::Q8, -127, 127},
                                         LatticeCase{Format::Q4, -5, 5}, LatticeCase{Format::Q6, -8, 7},
                                         LatticeCase{Format::Q8, -8, 7}),
                         [](const auto &info) {
                           return nameOf(info.param.format).str() + "_from_" + std::to_string(-info.param.least);
                         });

TEST(Packer, values_off_the_lattice_are_not_called_exact) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  std::vector<float> values(16 * 64, 0.5f);
  values[70] = 0.51f; // the first group of row 1
  PackedMatrix matrix = plannedMatrix({.name = "w",
                                       .sources = {tensors.add("w", Encoding::F32, 1, 16, 64, values)},
                                       .format = Format::Q4,
                                       .layout = Layout::Panels,
                                       .rowAxis = {16, 32},
                                       .colAxis = {64, 64}});
  PackCounts counts;
  ASSERT_TRUE(static_cast<bool>(packMatrix(matrix, directory.path(), &counts)));
  EXPECT_EQ(counts.groups, 32);
  EXPECT_EQ(counts.exact, 31);
}

/// A tensor of integers and one of their scales.
static PackSource addIntegers(TestTensors &tensors, const std::string &name, Encoding encoding, int64_t rows,
                              int64_t cols, int64_t columns, std::vector<float> scales,
                              const std::vector<uint8_t> &integers) {
  PackSource source = tensors.addBytes(name, encoding, 1, rows, cols, integers);
  PackSource scale = tensors.add(name + "_scale", Encoding::F32, 1, rows, cols / columns, std::move(scales));
  source.scales = PackScales{scale.file, scale.offset, Encoding::F32, columns};
  return source;
}

struct IntegerCase {
  Format format;
  Encoding encoding;
  int64_t columns; ///< that share a scale
  Layout layout;
};

class Integers : public testing::TestWithParam<IntegerCase> {};

TEST_P(Integers, are_taken_as_they_are) {
  const IntegerCase &which = GetParam();
  constexpr int64_t rows = 32, cols = 64;
  const EncodingInfo &info = encodingInfo(which.encoding);
  int64_t perByte = info.blockValues, bits = 8 / perByte, half = which.encoding == Encoding::Int8 ? 0 : 1 << (bits - 1);
  std::mt19937 random(3);
  std::vector<uint8_t> bytes(rows * cols / perByte);
  for (uint8_t &byte : bytes)
    byte = static_cast<uint8_t>(random());
  std::vector<float> scales(rows * cols / which.columns);
  for (float &scale : scales) // multiples of 2^-16 fit f16; scales of rows are f32
    scale =
        std::ldexp(static_cast<float>(random() % 1000 + 1), -16) * (formatInfo(which.format).rowScales() ? 1.1f : 1.0f);
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix =
      plannedMatrix({.name = "w",
                     .sources = {addIntegers(tensors, "w", which.encoding, rows, cols, which.columns, scales, bytes)},
                     .format = which.format,
                     .layout = which.layout,
                     .rowAxis = {rows, rows},
                     .colAxis = {which.layout == Layout::Table ? which.columns : cols,
                                 which.layout == Layout::Table ? which.columns : cols}});
  PackCounts counts;
  llvm::Expected<std::vector<uint8_t>> packed = packMatrix(matrix, directory.path(), &counts);
  ASSERT_TRUE(static_cast<bool>(packed)) << llvm::toString(packed.takeError());
  EXPECT_EQ(counts.exact, rows * cols / groupColumns);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col) {
      int64_t index = row * cols + col;
      int stored = bytes[index / perByte] >> (index % perByte * bits) & ((1 << bits) - 1);
      int integer = half ? stored - static_cast<int>(half) : static_cast<int8_t>(stored);
      ASSERT_EQ(packedValue(matrix, packed->data(), 0, row, col),
                static_cast<float>(integer) * scales[index / which.columns])
          << row << " " << col;
    }
}

INSTANTIATE_TEST_SUITE_P(, Integers,
                         testing::Values(IntegerCase{Format::Q4, Encoding::Int4, 32, Layout::Panels},
                                         IntegerCase{Format::Q8, Encoding::Offset8, 32, Layout::Panels},
                                         IntegerCase{Format::Q2, Encoding::Int2, 32, Layout::Panels},
                                         IntegerCase{Format::C4, Encoding::Int4, 64, Layout::Panels},
                                         IntegerCase{Format::C8, Encoding::Int8, 64, Layout::Panels},
                                         IntegerCase{Format::C2, Encoding::Int2, 64, Layout::Panels},
                                         IntegerCase{Format::C4, Encoding::Int4, 32,
                                                     Layout::Table}, // a table of two blocks a row
                                         IntegerCase{Format::C2, Encoding::Int2, 64, Layout::Table}),
                         [](const auto &info) {
                           return nameOf(info.param.format).str() + "_per_" + std::to_string(info.param.columns) + "_" +
                                  nameOf(info.param.layout).str();
                         });
