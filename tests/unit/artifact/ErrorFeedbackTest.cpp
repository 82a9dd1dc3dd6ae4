// Rounding with error feedback, against the arithmetic that defines it.
#include "compiler/artifact/ErrorFeedback.h"
#include "compiler/artifact/Packer.h"

#include "TestCheckpoint.h"

using namespace gemmac;

namespace {

using Matrix = std::vector<std::vector<double>>;

/// Inputs that go together: each column is a mixture of a few common causes.
std::vector<std::vector<float>> correlatedRows(int64_t count, int64_t cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> mixture(8, std::vector<float>(cols));
  for (auto &cause : mixture)
    for (float &value : cause)
      value = normal(random);
  std::vector<std::vector<float>> rows(count, std::vector<float>(cols));
  for (auto &row : rows) {
    for (float &value : row)
      value = 0.3f * normal(random);
    for (const auto &cause : mixture) {
      float strength = normal(random);
      for (int64_t col = 0; col < cols; ++col)
        row[col] += strength * cause[col];
    }
  }
  return rows;
}

/// Second moments within blocks, and as the layout stores them.
struct TestMoments {
  MomentLayout layout;
  Matrix h;
  std::vector<float> stored;

  TestMoments(MomentLayout layout, const std::vector<std::vector<float>> &rows)
      : layout(layout), h(layout.cols, std::vector<double>(layout.cols)), stored(layout.batchBytes() / 4) {
    for (int64_t col = 0; col < layout.cols; ++col)
      for (int64_t row = col / layout.block * layout.block; row <= col; ++row) {
        double sum = 0;
        for (const auto &x : rows)
          sum += static_cast<double>(x[row]) * x[col];
        int64_t block = col / layout.block, panel = col % layout.block / panelRows;
        stored[(block * layout.blockBytes() + MomentLayout::panelOffset(panel)) / 4 + row % layout.block * panelRows +
               col % panelRows] = static_cast<float>(sum);
        h[row][col] = h[col][row] = static_cast<float>(sum);
      }
    for (int64_t block = 0; block < layout.blockCount(); ++block) {
      double trace = 0;
      int64_t first = block * layout.block, count = layout.blockCols(block);
      for (int64_t col = first; col < first + count; ++col)
        trace += h[col][col];
      for (int64_t col = first; col < first + count; ++col)
        h[col][col] += trace > 0 ? RoundingFactor::damping * trace / static_cast<double>(count) : 1.0;
    }
  }

