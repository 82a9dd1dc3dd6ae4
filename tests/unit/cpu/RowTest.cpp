// Steps on rows: embed, rope_table, norm, add_norm, quantize, ple_combine.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr const char *replicated(bool isPrivate) { return isPrivate ? "replicated " : ""; }

std::vector<float> rowOf(const Matrix &matrix, int64_t row) {
  return {matrix.numbers.begin() + row * matrix.cols, matrix.numbers.begin() + (row + 1) * matrix.cols};
}

//===--- embed
//------------------------------------------------------------------------------------------------------===//

struct EmbedCase {
  Format format;
  Layout layout;
};

class EmbedTest : public testing::TestWithParam<EmbedCase> {};

TEST_P(EmbedTest, ScalesRowsOfTokens) {
  auto [format, layout] = GetParam();
  constexpr float scale = 39.25f;
  Random random(7);
  Matrix table = randomMatrix(random, format, 64, 96);
  table.clearRow(9);
  table.numbers[10 * 96] = isQuantized(format) ? 0.0f : -0.0f;
  StepProgram program(5);
  Buffer result = program.shared(96);
  program.step(
      formatv("embed {0}, {1} scale {2} : {3}", result.name, program.addMatrix(table, layout), "39.25", result.type));
  Runner runner(program);
  Call call = callOf(5);
  call.tokens = {63, 0, 9, 10, 33};
  Memory memory = runner.run(call);
  for (int64_t row = 0; row < call.rows; ++row) {
    std::vector<float> expected;
    for (int64_t c = 0; c < 96; ++c)
      expected.push_back(table.number(call.tokens[row], c) * table.scale(call.tokens[row], c) * scale);
    expectBits(memory.floats(result, row), expected, "row " + std::to_string(row));
  }
}

std::vector<EmbedCase> embedCases() {
  std::vector<EmbedCase> cases;
  for (Format format : allFormats)
    for (Layout layout : {Layout::Table, Layout::Panels})
      cases.push_back({format, layout});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Formats, EmbedTest, testing::ValuesIn(embedCases()), [](const auto &info) {
  return nameOf(info.param.format).str() + "_" + nameOf(info.param.layout).str();
});

//===--- rope_table
//-------------------------------------------------------------------------------------------------===//

struct RopeCase {
  int64_t headDim, pairs;
  double theta, factor;
};

class RopeTest : public testing::TestWithParam<RopeCase> {};

