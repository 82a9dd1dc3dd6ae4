// Steps of the vision tower, bounds of clipped linears, and products of more rows than one block, against plain loops.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr Format f32 = Format::F32, f16 = Format::F16, bf16 = Format::BF16, q8 = Format::Q8, q4 = Format::Q4;

bool isPadding(int64_t headDim, int64_t place) { return place % (paddedHeadDim(headDim) / 2) >= headDim / 2; }

float clamped(float x, float low, float high) { return std::min(std::max(x, low), high); }

/// Rows of `width` floats.
struct Rows {
  int64_t width;
  std::vector<float> values;
  Rows(int64_t count, int64_t width, unsigned seed, float size = 1.0f) : width(width) {
    Random random(seed);
    values = randomVector(random, count * width, size);
  }
  float *operator[](int64_t row) { return values.data() + row * width; }
  const float *operator[](int64_t row) const { return values.data() + row * width; }
};

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

/// Rows of a call that show: the first, those where a block ends, the last.
std::vector<int64_t> someRows(int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t row :
       {int64_t(0), int64_t(1), int64_t(510), int64_t(511), int64_t(512), int64_t(513), count - 2, count - 1})
    if (row >= 0 && row < count)
      rows.push_back(row);
  return rows;
}

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

//===--- encoder_qkv, encoder_attention
//-----------------------------------------------------------------------------===//

struct EncoderCase {
  Format weight;
  int64_t heads, kvHeads, headDim, maxRows, perRow;
  float size = 0.3f; ///< of weights of queries and keys: large ones make the softmax a choice of one key
  bool bounded = false;
  int64_t block = 0;  ///< rows of the call of which queries, keys and values are made at a time; 0: all
  bool words = false; ///< keys and values are int16
};

/// Both steps, with all that they are given.
struct EncoderProgram {
  static constexpr int64_t cols = 64;
  static constexpr double eps = 1e-6;
  EncoderCase shape;
  int64_t padded;
  Matrix weight;
  std::vector<float> queryNorm, keyNorm;
  std::vector<double> bounds = {-2.0, 2.5, -1.5, 3.0, -1.0, 0.75};
  StepProgram program;
  Buffer x, input, table, query, memory, raw, mixed;

  explicit EncoderProgram(const EncoderCase &shape, bool inPlace = false)
      : EncoderProgram(shape, inPlace, Random(31)) {}

  Call call(int64_t rows) const {
    Call made = callOf(rows);
    made.give(x, Rows(rows * shape.perRow, cols, 41).values);
    made.give(table, Rows(rows * shape.perRow, padded, 42).values); // any numbers turn heads
    return made;
  }

  /// A head of row `row` before the cache, in doubles: `head` counts heads of the stacked weight.
  Row head(const Rows &inputs, const Rows &turns, int64_t row, int64_t head) const {
    int64_t source = head < shape.heads ? 0 : head < shape.heads + shape.kvHeads ? 1 : 2;
    std::vector<float> raw;
    for (int64_t j = 0; j < padded; ++j) {
      raw.push_back(dotLikeKernel(weight, head * padded + j, inputs[row]));
      if (shape.bounded)
        raw[j] = clamped(raw[j], static_cast<float>(bounds[2 * source]), static_cast<float>(bounds[2 * source + 1]));
    }
    double divisor = rms(raw.data(), padded, 0);
    divisor = std::sqrt(divisor * divisor * padded / shape.headDim + eps);
    const std::vector<float> &norm = source == 0 ? queryNorm : keyNorm;
    Row normed(padded), turned(padded);
    for (int64_t j = 0; j < padded; ++j)
      normed[j] = raw[j] / divisor * (source == 2 ? 1.0f : norm[j]);
    for (int64_t j = 0; j < padded / 2; ++j) {
      double x = normed[j], y = normed[j + padded / 2], cosine = turns[row][j], sine = turns[row][j + padded / 2];
      turned[j] = x * cosine - y * sine;
      turned[j + padded / 2] = y * cosine + x * sine;
    }
    return source == 2 ? normed : turned;
  }

