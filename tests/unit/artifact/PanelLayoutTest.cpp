// The layout of packed panels, stated in bytes: a slip that packer and reader share would pass the round trips.
#include "TestCheckpoint.h"

#include "compiler/artifact/Packer.h"
#include "llvm/Support/Error.h"

#include <cmath>

using namespace gemmac;

namespace {
/// The stored integers of a panel of 16 rows and 32 columns whose weight at (row, col) is integer(row, col) * 2^-row.
std::vector<uint8_t> packIntegers(Format format, llvm::function_ref<int(int row, int col)> integer) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  std::vector<float> values(16 * 32);
  for (int row = 0; row < 16; ++row)
    for (int col = 0; col < 32; ++col)
      values[row * 32 + col] = static_cast<float>(integer(row, col)) * std::ldexp(1.0f, -row);
  PackedMatrix matrix{.name = "w",
                      .sources = {tensors.add("w", Encoding::F32, 1, 16, 32, values)},
                      .format = format,
                      .layout = Layout::Panels,
                      .rowAxis = {16, 16},
                      .colAxis = {32, 32}};
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(plannedMatrix(matrix), directory.path());
  if (!data) {
    ADD_FAILURE() << llvm::toString(data.takeError());
    return std::vector<uint8_t>(4096);
  }
  return *data;
}

void expectScales(const std::vector<uint8_t> &data, size_t offset) {
  for (int row = 0; row < 16; ++row)
    EXPECT_EQ(data[offset + 2 * row] | data[offset + 1 + 2 * row] << 8, floatToHalf(std::ldexp(1.0f, -row)));
}
} // namespace

TEST(Packer, q4_panel_layout) {
  auto data = packIntegers(Format::Q4, [](int row, int col) { return (row + col) % 16 - 8; });
  ASSERT_EQ(data.size(), 2 * 320u) << "two panels of 288 bytes, padded to 64; the second is the padding of rows to 32";
  for (int quad = 0; quad < 4; ++quad)
    for (int row = 0; row < 16; ++row)
      for (int byte = 0; byte < 4; ++byte) {
        int low = (row + 4 * quad + byte) % 16, high = (row + 16 + 4 * quad + byte) % 16;
        EXPECT_EQ(data[quad * 64 + row * 4 + byte], low | high << 4);
      }
  expectScales(data, 256);
  EXPECT_EQ(data[320], 0x88);
}

TEST(Packer, q12_panel_layout) {
  auto integer = [](int row, int col) { return (257 * row + 130 * col + (col > 15)) % 4095 - 2047; };
  // Every row holds 2047, so that the scales are powers of two.
  auto weight = [&](int row, int col) { return col == 7 ? 2047 : integer(row, col); };
  auto data = packIntegers(Format::Q12, weight);
  auto stored = [&](int row, int col) { return weight(row, col) + 2048; };
  ASSERT_EQ(data.size(), 2 * 832u) << "two panels of 800 bytes, padded to 64";
  for (int row = 0; row < 16; ++row)
    for (int byte = 0; byte < 4; ++byte) {
      for (int quad = 0; quad < 8; ++quad)
        EXPECT_EQ(data[quad * 64 + row * 4 + byte], stored(row, 4 * quad + byte) & 255);
      for (int quad = 0; quad < 4; ++quad)
        EXPECT_EQ(data[512 + quad * 64 + row * 4 + byte],
                  stored(row, 4 * quad + byte) >> 8 | stored(row, 16 + 4 * quad + byte) >> 8 << 4);
    }
  expectScales(data, 768);
  EXPECT_EQ(data[832], 0);
  EXPECT_EQ(data[832 + 512], 0x88);
}

TEST(Packer, q6_panel_layout) {
  auto integer = [](int row, int col) { return (5 * row + 2 * col + (col > 15)) % 64 - 32; };
  // Row 0 must hold -32, so that the scale is 1; other rows need any of both ends.
  auto data = packIntegers(Format::Q6, [&](int row, int col) { return col == 7 ? -32 : integer(row, col); });
  auto stored = [&](int row, int col) { return col == 7 ? 0 : integer(row, col) + 32; };
  ASSERT_EQ(data.size(), 2 * 448u) << "two panels of 416 bytes, padded to 64";
  for (int row = 0; row < 16; ++row)
    for (int byte = 0; byte < 4; ++byte) {
      for (int quad = 0; quad < 4; ++quad)
        EXPECT_EQ(data[quad * 64 + row * 4 + byte],
                  (stored(row, 4 * quad + byte) & 15) | (stored(row, 16 + 4 * quad + byte) & 15) << 4);
      for (int block = 0; block < 2; ++block) {
        int high = 0;
        for (int field = 0; field < 4; ++field)
          high |= stored(row, 8 * field + 4 * block + byte) >> 4 << 2 * field;
        EXPECT_EQ(data[256 + block * 64 + row * 4 + byte], high);
      }
    }
  expectScales(data, 384);
}