// The angle is position * frequency in f32, as the reference has it; its cosine and sine are rounded from doubles, so
// they are the nearest floats but for rare ties of the last bit: one unit of 1 is allowed.
TEST_P(RopeTest, CosinesThenSines) {
  auto [headDim, pairs, theta, factor] = GetParam();
  StepProgram program(3);
  int64_t padded = paddedHeadDim(headDim), half = padded / 2;
  Buffer result = program.shared(padded);
  program.step(formatv("rope_table {0} head_dim {1} <theta = {2}, pairs = {3}, factor = {4}> : {5}", result.name,
                       headDim, literal(theta), pairs, literal(factor), result.type));
  Runner runner(program);
  for (int64_t position : {0, 1, 2, 100, 4095, 65537, 131071, 199998}) {
    Memory memory = runner.run(callOf(3, position));
    for (int64_t row = 0; row < 3; ++row) {
      Row expected(padded);
      for (int64_t j = 0; j < half; ++j) {
        float power = static_cast<float>(
            std::pow(theta, static_cast<double>(static_cast<float>(2 * j) / static_cast<float>(headDim))));
        float frequency = j < pairs ? 1.0f / power / static_cast<float>(factor) : 0.0f;
        long double angle = static_cast<float>(position + row) * frequency;
        expected[j] = static_cast<double>(std::cos(angle));
        expected[half + j] = static_cast<double>(std::sin(angle));
      }
      expectNear(memory.floats(result, row), expected, 0x1p-25, 0x1p-24, formatv("position {0}", position + row).str());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RopeTest,
                         testing::Values(RopeCase{256, 128, 10000, 1}, RopeCase{512, 64, 1e6, 1},
                                         RopeCase{20, 10, 10000, 1}, RopeCase{72, 9, 1e6, 8},
                                         RopeCase{36, 0, 500, 2.5}),
                         [](const auto &info) {
                           return formatv("d{0}_p{1}", info.param.headDim, info.param.pairs).str();
                         });

//===--- norm, add_norm
//---------------------------------------------------------------------------------------------===//

/// Rows that a norm must survive: ordinary ones, zeros, huge and tiny magnitudes, negative zeros, one peak. Columns
/// from `count` on are padding.
Matrix normRows(int64_t width, int64_t count) {
  Random random(3);
  Matrix rows = randomMatrix(random, Format::F32, 8, width);
  for (int64_t c = 0; c < width; ++c) {
    rows.numbers[1 * width + c] = 0.0f;
    rows.numbers[2 * width + c] *= 1e15f;
    rows.numbers[3 * width + c] *= 1e-12f;
    rows.numbers[4 * width + c] = -0.0f;
    rows.numbers[5 * width + c] = c == 3 ? -300.0f : 1e-3f;
    rows.numbers[6 * width + c] *= 1e-30f;
  }
  for (int64_t row = 0; row < rows.rows; ++row)
    std::fill(rows.numbers.begin() + row * width + count, rows.numbers.begin() + (row + 1) * width, 0.0f);
  return rows;
}

// A sum of a few hundred squares in 256 chains, a quotient, a root and two or three products: within 8 roundings of
// 2^-24.
constexpr double normError = 8 * 0x1p-24;

struct NormCase {
  int64_t width, count;
  bool weighted, isPrivate;
  double factor;
};

class NormTest : public testing::TestWithParam<NormCase> {};

TEST_P(NormTest, DividesByRootMeanSquareInOneOrder) {
  auto [width, count, weighted, isPrivate, factor] = GetParam();
  constexpr float eps = 1e-6f;
  Matrix rows = normRows(width, count);
  Random random(5);
  std::vector<float> weight = randomVector(random, count, 2.0f);
  StepProgram program(isPrivate ? 1 : 8);
  Buffer x = program.input(rows, !isPrivate);
  Buffer result = isPrivate ? program.scratch(width) : program.shared(width);
  std::string weightText = weighted ? " weight " + program.addVector(weight, width) : "";
  program.step(formatv("norm {0} -> {1}{2} factor {3} eps 1.0e-6 count {4} {5}: {6} -> {7}", x.name, result.name,
                       weightText, literal(factor), count, replicated(isPrivate), x.type, result.type));
  Buffer shown = result;
  if (isPrivate) { // scratch is not kept: one panel of the identity shows it
    Matrix identity(Format::F32, width, width);
    for (int64_t i = 0; i < width; ++i)
      identity.numbers[i * width + i] = 1.0f;
    shown = program.shared(width);
    program.step(formatv("matmul {0}, {1} -> {2} none : {3} -> {4}", result.name, program.addMatrix(identity),
                         shown.name, result.type, shown.type));
  }
  Runner runner(program);
  for (int64_t token = 0; token < rows.rows; token += program.maxRows) {
    Memory memory = runner.run(callOf(program.maxRows, 0, token));
    for (int64_t row = 0; row < program.maxRows; ++row) {
      std::vector<float> x = rowOf(rows, token + row);
      double divisor = rms(x.data(), count, eps);
      float inverse = inverseRms(x.data(), width, count, eps);
      Row expected(width);
      std::vector<float> exact(width);
      for (int64_t c = 0; c < count; ++c) {
        expected[c] = x[c] / divisor * (weighted ? weight[c] : 1.0f) * static_cast<float>(factor);
        exact[c] = x[c] * inverse * (weighted ? weight[c] : 1.0f) * static_cast<float>(factor);
      }
      std::string what = formatv("row {0}", token + row);
      expectNear(memory.floats(shown, row), expected, 1e-37, normError, what);
      if (!isPrivate) // products with the identity lose the sign of zeros
        expectBits(memory.floats(shown, row), exact, what);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, NormTest,
                         testing::Values(NormCase{96, 96, true, false, 1}, NormCase{96, 71, true, false, 1},
                                         NormCase{1536, 1500, true, false, 1}, NormCase{64, 40, false, false, 1},
                                         NormCase{192, 192, true, false, 1}, NormCase{256, 250, true, false, 1},
                                         NormCase{288, 270, true, false, 1}, NormCase{992, 992, true, false, 1},
                                         NormCase{64, 64, true, false, 0.1767766952966369},
                                         NormCase{64, 50, true, true, 1}, NormCase{32, 1, false, true, 3}),
                         [](const auto &info) {
                           const NormCase &c = info.param;
                           return formatv("w{0}_of{1}{2}{3}{4}", c.width, c.count, c.weighted ? "" : "_plain",
                                          c.isPrivate ? "_private" : "", c.factor == 1 ? "" : "_factor")
                               .str();
                         });

void expectQuantized(const Memory &memory, const Buffer &result, int64_t row, const std::vector<float> &input,
                     const std::string &what) {
  expectIntegers(memory, result, row,
                 (result.isWide() ? quantizeWide : static_cast<QuantizedRow (*)(const float *, int64_t)>(quantizeRow))(
                     input.data(), result.width),
                 what);
}

// The q8 or q16 result of a norm is the quantized f32 result: nothing is rounded twice or in another order.
TEST(NormQuantizedTest, QuantizesWhatTheF32NormStores) {
  Matrix rows = normRows(160, 150);
  StepProgram program(8);
  Buffer x = program.input(rows), plain = program.shared(160), quantized = program.shared(160, "q8"),
         wide = program.shared(160, "q16");
  Random random(5);
  std::string weight = program.addVector(randomVector(random, 150), 160);
  for (const Buffer &result : {plain, quantized, wide})
    program.step(formatv("norm {0} -> {1} weight {2} factor 1.0 eps 1.0e-6 count 150 : {3} -> {4}", x.name, result.name,
                         weight, x.type, result.type));
  Memory memory = Runner(program).run(callOf(8));
  for (int64_t row = 0; row < 8; ++row) {
    const float *normed = memory.floats(plain, row);
    for (const Buffer &result : {quantized, wide})
      expectQuantized(memory, result, row, {normed, normed + 160}, "row " + std::to_string(row));
  }
}

TEST(AddNormTest, AddsTheNormedBranchAndScales) {
  constexpr int64_t width = 96, count = 80;
  for (bool scaled : {false, true})
    for (bool inPlace : {false, true}) {
      Random random(11);
      Matrix inputs = randomMatrix(random, Format::F32, 8, width), branches = normRows(width, count);
      std::vector<float> weight = randomVector(random, count);
      float layerScale = 0.83f;
      StepProgram program(8);
      Buffer input = program.input(inputs), branch = program.input(branches),
             result = inPlace ? input : program.shared(width);
      std::string scale = scaled ? " layer_scale " + program.addVector({layerScale}) : "";
      program.step(formatv("add_norm {0}, {1} -> {2} weight {3}{4} eps 1.0e-6 count {5} : {6}, {7} -> {8}", input.name,
                           branch.name, result.name, program.addVector(weight, width), scale, count, input.type,
                           branch.type, result.type));
      Memory memory = Runner(program).run(callOf(8));
      for (int64_t row = 0; row < 8; ++row) {
        std::vector<float> x = rowOf(inputs, row), y = rowOf(branches, row);
        double divisor = rms(y.data(), count, 1e-6);
        Row expected(width);
        for (int64_t c = 0; c < width; ++c)
          expected[c] = (x[c] + (c < count ? y[c] / divisor * weight[c] : 0.0)) * (scaled ? layerScale : 1.0f);
        // terms of size 3, each off by normError of itself, may cancel
        expectNear(memory.floats(result, row), expected, 3 * normError * 4, normError, formatv("row {0}", row).str());
      }
    }
}

//===--- quantize
//---------------------------------------------------------------------------------------------------===//

// Values and biases are exact integers, scales have the bits of max / 127.
TEST(QuantizeTest, ValuesScalesAndSumsAreExact) {
  constexpr int64_t width = 160;
  Matrix rows = normRows(width, width);
  for (int64_t c = 0; c < width; ++c) {
    float steps = static_cast<float>(c % 32) - 16;
    rows.numbers[7 * width + c] = c % 32 == 31 ? 127.0f : steps + 0.5f; // halves: to even
  }
  rows.numbers[5 * width + 40] = -3.4028235e38f;
  rows.numbers[5 * width + 70] = 1e-40f; // beside 1e-3: rounds to 0
  for (int64_t c = 96; c < 128; ++c)
    rows.numbers[6 * width + c] = 1e-41f; // denormals only
  StepProgram program(8);
  Buffer x = program.input(rows), q = program.shared(width, "q8"), wide = program.shared(width, "q16");
  for (const Buffer &result : {q, wide})
    program.step(formatv("quantize {0} -> {1} : {2} -> {3}", x.name, result.name, x.type, result.type));
  Memory memory = Runner(program).run(callOf(8));
  for (int64_t row = 0; row < 8; ++row)
    for (const Buffer &result : {q, wide})
      expectQuantized(memory, result, row, rowOf(rows, row), "row " + std::to_string(row));
  EXPECT_EQ(memory.values(q, 7)[0], -16) << "-15.5 rounds to even";
  EXPECT_EQ(memory.values(q, 7)[1], -14) << "-14.5 rounds to even";
}

TEST(QuantizeTest, Replicated) {
  constexpr int64_t width = 64;
  Matrix rows = normRows(width, width);
  StepProgram program(1);
  Buffer x = program.input(rows, false), q = program.scratch(width, "q8"), result = program.shared(32);
  program.step(formatv("quantize {0} -> {1} replicated : {2} -> {3}", x.name, q.name, x.type, q.type));
  Matrix ones(Format::Q8, 32, width);
  std::fill(ones.numbers.begin(), ones.numbers.end(), 1.0f);
  program.step(formatv("matmul {0}, {1} -> {2} none : {3} -> {4}", q.name, program.addMatrix(ones), result.name, q.type,
                       result.type));
  Runner runner(program);
  for (int64_t token = 0; token < 8; ++token) {
    float expected = dotExact(ones, 0, quantizeRow(&rows.numbers[token * width], width));
    expectBits(runner.run(callOf(1, 0, token)).floats(result, 0), std::vector<float>(32, expected),
               formatv("token {0}", token).str());
  }
}

//===--- ple_combine
//------------------------------------------------------------------------------------------------===//

class PleTest : public testing::TestWithParam<Format> {};

TEST_P(PleTest, CombinesContextAndTable) {
  constexpr int64_t groups = 3, padded = 64, count = 48, width = groups * padded;
  constexpr double contextScale = 0.0625, tokenScale = 6.928203230275509, resultScale = 0.7071067811865476;
  Random random(13);
  Matrix contexts = randomMatrix(random, Format::F32, 8, width, 20.0f),
         table = randomMatrix(random, GetParam(), 8, width);
  for (int64_t row = 0; row < 8; ++row)
    for (int64_t c = 0; c < width; ++c)
      if (c % padded >= count || row == 2)
        contexts.numbers[row * width + c] = 0.0f;
  std::vector<float> norm = randomVector(random, count);
  StepProgram program(8);
  Buffer context = program.input(contexts), result = program.shared(width);
  program.step(formatv("ple_combine {0} -> {1} context_scale {7} norm {3} groups {4} count {5} eps 1.0e-6 "
                       "+ {2} token_scale {6} result_scale {8} : {9} -> {10}",
                       context.name, result.name, program.addMatrix(table, Layout::Table),
                       program.addVector(norm, padded), groups, count, literal(tokenScale), literal(contextScale),
                       literal(resultScale), context.type, result.type));
  Memory memory = Runner(program).run(callOf(8));
  for (int64_t row = 0; row < 8; ++row) {
    Row expected(width);
    for (int64_t layer = 0; layer < groups; ++layer) {
      std::vector<float> scaled;
      for (int64_t c = 0; c < count; ++c)
        scaled.push_back(contexts.number(row, layer * padded + c) * static_cast<float>(contextScale));
      double divisor = rms(scaled.data(), count, 1e-6);
      for (int64_t c = 0; c < padded; ++c) {
        double context = c < count ? scaled[c] / divisor * norm[c] : 0.0;
        expected[layer * padded + c] = (context + table(row, layer * padded + c) * tokenScale) * resultScale;
      }
    }
    // terms up to 30 may cancel
    expectNear(memory.floats(result, row), expected, 30 * normError, normError, formatv("row {0}", row).str());
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, PleTest, testing::ValuesIn(allFormats),
                         [](const auto &info) { return std::string(nameOf(info.param)); });

} // namespace
