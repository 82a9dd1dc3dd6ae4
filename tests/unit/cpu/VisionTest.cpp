// Steps of the vision tower but for attention, bounds of clipped linears, and products of more rows than one block,
// against plain loops.
#include "GivenRows.h"
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr Format f32 = Format::F32, f16 = Format::F16, bf16 = Format::BF16, q8 = Format::Q8, q4 = Format::Q4;

/// Columns and rows of patches, anywhere below `most`.
std::vector<int32_t> somePlaces(int64_t count, int32_t most) {
  std::vector<int32_t> places(32 * count, -7); // all but two of a row mean nothing
  for (int64_t row = 0; row < count; ++row) {
    places[32 * row] = static_cast<int32_t>(row * 37 % most);
    places[32 * row + 1] = static_cast<int32_t>((row * row + 5) % most);
  }
  return places;
}

//===--- affine
//-----------------------------------------------------------------------------------------------------===//

TEST(AffineTest, MapsTheFirstElements) {
  constexpr int64_t perRow = 9, maxRows = 3, width = 96, count = 51;
  constexpr float low = -1.25f, high = 0.5f;
  StepProgram program(maxRows);
  Buffer x = program.given(width, "f32", perRow), plain = program.shared(width, "f32", perRow),
         bounded = program.shared(width, "f32", perRow), bytes = program.shared(width, "q8", perRow),
         whole = program.shared(width, "f32", perRow);
  auto add = [&](const Buffer &result, int64_t columns, const char *rest) {
    program.step(formatv("affine {0} -> {1} by 2.0 plus -1.1 count {4} {5} : {2} -> {3}", x.name, result.name, x.type,
                         result.type, columns, rest));
  };
  add(plain, count, "");
  add(bounded, count, "within [-1.25, 0.5]");
  add(bytes, count, "within [-1.25, 0.5]");
  add(whole, width, "");
  Runner runner(program);
  for (int64_t rows : {1, 3}) {
    Rows input(perRow * rows, width, 5);
    Call call = callOf(rows);
    call.give(x, input.values);
    Memory memory = runner.run(call);
    for (int64_t row = 0; row < perRow * rows; ++row) {
      std::vector<float> mapped(width), all(width), within(width);
      for (int64_t c = 0; c < width; ++c) {
        all[c] = input[row][c] * 2.0f + -1.1f;
        mapped[c] = c < count ? all[c] : 0.0f;
        within[c] = c < count ? clamped(all[c], low, high) : 0.0f;
      }
      std::string what = formatv("row {0} of {1}", row, rows);
      expectBits(memory.floats(plain, row), mapped, what);
      expectBits(memory.floats(bounded, row), within, what + ", within");
      expectBits(memory.floats(whole, row), all, what + ", all elements");
      expectIntegers(memory, bytes, row, quantizeRow(within.data(), width), what + ", q8");
    }
  }
}

//===--- add_places
//-------------------------------------------------------------------------------------------------===//

class AddPlacesTest : public testing::TestWithParam<Format> {};