  /// Element `j` of the key or value of `row` where it lies.
  float stored(const Memory &after, bool isValue, int64_t kvHead, int64_t row, int64_t j) const {
    int64_t head = (isValue ? shape.kvHeads + kvHead : kvHead) * memory.rows * padded;
    int64_t block = head + row / 16 * 16 * padded, lane = row % 16;
    return after.floats(memory, 0)[block + (isValue ? j / 32 * 32 * 16 + lane * 32 + j % 32 : j * 16 + lane)];
  }

private:
  std::vector<float> paddedNorm(Random &random) const {
    std::vector<float> norm = randomVector(random, padded);
    for (int64_t j = 0; j < padded; ++j)
      if (isPadding(shape.headDim, j))
        norm[j] = 0.0f;
    return norm;
  }

  EncoderProgram(const EncoderCase &shape, bool inPlace, Random random)
      : shape(shape), padded(paddedHeadDim(shape.headDim)),
        weight(randomMatrix(random, shape.weight, (shape.heads + 2 * shape.kvHeads) * padded, cols, shape.size)),
        queryNorm(paddedNorm(random)), keyNorm(paddedNorm(random)), program(shape.maxRows) {
    for (int64_t row = 0; row < weight.rows; ++row)
      if (isPadding(shape.headDim, row % padded))
        weight.clearRow(row);
    for (float &x : queryNorm)
      x *= shape.size * 2;
    x = input = program.given(cols, "f32", shape.perRow);
    table = program.given(padded, "f32", shape.perRow);
    if (shape.block)
      program.blocks(shape.block);
    if (isQuantized(shape.weight)) {
      input = shape.block ? program.inBlock(shape.block, true, cols, "q8", shape.perRow)
                          : program.shared(cols, "q8", shape.perRow);
      program.step(formatv("quantize {0} -> {1} : {2} -> {3}", x.name, input.name, x.type, input.type));
      program.barrier();
    }
    int64_t rows = shape.maxRows * shape.perRow, width = shape.heads * padded;
    query = program.shared(width, "f32", shape.perRow);
    memory = program.sharedRows(encoderMemoryRows(rows, shape.words),
                                encoderMemoryWidth(shape.kvHeads, padded, shape.words), shape.words ? "i32" : "f32");
    if (shape.words)
      program.ownLayouts.push_back(memory);
    raw = shape.block ? program.inBlock(shape.block, false, padded, "f32", shape.perRow)
                      : program.scratch(padded, "f32", shape.perRow);
    mixed = inPlace ? query : program.shared(width, "f32", shape.perRow);
    if (shape.bounded)
      program.outputBounds = bounds;
    std::string heads = formatv("heads {0} kv_heads {1} head_dim {2}", shape.heads, shape.kvHeads, shape.headDim);
    std::string matrix =
        program.addStacked(weight, {shape.heads * padded, shape.kvHeads * padded, shape.kvHeads * padded});
    program.step(formatv("encoder_qkv {0}, {1}, {2} -> {3}, {4} raw {5} {6} q_norm {7} k_norm {8} eps 1.0e-6"
                         " : {9}, {10} -> {11}, {12}, {13}",
                         input.name, matrix, table.name, query.name, memory.name, raw.name, heads,
                         program.addVector(queryNorm), program.addVector(keyNorm), input.type, table.type, query.type,
                         memory.type, raw.type));
    if (shape.block)
      program.endBlocks();
    else
      program.barrier();
    program.step(formatv("encoder_attention {0}, {1} -> {2} {3} : {4}, {5} -> {6}", query.name, memory.name, mixed.name,
                         heads, query.type, memory.type, mixed.type));
  }
};

class EncoderTest : public testing::TestWithParam<EncoderCase> {};

// As for gemma.step.qkv (AttentionTest.cpp).
constexpr double headError = 3e-6;

