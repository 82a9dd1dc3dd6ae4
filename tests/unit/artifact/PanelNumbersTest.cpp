// The numbers of narrow formats in the places of wide ones, and energies of outputs, against slow and obvious sums.
#include "compiler/artifact/PanelNumbers.h"

#include "compiler/artifact/OutputEnergy.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/Packer.h"

#include "TestCheckpoint.h"

#include <fcntl.h>
#include <unistd.h>

using namespace gemmac;

namespace {

constexpr Format groupFormats[] = {Format::Q12, Format::Q8, Format::Q6, Format::Q5, Format::Q4, Format::Q3, Format::Q2};

PackedMatrix exampleMatrix(TestTensors &tensors, Layout layout) {
  PackedMatrix matrix{.name = "test",
                      .sources = {tensors.add("w_" + nameOf(layout).str(), Encoding::F32, 1, 70, 90)},
                      .layout = layout};
  matrix.rowAxis = {70, 96};
  matrix.colAxis = {90, 96};
  return matrix;
}

std::vector<uint8_t> packed(PackedMatrix matrix, const std::string &directory) {
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(plannedMatrix(std::move(matrix)), directory);
  EXPECT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
  return data ? *data : std::vector<uint8_t>();
}

} // namespace

// A matrix that is rounded to a narrow format and stored in a wider one holds the values
// of the narrow one, bit for bit.
TEST(PanelNumbers, WideFormatsHoldTheNumbersOfNarrowOnes) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  for (Layout layout : {Layout::Panels, Layout::Table}) {
    PackedMatrix matrix = exampleMatrix(tensors, layout);
    for (Format narrow : groupFormats)
      for (Format wide : groupFormats) {
        if (formatInfo(narrow).bits > formatInfo(wide).bits)
          continue;
        matrix.format = narrow;
        matrix.narrower.reset();
        PackedMatrix expected = plannedMatrix(matrix);
        std::vector<uint8_t> narrowBytes = packed(matrix, directory.path());
        matrix.format = wide;
        if (narrow != wide)
          matrix.narrower = narrow;
        PackedMatrix stored = plannedMatrix(matrix);
        std::vector<uint8_t> wideBytes = packed(matrix, directory.path());
        ASSERT_EQ(wideBytes.size(), static_cast<size_t>(stored.bytes));
        EXPECT_EQ(unpackMatrix(stored, wideBytes.data(), 0), unpackMatrix(expected, narrowBytes.data(), 0))
            << nameOf(narrow).str() << " in " << nameOf(wide).str();
      }
  }
}

TEST(PanelNumbers, ValuesAreThoseOfTheSlowReader) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  for (Layout layout : {Layout::Panels, Layout::Table})
    for (Format format : groupFormats) {
      PackedMatrix matrix = exampleMatrix(tensors, layout);
      const int64_t lanes = rowsOf(layout);
      matrix.format = format;
      matrix = plannedMatrix(matrix);
      std::vector<uint8_t> bytes = packed(matrix, directory.path());
      std::vector<float> values(matrix.cols * lanes);
      for (int64_t panel = 0; panel < matrix.panelCount(); ++panel) {
        panelValues(format, bytes.data() + panel * matrix.panelStride(), lanes, matrix.cols, values.data());
        for (int64_t col = 0; col < matrix.cols; ++col)
          for (int64_t lane = 0; lane < lanes; ++lane)
            ASSERT_EQ(values[col * lanes + lane], packedValue(matrix, bytes.data(), 0, panel * lanes + lane, col));
      }
    }
}

TEST(Packer, PanelsOnTheirOwnAreThoseOfTheMatrix) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix = exampleMatrix(tensors, Layout::Panels);
  matrix.sources = {tensors.add("experts", Encoding::BF16, 3, 70, 90)};
  matrix.format = Format::Q4;
  matrix = plannedMatrix(matrix);
  std::vector<uint8_t> whole = packed(matrix, directory.path());
  int64_t stride = matrix.panelStride(), some[] = {0, matrix.panelCount() + 1, 3 * matrix.panelCount() - 1};
  llvm::Expected<std::vector<uint8_t>> got = packPanels(matrix, some, directory.path(), Rounding::search, nullptr);
  ASSERT_TRUE(static_cast<bool>(got));
  ASSERT_EQ(got->size(), static_cast<size_t>(3 * stride));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(std::memcmp(got->data() + i * stride, whole.data() + some[i] * stride, stride), 0);
}