TEST_P(AddPlacesTest, AddsARowOfEachTable) {
  constexpr int64_t perRow = 4, maxRows = 5, width = 96, most = 64;
  Random random(11);
  Matrix columns = randomMatrix(random, GetParam(), most, width), lines = randomMatrix(random, GetParam(), most, width);
  StepProgram program(maxRows);
  Buffer x = program.given(width, "f32", perRow), places = program.given(32, "i32", perRow),
         sum = program.shared(width, "f32", perRow);
  std::string tables = formatv("columns {0} rows {1} : {2}, {3}", program.addMatrix(columns), program.addMatrix(lines),
                               x.type, places.type);
  program.step(formatv("add_places {0}, {1} -> {2} {3} -> {4}", x.name, places.name, sum.name, tables, sum.type));
  program.barrier();
  program.step(formatv("add_places {0}, {1} -> {0} {2} -> {3}", x.name, places.name, tables, x.type)); // in place
  Rows input(perRow * maxRows, width, 6);
  std::vector<int32_t> given = somePlaces(perRow * maxRows, most);
  Call call = callOf(maxRows);
  call.give(x, input.values);
  call.give(places, given);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < perRow * maxRows; ++row) {
    std::vector<float> expected(width);
    auto at = [&](const Matrix &table, int64_t axis, int64_t c) {
      int32_t place = given[32 * row + axis];
      return table.number(place, c) * table.scale(place, c);
    };
    for (int64_t c = 0; c < width; ++c)
      expected[c] = input[row][c] + (at(columns, 0, c) + at(lines, 1, c));
    expectBits(memory.floats(sum, row), expected, formatv("row {0}", row));
    expectBits(memory.floats(x, row), expected, formatv("row {0} in place", row));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, AddPlacesTest,
                         testing::Values(f32, f16, bf16, Format::Q12, q8, Format::Q6, q4, Format::C8),
                         [](const auto &info) { return nameOf(info.param).str(); });

//===--- rope_places_table
//------------------------------------------------------------------------------------------===//

class RopePlacesTest : public testing::TestWithParam<int64_t> {};

/// The frequency of element `j` of a half head, and the axis that it turns by.
std::pair<float, int64_t> turnOf(int64_t headDim, int64_t j, double theta) {
  int64_t pairs = headDim / 4;
  if (j >= 2 * pairs)
    return {0.0f, 0};
  float exponent = static_cast<float>(2 * (j % pairs)) / static_cast<float>(headDim / 2);
  return {1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent))), j / pairs};
}

TEST_P(RopePlacesTest, CosinesThenSinesOfColumnAndRow) {
  constexpr int64_t perRow = 3, maxRows = 7;
  int64_t headDim = GetParam(), padded = paddedHeadDim(headDim), half = padded / 2;
  StepProgram program(maxRows);
  Buffer places = program.given(32, "i32", perRow), table = program.shared(padded, "f32", perRow);
  program.step(formatv("rope_places_table {0} -> {1} head_dim {2} theta 100.0 : {3} -> {4}", places.name, table.name,
                       headDim, places.type, table.type));
  std::vector<int32_t> given = somePlaces(perRow * maxRows, 10240);
  Call call = callOf(maxRows);
  call.give(places, given);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < perRow * maxRows; ++row) {
    Row expected(padded);
    for (int64_t j = 0; j < half; ++j) {
      auto [frequency, axis] = turnOf(headDim, j, 100.0);
      long double angle = static_cast<float>(given[32 * row + axis]) * frequency;
      expected[j] = static_cast<double>(std::cos(angle));
      expected[half + j] = static_cast<double>(std::sin(angle));
    }
    expectNear(memory.floats(table, row), expected, 0x1p-25, 0x1p-24, formatv("row {0}", row));
  }
}

INSTANTIATE_TEST_SUITE_P(HeadDims, RopePlacesTest, testing::Values(4, 12, 32, 64, 72, 80),
                         [](const auto &info) { return std::to_string(info.param); });

//===--- pool
//-------------------------------------------------------------------------------------------------------===//

class PoolTest : public testing::TestWithParam<int64_t> {};