void expectHeads(const EncoderProgram &m, const Memory &memory, int64_t count, int64_t row) {
  const EncoderCase &shape = m.shape;
  Rows inputs(count, EncoderProgram::cols, 41), turns(count, m.padded, 42);
  std::string what = formatv("row {0} of {1}", row, count);
  for (int64_t head = 0; head < shape.heads; ++head)
    expectNear(memory.floats(m.query, row) + head * m.padded, m.head(inputs, turns, row, head), headError, headError,
               what + formatv(", query head {0}", head).str());
  for (int64_t head = 0; head < 2 * shape.kvHeads && !shape.words; ++head) {
    bool isValue = head >= shape.kvHeads;
    std::vector<float> got;
    for (int64_t j = 0; j < m.padded; ++j)
      got.push_back(m.stored(memory, isValue, head % shape.kvHeads, row, j));
    expectNear(got.data(), m.head(inputs, turns, row, shape.heads + head), headError, headError,
               what + formatv(", key or value head {0}", head).str());
  }
}

/// A key or a value of all rows: as it was stored, so that errors do not add up, or, in words, as it should be.
std::vector<Row> keysOrValues(const EncoderProgram &m, const Memory &memory, int64_t count, int64_t kvHead,
                              bool isValue) {
  Rows inputs(count, EncoderProgram::cols, 41), turns(count, m.padded, 42);
  std::vector<Row> rows;
  for (int64_t key = 0; key < count; ++key) {
    if (m.shape.words)
      rows.push_back(m.head(inputs, turns, key, m.shape.heads + (isValue ? m.shape.kvHeads : 0) + kvHead));
    else
      for (rows.emplace_back(); static_cast<int64_t>(rows.back().size()) < m.padded;)
        rows.back().push_back(m.stored(memory, isValue, kvHead, key, static_cast<int64_t>(rows.back().size())));
  }
  return rows;
}

void expectMixed(const EncoderProgram &m, const Memory &memory, int64_t count, int64_t row) {
  for (int64_t head = 0; head < m.shape.heads; ++head) {
    int64_t kvHead = head / (m.shape.heads / m.shape.kvHeads);
    std::vector<Row> keys = keysOrValues(m, memory, count, kvHead, false);
    std::vector<Row> values = keysOrValues(m, memory, count, kvHead, true);
    Row scores, result(m.padded);
    double size = 0;
    for (int64_t key = 0; key < count; ++key) {
      double score = 0, magnitude = 0;
      for (int64_t j = 0; j < m.padded; ++j) {
        double product = memory.floats(m.query, row)[head * m.padded + j] * keys[key][j];
        score += product;
        magnitude += std::fabs(product);
      }
      scores.push_back(score);
      size = std::max(size, magnitude);
    }
    double top = *std::max_element(scores.begin(), scores.end()), sum = 0;
    for (double &score : scores)
      sum += score = std::exp(score - top);
    for (int64_t key = 0; key < count; ++key)
      for (int64_t j = 0; j < m.padded; ++j)
        result[j] += scores[key] / sum * values[key][j];
    double error = m.shape.words ? 1e-4 * (1 + size) : 2e-6 * (1 + size);
    expectNear(memory.floats(m.mixed, row) + head * m.padded, result, error, 0,
               formatv("row {0} of {1}, head {2}", row, count, head));
  }
}

TEST_P(EncoderTest, EveryRowSeesAllOfTheCall) {
  EncoderProgram m(GetParam());
  Runner runner(m.program);
  for (int64_t rows : {int64_t(1), m.shape.maxRows / 2, m.shape.maxRows}) {
    if (rows == 0)
      continue;
    Memory memory = runner.run(m.call(rows));
    int64_t count = rows * m.shape.perRow;
    for (int64_t row : someRows(count)) {
      expectHeads(m, memory, count, row);
      expectMixed(m, memory, count, row);
    }
  }
}