  /// d^T H d
  double cost(const std::vector<double> &d) const {
    double sum = 0;
    for (int64_t i = 0; i < layout.cols; ++i)
      for (int64_t j = 0; j < layout.cols; ++j)
        sum += d[i] * h[i][j] * d[j];
    return sum;
  }
};

std::vector<std::vector<float>> randomRows(int64_t count, int64_t cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> rows(count, std::vector<float>(cols));
  for (auto &row : rows)
    for (float &value : row)
      value = normal(random);
  return rows;
}

PanelRows pointersTo(const std::vector<std::vector<float>> &rows) {
  PanelRows pointers;
  for (int64_t lane = 0; lane < panelRows; ++lane)
    pointers[lane] = {rows[lane].data(), /*padding=*/false};
  return pointers;
}

/// Weights less what tiles stand for.
std::vector<double> deviation(Format format, const std::vector<float> &row, int64_t lane,
                              const std::vector<QuantizedTile> &tiles) {
  std::vector<double> result;
  for (size_t col = 0; col < row.size(); ++col) {
    const QuantizedTile &tile = tiles[col / groupColumns];
    int64_t integer = formatInfo(format).integerOf(tile.stored[col % groupColumns][lane]);
    result.push_back(row[col] - static_cast<double>(integer) * halfToFloat(tile.scales[lane]));
  }
  return result;
}

class ErrorFeedbackTest : public testing::TestWithParam<Format> {};

// What the factor says an error costs is what the moments say; and rounding by it costs clearly less than the best
// scales of groups by themselves.
TEST_P(ErrorFeedbackTest, costs_less_than_a_search) {
  Format format = GetParam();
  for (int64_t cols : {64, 2080}) {
    TestMoments moments(MomentLayout::of(cols, 1), correlatedRows(40, cols, 3));
    RoundingFactor factor(moments.layout, moments.stored);
    auto rows = randomRows(panelRows, cols, 5);
    std::vector<QuantizedTile> tiles(cols / groupColumns), searched(cols / groupColumns);
    ErrorFeedback feedback;
    ASSERT_TRUE(feedback.round(format, pointersTo(rows), factor, tiles));
    for (int64_t group = 0; group < cols / groupColumns; ++group) {
      GroupTile tile;
      for (int64_t col = 0; col < groupColumns; ++col)
        for (int64_t lane = 0; lane < panelRows; ++lane)
          tile.values[col][lane] = rows[lane][group * groupColumns + col];
      ASSERT_TRUE(quantizeTile(format, tile, searched[group]));
    }
    double cost = 0, alone = 0;
    for (int64_t lane = 0; lane < panelRows; ++lane) {
      cost += moments.cost(deviation(format, rows[lane], lane, tiles));
      alone += moments.cost(deviation(format, rows[lane], lane, searched));
    }
    EXPECT_NEAR(feedback.totalCost(), cost, 2e-3 * cost) << cols << " columns";
    EXPECT_LT(cost, 0.35 * alone) << cols << " columns";
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, ErrorFeedbackTest,
                         testing::Values(Format::Q12, Format::Q8, Format::Q6, Format::Q5, Format::Q4, Format::Q3,
                                         Format::Q2),
                         [](const auto &info) { return nameOf(info.param).str(); });

// A row's result does not depend on its lane or on the rows beside it.
TEST(ErrorFeedback, rows_are_independent) {
  constexpr int64_t cols = 96;
  TestMoments moments(MomentLayout::of(cols, 1), correlatedRows(30, cols, 7));
  RoundingFactor factor(moments.layout, moments.stored);
  auto rows = randomRows(panelRows, cols, 9), others = randomRows(panelRows, cols, 11);
  others[13] = rows[2];
  std::vector<QuantizedTile> first(3), second(3);
  ErrorFeedback feedback;
  ASSERT_TRUE(feedback.round(Format::Q4, pointersTo(rows), factor, first));
  ASSERT_TRUE(feedback.round(Format::Q4, pointersTo(others), factor, second));
  for (int64_t group = 0; group < 3; ++group) {
    EXPECT_EQ(first[group].scales[2], second[group].scales[13]);
    for (int64_t col = 0; col < groupColumns; ++col)
      EXPECT_EQ(first[group].stored[col][2], second[group].stored[col][13]);
  }
}

// Columns of zeros that no input reaches, as padding is, stay zero; so do rows of zeros.
TEST(ErrorFeedback, padding_stays_zero) {
  constexpr int64_t cols = 64, used = 40;
  auto inputs = correlatedRows(30, cols, 13), rows = randomRows(panelRows, cols, 15);
  for (auto *list : {&inputs, &rows})
    for (auto &row : *list)
      std::fill(row.begin() + used, row.end(), 0.0f);
  std::fill(rows[5].begin(), rows[5].end(), 0.0f);
  TestMoments moments(MomentLayout::of(cols, 1), inputs);
  RoundingFactor factor(moments.layout, moments.stored);
  std::vector<QuantizedTile> tiles(2);
  ASSERT_TRUE(ErrorFeedback().round(Format::Q4, pointersTo(rows), factor, tiles));
  for (int64_t col = used; col < cols; ++col)
    for (int64_t lane = 0; lane < panelRows; ++lane)
      EXPECT_EQ(tiles[1].stored[col - groupColumns][lane], 8) << "column " << col << ", row " << lane;
  for (int64_t group = 0; group < 2; ++group) {
    EXPECT_EQ(tiles[group].scales[5], 0);
    EXPECT_EQ(tiles[group].stored[0][5], 8);
  }
}

// Without any input all columns count alike, and rounding is that of a search without least-squares fits.
TEST(ErrorFeedback, unseen_inputs_round_each_value_by_itself) {
  constexpr int64_t cols = 32;
  MomentLayout layout = MomentLayout::of(cols, 1);
  RoundingFactor factor(layout, std::vector<float>(layout.batchBytes() / 4));
  auto rows = randomRows(panelRows, cols, 17);
  std::vector<QuantizedTile> tiles(1);
  ASSERT_TRUE(ErrorFeedback().round(Format::Q4, pointersTo(rows), factor, tiles));
  for (int64_t lane = 0; lane < panelRows; ++lane) {
    double scale = halfToFloat(tiles[0].scales[lane]);
    for (double d : deviation(Format::Q4, rows[lane], lane, tiles))
      EXPECT_LE(std::fabs(d), std::fabs(scale) * 2) << "only the extreme may be clipped, by little";
  }
}

/// Gives every matrix the same factor.
class TestGuide : public RoundingGuide {
public:
  explicit TestGuide(std::shared_ptr<const RoundingFactor> factor) : known(std::move(factor)) {}
  llvm::Expected<std::shared_ptr<const RoundingFactor>> factor(const PackedMatrix &, int64_t) override { return known; }

private:
  std::shared_ptr<const RoundingFactor> known;
};

// The packer hands panels to the rounding that is asked for; the layout is the same, so
// the slow reader finds the errors.
TEST(ErrorFeedback, packer_uses_it) {
  constexpr int64_t rows = 48, cols = 100, padded = 128;
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix;
  matrix.name = "m";
  matrix.sources = {tensors.add("w", Encoding::BF16, 1, rows, cols)};
  matrix.format = Format::Q4;
  matrix.layout = Layout::Panels;
  matrix.rowAxis = {rows, 64};
  matrix.colAxis = {cols, padded};
  matrix = plannedMatrix(matrix);
  auto inputs = correlatedRows(60, padded, 19);
  for (auto &row : inputs)
    std::fill(row.begin() + cols, row.end(), 0.0f);
  TestMoments moments(MomentLayout::of(padded, 1), inputs);
  TestGuide guide(std::make_shared<RoundingFactor>(moments.layout, moments.stored));
  std::map<Rounding, double> costs, diagonalCosts;
  for (Rounding rounding : {Rounding::plain, Rounding::search, Rounding::weighted, Rounding::feedback}) {
    auto data = packMatrix(matrix, directory.path(), nullptr, rounding, &guide);
    ASSERT_TRUE(static_cast<bool>(data));
    std::vector<float> unpacked = unpackMatrix(matrix, data->data(), 0);
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<double> d(padded);
      for (int64_t col = 0; col < cols; ++col)
        d[col] = static_cast<double>(tensors.values("w")[row * cols + col]) - unpacked[row * cols + col];
      costs[rounding] += moments.cost(d);
      for (int64_t col = 0; col < padded; ++col)
        diagonalCosts[rounding] += d[col] * d[col] * moments.h[col][col];
    }
  }
  EXPECT_LT(costs[Rounding::search], costs[Rounding::plain]);
  EXPECT_LT(diagonalCosts[Rounding::weighted], diagonalCosts[Rounding::search]);
  EXPECT_LT(costs[Rounding::feedback], 0.5 * std::min(costs[Rounding::weighted], costs[Rounding::search]));
}

} // namespace