TEST_P(PoolTest, SumsThenStandardizes) {
  constexpr int64_t maxRows = 5, width = 96, count = 85;
  constexpr float factor = 3.0792f;
  int64_t by = GetParam();
  Random random(13);
  std::vector<float> bias = randomVector(random, count), scale = randomVector(random, count);
  bias.resize(width), scale.resize(width);
  StepProgram program(maxRows);
  Buffer x = program.given(width, "f32", by), pooled = program.shared(width), standard = program.shared(width);
  auto add = [&](const Buffer &result, const std::string &rest) {
    program.step(formatv("pool {0} -> {1} by {2} factor {3} {4} : {5} -> {6}", x.name, result.name, by, literal(factor),
                         rest, x.type, result.type));
  };
  add(pooled, "");
  add(standard, formatv("bias {0} scale {1}", program.addVector(bias), program.addVector(scale)));
  Rows input(by * maxRows, width, 8);
  for (int64_t row = 0; row < by * maxRows; ++row)
    std::fill(input[row] + count, input[row + 1], 0.0f);
  Call call = callOf(maxRows);
  call.give(x, input.values);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < maxRows; ++row) {
    std::vector<float> sums(width), standardized(width);
    for (int64_t c = 0; c < width; ++c) {
      float sum = 0.0f;
      for (int64_t i = 0; i < by; ++i)
        sum += input[by * row + i][c];
      sums[c] = sum * factor;
      standardized[c] = (sums[c] - bias[c]) * scale[c];
    }
    expectBits(memory.floats(pooled, row), sums, formatv("row {0}", row));
    expectBits(memory.floats(standard, row), standardized, formatv("row {0}, standardized", row));
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, PoolTest, testing::Values(1, 4, 9),
                         [](const auto &info) { return std::to_string(info.param); });

//===--- within
//-----------------------------------------------------------------------------------------------------===//

TEST(WithinTest, NormAndQuantizeClampBeforeTheyStore) {
  constexpr int64_t perRow = 9, maxRows = 2, width = 64;
  constexpr float low = -0.5f, high = 1.0f, scale = 0.0123f;
  StepProgram program(maxRows);
  Buffer x = program.given(width, "f32", perRow);
  auto result = [&](const char *element) { return program.shared(width, element, perRow); };
  Buffer normed = result("f32"), normedBytes = result("q8"), floats = result("f32"), bytes = result("q8"),
         words = result("q16"), steps = result("s8"), grid = result("f32");
  for (const Buffer &to : {normed, normedBytes})
    program.step(formatv("norm {0} -> {1} factor 1.5 eps 1.0e-6 count 64 within [-0.5, 1.0] : {2} -> {3}", x.name,
                         to.name, x.type, to.type));
  for (const Buffer &to : {floats, bytes, words})
    program.step(formatv("quantize {0} -> {1} within [-0.5, 1.0] : {2} -> {3}", x.name, to.name, x.type, to.type));
  for (const Buffer &to : {steps, grid})
    program.step(formatv("quantize {0} -> {1} static {4} within [-0.5, 1.0] : {2} -> {3}", x.name, to.name, x.type,
                         to.type, literal(scale)));
  Rows input(perRow * maxRows, width, 9, 2.0f);
  Call call = callOf(maxRows);
  call.give(x, input.values);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < perRow * maxRows; ++row) {
    std::vector<float> norm(width), within(width), stepped(width);
    float inverse = inverseRms(input[row], width, width, 1e-6f);
    for (int64_t c = 0; c < width; ++c) {
      norm[c] = clamped(input[row][c] * inverse * 1.5f, low, high);
      within[c] = clamped(input[row][c], low, high);
      stepped[c] = onGrid(within[c], scale);
    }
    std::string what = formatv("row {0}", row);
    expectBits(memory.floats(normed, row), norm, what + ", norm");
    expectIntegers(memory, normedBytes, row, quantizeRow(norm.data(), width), what + ", norm to q8");
    expectBits(memory.floats(floats, row), within, what + ", f32");
    expectIntegers(memory, bytes, row, quantizeRow(within.data(), width), what + ", q8");
    expectIntegers(memory, words, row, quantizeWide(within.data(), width), what + ", q16");
    expectIntegers(memory, steps, row, quantizeRow(within.data(), width, scale), what + ", s8");
    expectBits(memory.floats(grid, row), stepped, what + ", on a grid");
  }
}

//===--- matmul of many rows, with bounds
//---------------------------------------------------------------------------===//