// Matrices that are written again change, all else stays: neighbours, gaps, the tail.
TEST(Packer, SomeMatricesAreRewritten) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  DataSection section;
  for (int i = 0; i < 3; ++i) {
    PackedMatrix matrix = exampleMatrix(tensors, Layout::Panels);
    matrix.sources = {tensors.add("m" + std::to_string(i), Encoding::F32, 1, 70, 90)};
    matrix.format = Format::Q8;
    section.matrices.push_back(plannedMatrix(matrix, section.matrixBytes));
    section.matrixBytes = section.matrices.back().offset + section.matrices.back().bytes + 128; // a gap
  }
  section.tail = "tail";
  std::string path = directory.path() + "/section";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  PackOptions options{directory.path(), path, 2, {}};
  auto contents = [&] {
    std::string bytes(4096 + section.bytes(), '\0');
    EXPECT_EQ(::pread(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return bytes;
  };
  ASSERT_TRUE(static_cast<bool>(writeDataSection(section, fd, 4096, options)));
  std::string before = contents();
  DataSection some;
  some.matrices = {section.matrices[0], section.matrices[2]};
  for (PackedMatrix &matrix : some.matrices)
    matrix.narrower = Format::Q2;
  ASSERT_FALSE(static_cast<bool>(rewriteMatrices(some, fd, 4096, options)));
  std::string changed = contents(), expected = before;
  for (const PackedMatrix &matrix : some.matrices) {
    std::vector<uint8_t> bytes = packed(matrix, directory.path());
    std::memcpy(expected.data() + 4096 + matrix.offset, bytes.data(), bytes.size());
  }
  EXPECT_EQ(changed, expected);
  EXPECT_NE(changed, before);
  some.matrices = {section.matrices[0], section.matrices[2]};
  ASSERT_FALSE(static_cast<bool>(rewriteMatrices(some, fd, 4096, options)));
  EXPECT_EQ(contents(), before);
  ::close(fd);
}

// d^T H d by its definition, over blocks of columns; without moments the sum of squares.
TEST(OutputEnergy, IsTheQuadraticForm) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int64_t cols : {64, 2080}) {
    MomentLayout layout = MomentLayout::of(cols, 1);
    std::vector<std::vector<float>> inputs(50, std::vector<float>(cols));
    for (auto &row : inputs)
      for (float &value : row)
        value = normal(random);
    std::vector<std::vector<double>> h(cols, std::vector<double>(cols));
    std::vector<float> stored(layout.batchBytes() / 4);
    for (int64_t block = 0; block < layout.blockCount(); ++block) {
      int64_t first = block * layout.block, count = layout.blockCols(block);
      double trace = 0;
      for (int64_t col = first; col < first + count; ++col)
        for (int64_t row = first; row <= col; ++row) {
          float sum = 0;
          for (const auto &x : inputs)
            sum += x[row] * x[col];
          h[row][col] = h[col][row] = sum;
          trace += row == col ? sum : 0;
          stored[(block * layout.blockBytes() + MomentLayout::panelOffset((col - first) / panelRows)) / 4 +
                 (row - first) * panelRows + (col - first) % panelRows] = sum;
        }
      for (int64_t col = first; col < first + count; ++col)
        h[col][col] += RoundingFactor::damping * trace / static_cast<double>(count);
    }
    RoundingFactor factor(layout, stored);
    std::vector<float> panel(cols * panelRows);
    for (float &value : panel)
      value = normal(random);
    double expected = 0, squares = 0;
    for (int64_t lane = 0; lane < panelRows; ++lane)
      for (int64_t i = 0; i < cols; ++i) {
        double left = panel[i * panelRows + lane];
        squares += left * left;
        for (int64_t j = 0; j < cols; ++j)
          expected += left * h[i][j] * panel[j * panelRows + lane];
      }
    EXPECT_NEAR(outputEnergy(factor, panel.data()), expected, 1e-4 * expected);
    EXPECT_NEAR(sumOfSquares(panel.data(), cols * panelRows), squares, 1e-5 * squares);
  }
}