TEST(Packer, q5_panel_layout) {
  auto integer = [](int row, int col) { return (3 * row + 5 * col + (col > 15)) % 32 - 16; };
  auto data = packIntegers(Format::Q5, [&](int row, int col) { return col == 7 ? -16 : integer(row, col); });
  auto stored = [&](int row, int col) { return col == 7 ? 0 : integer(row, col) + 16; };
  ASSERT_EQ(data.size(), 2 * 384u) << "two panels of 352 bytes, padded to 64";
  for (int row = 0; row < 16; ++row)
    for (int byte = 0; byte < 4; ++byte) {
      int high = 0;
      for (int quad = 0; quad < 4; ++quad)
        EXPECT_EQ(data[quad * 64 + row * 4 + byte],
                  (stored(row, 4 * quad + byte) & 15) | (stored(row, 16 + 4 * quad + byte) & 15) << 4);
      for (int quad = 0; quad < 8; ++quad)
        high |= stored(row, 4 * quad + byte) >> 4 << quad;
      EXPECT_EQ(data[256 + row * 4 + byte], high);
    }
  expectScales(data, 320);
}

TEST(Packer, q3_and_q2_panel_layout) {
  auto integer3 = [](int row, int col) { return (row + 3 * col + col / 8) % 8 - 4; };
  auto data = packIntegers(Format::Q3, integer3);
  ASSERT_EQ(data.size(), 2 * 256u) << "two panels of 224 bytes, padded to 64";
  for (int row = 0; row < 16; ++row)
    for (int byte = 0; byte < 4; ++byte) {
      int high = 0;
      for (int quad = 0; quad < 8; ++quad) {
        int stored = integer3(row, 4 * quad + byte) + 4;
        EXPECT_EQ(data[quad % 2 * 64 + row * 4 + byte] >> quad / 2 * 2 & 3, stored & 3);
        high |= stored >> 2 << quad;
      }
      EXPECT_EQ(data[128 + row * 4 + byte], high);
    }
  expectScales(data, 192);

  auto integer2 = [](int row, int col) { return (row + col + col / 4) % 4 - 2; };
  data = packIntegers(Format::Q2, integer2);
  ASSERT_EQ(data.size(), 2 * 192u) << "two panels of 160 bytes, padded to 64";
  for (int row = 0; row < 16; ++row)
    for (int byte = 0; byte < 4; ++byte)
      for (int quad = 0; quad < 8; ++quad)
        EXPECT_EQ(data[quad % 2 * 64 + row * 4 + byte] >> quad / 2 * 2 & 3, integer2(row, 4 * quad + byte) + 2);
  expectScales(data, 128);
}

TEST(Packer, q8_and_f32_panel_layout) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  std::vector<float> values(32 * 32);
  for (int row = 0; row < 32; ++row)
    for (int col = 0; col < 32; ++col)
      values[row * 32 + col] = static_cast<float>(col == 31 ? 127 : row + 3 * col);
  PackSource source = tensors.add("w", Encoding::F32, 1, 32, 32, values);
  PackedMatrix matrix{.name = "w",
                      .sources = {source},
                      .format = Format::Q8,
                      .layout = Layout::Panels,
                      .rowAxis = {32, 32},
                      .colAxis = {32, 32}};
  matrix = plannedMatrix(matrix);
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
  ASSERT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
  ASSERT_EQ(data->size(), 2 * 576u) << "544 bytes a panel, padded to 64";
  for (int row = 0; row < 32; ++row)
    for (int col = 0; col < 31; ++col)
      EXPECT_EQ((*data)[row / 16 * 576 + col / 4 * 64 + row % 16 * 4 + col % 4], row + 3 * col);
  EXPECT_EQ((*data)[512] | (*data)[513] << 8, 0x3c00);

  matrix.format = Format::F32;
  matrix = plannedMatrix(matrix);
  data = packMatrix(matrix, directory.path());
  ASSERT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
  float value;
  std::memcpy(&value, data->data() + (16 * 32 + 5 * 16 + 2) * 4, 4);
  EXPECT_EQ(value, 18 + 3 * 5) << "second panel, column 5, row 2";
}
