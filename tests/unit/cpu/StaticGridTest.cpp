// Static int8 grids of activations: what row steps store, and products of s8 rows, at the ends of all ranges. Bits are
// compared with scalar loops on every level (Harness.h).
#include "CacheReference.h"
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr float scale = 0.0123f; // no power of two; ordinary values reach both ends of the grid
constexpr int64_t tokens = 24;

/// Rows of ordinary values, and some whose every value is -128, 127, both in turn, a tie, zero or beyond all bounds.
Matrix gridRows(int64_t cols) {
  Random random(41);
  Matrix rows = randomMatrix(random, Format::F32, tokens, cols);
  for (int64_t c = 0; c < cols; ++c) {
    float sign = c % 2 ? 1.0f : -1.0f;
    float values[] = {-100.0f,      100.0f,       100.0f * sign, (static_cast<float>(c % 258) - 129 + 0.5f) * scale,
                      -0.0f * sign, 3e38f * sign, 1e-40f * sign};
    for (size_t row = 0; row < std::size(values); ++row)
      rows.numbers[row * cols + c] = values[row];
  }
  return rows;
}

const float *rowOf(const Matrix &rows, int64_t token) { return &rows.numbers[token * rows.cols]; }

void expectStored(const Memory &memory, const Buffer &result, int64_t row, const float *input,
                  const std::string &what) {
  QuantizedRow expected = quantizeRow(input, result.width, scale);
  for (int64_t c = 0; c < result.width; ++c)
    ASSERT_EQ(memory.values(result, row)[c], expected.values[c]) << what << ", value " << c << " of " << input[c];
  for (int64_t group = 0; group < result.width / groupColumns; ++group)
    ASSERT_EQ(memory.biases(result, row)[group], expected.biases[group]) << what << ", bias of group " << group;
  expectBits(memory.scales(result, row), expected.scales, what + ", scales");
}

TEST(StaticGridTest, QuantizeStoresStepsOrValues) {
  Matrix rows = gridRows(160);
  StepProgram program(tokens);
  Buffer x = program.input(rows), steps = program.shared(160, "s8"), values = program.shared(160);
  for (const Buffer &result : {steps, values})
    program.step(formatv("quantize {0} -> {1} static {2} : {3} -> {4}", x.name, result.name, literal(scale), x.type,
                         result.type));
  Memory memory = Runner(program).run(callOf(tokens));
  for (int64_t row = 0; row < tokens; ++row) {
    std::string what = formatv("row {0}", row);
    expectStored(memory, steps, row, rowOf(rows, row), what);
    std::vector<float> expected;
    for (int64_t c = 0; c < 160; ++c)
      expected.push_back(onGrid(rows.number(row, c), scale));
    expectBits(memory.floats(values, row), expected, what + ", f32");
  }
  EXPECT_EQ(memory.values(steps, 0)[0], -128);
  EXPECT_EQ(memory.values(steps, 1)[0], 127);
}

// What a norm stores on a grid is its f32 result put there.
TEST(StaticGridTest, NormStoresStepsOrValues) {
  Matrix rows = gridRows(160);
  std::fill_n(rows.numbers.begin() + 5 * 160, 160, 2.0f); // instead of 3e38, whose square is no number
  StepProgram program(tokens);
  Random random(5);
  std::string weight = program.addVector(randomVector(random, 150), 160);
  Buffer x = program.input(rows), plain = program.shared(160), steps = program.shared(160, "s8"),
         values = program.shared(160);
  for (const Buffer &result : {plain, steps, values}) {
    std::string grid = result.name == plain.name ? "" : "static " + literal(scale);
    program.step(formatv("norm {0} -> {1} weight {2} factor 1.0 eps 1.0e-6 count 150 {3} : {4} -> {5}", x.name,
                         result.name, weight, grid, x.type, result.type));
  }
  Memory memory = Runner(program).run(callOf(tokens));
  for (int64_t row = 0; row < tokens; ++row) {
    const float *normed = memory.floats(plain, row);
    expectStored(memory, steps, row, normed, formatv("row {0}", row));
    std::vector<float> expected;
    for (int64_t c = 0; c < 160; ++c)
      expected.push_back(onGrid(normed[c], scale));
    expectBits(memory.floats(values, row), expected, formatv("row {0}, f32", row));
  }
}