struct BlockCase {
  Format format;
  int64_t maxRows, perRow;
  bool bounded;
};

class BlockTest : public testing::TestWithParam<BlockCase> {};

TEST_P(BlockTest, ProductsOfEveryBlock) {
  const BlockCase &shape = GetParam();
  constexpr int64_t cols = 96, rowsOfWeight = 64;
  Random random(19);
  auto matrix = [&] { return randomMatrix(random, shape.format, rowsOfWeight, cols, 0.3f); };
  Matrix weight = matrix(), gate = matrix(), up = matrix();
  StepProgram program(shape.maxRows);
  Buffer x = program.given(cols, "f32", shape.perRow), factors = program.given(rowsOfWeight + 32, "f32", shape.perRow),
         input = x;
  if (isQuantized(shape.format)) {
    input = program.shared(cols, "q8", shape.perRow);
    program.step(formatv("quantize {0} -> {1} : {2} -> {3}", x.name, input.name, x.type, input.type));
    program.barrier();
  }
  auto result = [&] { return program.shared(rowsOfWeight, "f32", shape.perRow); };
  Buffer plain = result(), geglu = result(), multiplied = result();
  auto add = [&](const std::string &matrix, const Buffer &to, const std::string &epilogue) {
    program.step(
        formatv("matmul {0}, {1} -> {2} {3} : {4} -> {5}", input.name, matrix, to.name, epilogue, input.type, to.type));
  };
  std::vector<double> bounds = {-0.75, 1.25, -1.5, 0.5};
  if (shape.bounded)
    program.outputBounds = bounds;
  std::string name = program.addMatrix(weight);
  add(name, plain, "none");
  add(program.addGateUp(gate, up), geglu, "geglu");
  add(name, multiplied, formatv("gelu_mul factor {0} : {1} factor_offset 32", factors.name, factors.type));
  Runner runner(program);
  for (int64_t rows : {int64_t(1), shape.maxRows / 2, shape.maxRows}) {
    int64_t count = rows * shape.perRow;
    Rows given(count, cols, 21), factor(count, factors.width, 22);
    Call call = callOf(rows);
    call.give(x, given.values);
    call.give(factors, factor.values);
    Memory memory = runner.run(call);
    for (int64_t row : someRows(count)) {
      auto sum = [&](const Matrix &matrix, int64_t i, int64_t source) {
        float product = dotLikeKernel(matrix, i, given[row]);
        return shape.bounded ? clamped(product, static_cast<float>(bounds[2 * source]),
                                       static_cast<float>(bounds[2 * source + 1]))
                             : product;
      };
      std::vector<float> sums;
      Row pairs, products;
      for (int64_t i = 0; i < rowsOfWeight; ++i) {
        sums.push_back(sum(weight, i, 0));
        pairs.push_back(gelu(sum(gate, i, 0)) * sum(up, i, 1));
        products.push_back(gelu(sums[i]) * factor[row][32 + i]);
      }
      std::string what = formatv("row {0} of {1}", row, count);
      expectBits(memory.floats(plain, row), sums, what + ", none");
      expectNear(memory.floats(geglu, row), pairs, 2e-6, 2e-6, what + ", geglu");
      expectNear(memory.floats(multiplied, row), products, 2e-6, 2e-6, what + ", gelu_mul");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, BlockTest,
    testing::Values(BlockCase{f32, 70, 9, false}, BlockCase{q8, 70, 9, true}, BlockCase{q4, 171, 6, false},
                    BlockCase{bf16, 57, 9, true}, BlockCase{f32, 2, 1, true}, BlockCase{q8, 1, 1, true},
                    BlockCase{q4, 1, 9, false}),
    [](const auto &info) {
      const BlockCase &c = info.param;
      return formatv("{0}_{1}x{2}{3}", nameOf(c.format), c.maxRows, c.perRow, c.bounded ? "_bounds" : "").str();
    });

} // namespace