// The same picture in functions that leave room for more: other strides, perhaps other blocks, the same bits.
TEST_P(EncoderTest, RoomForMoreChangesNoBits) {
  EncoderCase larger = GetParam();
  larger.maxRows = larger.maxRows * 2 + 3;
  EncoderProgram small(GetParam()), large(larger);
  Runner runSmall(small.program), runLarge(large.program);
  Memory one = runSmall.run(small.call(GetParam().maxRows)), other = runLarge.run(large.call(GetParam().maxRows));
  for (int64_t row = 0; row < small.mixed.rows; ++row)
    expectBits(other.floats(large.mixed, row),
               {one.floats(small.mixed, row), one.floats(small.mixed, row) + small.mixed.width},
               formatv("row {0}", row));
}

// Blocks of rows, the last one shorter, and calls that fill only a part of a block.
TEST_P(EncoderTest, BlocksChangeNoBits) {
  EncoderCase blocked = GetParam();
  blocked.block = (blocked.maxRows + 2) / 3;
  EncoderProgram whole(GetParam()), blocks(blocked);
  Runner runWhole(whole.program), runBlocks(blocks.program);
  for (int64_t rows : {int64_t(1), blocked.maxRows}) {
    Memory one = runWhole.run(whole.call(rows)), other = runBlocks.run(blocks.call(rows));
    for (int64_t row = 0; row < rows * blocked.perRow; ++row)
      expectBits(other.floats(blocks.mixed, row),
                 {one.floats(whole.mixed, row), one.floats(whole.mixed, row) + whole.mixed.width},
                 formatv("row {0}", row));
  }
}

// The result of attention may lie where its queries were.
TEST_P(EncoderTest, MixesInPlace) {
  EncoderProgram apart(GetParam()), inPlace(GetParam(), /*inPlace=*/true);
  Runner runApart(apart.program), runInPlace(inPlace.program);
  Memory one = runApart.run(apart.call(GetParam().maxRows)), other = runInPlace.run(inPlace.call(GetParam().maxRows));
  for (int64_t row = 0; row < apart.mixed.rows; ++row)
    expectBits(other.floats(inPlace.mixed, row),
               {one.floats(apart.mixed, row), one.floats(apart.mixed, row) + apart.mixed.width},
               formatv("row {0}", row));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EncoderTest,
    testing::Values(
        EncoderCase{f32, 1, 1, 4, 1, 9}, EncoderCase{f32, 2, 1, 12, 7, 1}, EncoderCase{q8, 3, 3, 32, 11, 9},
        EncoderCase{bf16, 4, 2, 64, 15, 9}, EncoderCase{f32, 12, 12, 64, 5, 9}, EncoderCase{q4, 2, 2, 64, 78, 9},
        EncoderCase{f32, 6, 3, 72, 10, 9, 0.3f, true}, EncoderCase{q8, 12, 4, 80, 4, 4, 0.3f, true},
        EncoderCase{f32, 2, 2, 64, 20, 9, 2.0f}, EncoderCase{f32, 1, 1, 32, 129, 1}, EncoderCase{f16, 8, 1, 36, 17, 3},
        EncoderCase{.weight = q8, .heads = 1, .kvHeads = 1, .headDim = 4, .maxRows = 1, .perRow = 9, .words = true},
        EncoderCase{.weight = q8, .heads = 4, .kvHeads = 2, .headDim = 64, .maxRows = 15, .perRow = 9, .words = true},
        EncoderCase{.weight = f32,
                    .heads = 6,
                    .kvHeads = 3,
                    .headDim = 72,
                    .maxRows = 16,
                    .perRow = 9,
                    .bounded = true,
                    .words = true},
        EncoderCase{.weight = f32,
                    .heads = 2,
                    .kvHeads = 2,
                    .headDim = 64,
                    .maxRows = 20,
                    .perRow = 9,
                    .size = 2.0f,
                    .words = true}),
    [](const auto &info) {
      const EncoderCase &c = info.param;
      return formatv("{0}_q{1}_kv{2}_d{3}_{4}x{5}{6}{7}{8}", nameOf(c.weight), c.heads, c.kvHeads, c.headDim, c.maxRows,
                     c.perRow, c.size > 1 ? "_large" : "", c.bounded ? "_bounds" : "", c.words ? "_words" : "")
          .str();
    });

} // namespace