/// Products of rows on a grid: as they are, rounded to a grid of their own, and through geglu
/// with a grid for the gate alone.
struct GridProgram {
  Matrix table, weight, gate, up;
  StepProgram program;
  Buffer plain, rounded, geglu;
  float sumScale;
  static constexpr int64_t rowsOfWeight = 64;

  GridProgram(Format format, int64_t maxRows, int64_t cols) : GridProgram(Random(43), format, maxRows, cols) {}

  float sum(const Matrix &matrix, int64_t token, int64_t row) const {
    if (isQuantized(matrix.format))
      return dotExact(matrix, row, quantizeRow(rowOf(table, token), table.cols, scale));
    std::vector<float> values;
    for (int64_t c = 0; c < table.cols; ++c)
      values.push_back(onGrid(table.number(token, c), scale));
    return dotExact(matrix, row, values.data());
  }

private:
  GridProgram(Random random, Format format, int64_t maxRows, int64_t cols)
      : table(gridRows(cols)), weight(randomMatrix(random, format, rowsOfWeight, cols, 0.3f)),
        gate(randomMatrix(random, format, rowsOfWeight, cols, 0.3f)),
        up(randomMatrix(random, format, rowsOfWeight, cols, 0.3f)), program(maxRows), sumScale(0.037f) {
    const FormatInfo &info = formatInfo(format);
    int64_t ends[] = {format == Format::C8 ? -128 : info.leastInteger(), info.largestInteger()};
    for (int64_t row : {0, 1}) // against rows of -128 and 127: the largest sums that there are
      for (int64_t c = 0; info.quantized && c < cols; ++c)
        weight.numbers[row * cols + c] = static_cast<float>(ends[row]);
    Buffer x = program.input(table, maxRows > 1);
    const char *element = isQuantized(format) ? "s8" : "f32";
    Buffer grid = maxRows > 1 ? program.shared(cols, element) : program.scratch(cols, element);
    program.step(formatv("quantize {0} -> {1} static {2} {3}: {4} -> {5}", x.name, grid.name, literal(scale),
                         maxRows > 1 ? "" : "replicated ", x.type, grid.type));
    program.barrier();
    auto product = [&](const std::string &matrix, const char *epilogue) {
      Buffer result = program.shared(rowsOfWeight);
      program.step(formatv("matmul {0}, {1} -> {2} {3} : {4} -> {5}", grid.name, matrix, result.name, epilogue,
                           grid.type, result.type));
      return result;
    };
    program.activationScales = {scale, {}};
    plain = product(program.addMatrix(weight), "none");
    program.activationScales = {scale, {sumScale, 0}};
    rounded = product(program.addMatrix(weight), "none");
    geglu = product(program.addGateUp(gate, up), "geglu");
  }
};

void checkProducts(const GridProgram &m, const Memory &memory, int64_t row, int64_t token) {
  std::string what = formatv("row {0}, token {1}", row, token);
  std::vector<float> sums, rounded;
  Row products;
  for (int64_t i = 0; i < GridProgram::rowsOfWeight; ++i) {
    sums.push_back(m.sum(m.weight, token, i));
    rounded.push_back(onGrid(sums.back(), m.sumScale));
    products.push_back(gelu(onGrid(m.sum(m.gate, token, i), m.sumScale)) * m.sum(m.up, token, i));
  }
  expectBits(memory.floats(m.plain, row), sums, what);
  expectBits(memory.floats(m.rounded, row), rounded, what + ", on a grid");
  expectNear(memory.floats(m.geglu, row), products, 2e-6, 2e-6, what + ", geglu");
}

class StaticProductTest : public testing::TestWithParam<Format> {};

TEST_P(StaticProductTest, OneRow) {
  GridProgram m(GetParam(), 1, 160);
  Runner runner(m.program);
  for (int64_t token : {0, 1, 2, 3, 9})
    checkProducts(m, runner.run(callOf(1, 0, token)), 0, token);
}

// Up to 8 rows read packed panels, more unpack blocks of them; 35 groups are two blocks.
TEST_P(StaticProductTest, AnyNumberOfRows) {
  for (auto [maxRows, cols] : {std::pair<int64_t, int64_t>{8, 160}, {19, 1120}}) {
    GridProgram m(GetParam(), maxRows, cols);
    Runner runner(m.program);
    for (int64_t rows : {maxRows, int64_t(1), int64_t(3)}) {
      Memory memory = runner.run(callOf(rows));
      for (int64_t row = 0; row < rows; ++row)
        checkProducts(m, memory, row, row);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, StaticProductTest, testing::ValuesIn(byteFormats),
                         [](const auto &info) { return std::string(nameOf(info.param)); });

// q, k and v each have a grid for their products; here that of k is missing. Values stay as projected, so that bits can
// be compared; queries and keys show theirs in the scale of what is stored.
class StaticQkvTest : public testing::TestWithParam<int64_t> {};

TEST_P(StaticQkvTest, EachSourceHasItsGrid) {
  constexpr int64_t cols = 96, headDim = 32, heads = 2, kvHeads = 1, capacity = 48;
  constexpr double queryScale = 0.5, valueScale = 0.25;
  int64_t maxRows = GetParam();
  Random random(47);
  Matrix table = gridRows(cols), weight = randomMatrix(random, Format::C4, (heads + 2 * kvHeads) * headDim, cols, 0.3f);
  StepProgram program(maxRows);
  Buffer x = program.input(table), grid = program.shared(cols, "s8"), rope = program.scratch(headDim),
         raw = program.scratch(headDim), query = program.shared(heads * headDim);
  program.step(
      formatv("quantize {0} -> {1} static {2} : {3} -> {4}", x.name, grid.name, literal(scale), x.type, grid.type));
  program.barrier();
  program.step(formatv("rope_table {0} head_dim {1} <theta = 10000.0, pairs = 0, factor = 1.0> replicated : {2}",
                       rope.name, headDim, rope.type));
  std::string ones = program.addVector(std::vector<float>(headDim, 1.0f));
  Cache cache = program.addCache(Format::F32, kvHeads, headDim, 0, capacity);
  program.activationScales = {scale, {queryScale, 0, valueScale}};
  std::string matrix = program.addStacked(weight, {heads * headDim, kvHeads * headDim, kvHeads * headDim});
  program.step(formatv("qkv {0}, {1}, {2} -> {3} raw {4} heads {5} head_dim {6} q_norm {7} k_norm {7} eps 1.0e-6 "
                       "cache {8} raw_values : {9}, {10} -> {11}, {12}",
                       grid.name, matrix, rope.name, query.name, raw.name, heads, headDim, ones, cache.name, grid.type,
                       rope.type, query.type, raw.type));
  Memory memory = Runner(program).run(callOf(maxRows));
  for (int64_t row = 0; row < maxRows; ++row) {
    QuantizedRow input = quantizeRow(rowOf(table, row), cols, scale);
    auto projected = [&](int64_t head, double grid) {
      std::vector<float> values;
      for (int64_t j = 0; j < headDim; ++j)
        values.push_back(onGrid(dotExact(weight, head * headDim + j, input), static_cast<float>(grid)));
      return values;
    };
    auto normed = [&](const std::vector<float> &values) {
      double divisor = rms(values.data(), headDim, 1e-6);
      Row result;
      for (float value : values)
        result.push_back(value / divisor);
      return result;
    };
    for (int64_t head = 0; head < heads; ++head)
      expectNear(memory.floats(query, row) + head * headDim, normed(projected(head, queryScale)), 3e-6, 3e-6,
                 formatv("row {0}, query head {1}", row, head));
    Row key = normed(projected(heads, 0));
    std::vector<float> value = projected(heads + 1, valueScale);
    Row storedKey = readRow(memory.cache, cache, Part::keys, 0, row),
        storedValue = readRow(memory.cache, cache, Part::values, 0, row);
    for (int64_t j = 0; j < headDim; ++j) {
      EXPECT_NEAR(storedKey[j], key[j], 3e-6 * (1 + std::fabs(key[j]))) << row << " " << j;
      EXPECT_EQ(storedValue[j], value[j]) << row << " " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, StaticQkvTest, testing::Values(1, 5, 13), testing::PrintToStringParamName());

} // namespace
