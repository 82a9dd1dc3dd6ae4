// gemma.step.matmul: sums have the bits of the scalar computation in the same order, whatever the level, the number of
// rows and threads.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr int64_t cols = 160, rowsOfWeight = 96, tokens = 24;

struct MatmulCase {
  Format format;
  bool wide = false;
};

/// One matmul per epilogue on the same input.
struct MatmulProgram {
  Matrix table, weight, gate, up, factor;
  StepProgram program;
  Buffer x, plain, geglu, multiplied, capped, factors;
  static constexpr int64_t factorOffset = 64;
  static constexpr double cap = 5.0;

  bool wide; ///< activations of 16 bits

  MatmulProgram(const MatmulCase &shape, int64_t maxRows, bool privateInput, unsigned seed = 1)
      : MatmulProgram(Random(seed), shape, maxRows, privateInput) {}

  float sum(int64_t token, int64_t row) const { return dot(weight, row, &table.numbers[token * cols]); }
  float dot(const Matrix &matrix, int64_t row, const float *input) const {
    return dotLikeKernel(matrix, row, input, wide);
  }

private:
  MatmulProgram(Random random, const MatmulCase &shape, int64_t maxRows, bool privateInput)
      : table(randomMatrix(random, Format::F32, tokens, cols)),
        weight(randomMatrix(random, shape.format, rowsOfWeight, cols, 0.3f)),
        gate(randomMatrix(random, shape.format, rowsOfWeight, cols, 0.3f)),
        up(randomMatrix(random, shape.format, rowsOfWeight, cols, 0.3f)),
        factor(randomMatrix(random, Format::F32, tokens, rowsOfWeight + 96)), program(maxRows), wide(shape.wide) {
    // Rows of the largest integers, of one sign and of both: with the first and the last group of the weights, the
    // largest sums.
    for (int64_t c = 0; c < cols; ++c) {
      table.numbers[5 * cols + c] = -1.0f;
      table.numbers[6 * cols + c] = 1.0f;
      table.numbers[7 * cols + c] = c % 2 ? 1.0f : -1.0f;
    }
    x = program.input(table, !privateInput);
    factors = program.input(factor);
    if (isQuantized(shape.format)) {
      const char *element = wide ? "q16" : "q8";
      Buffer q = privateInput ? program.scratch(cols, element) : program.shared(cols, element);
      program.step(formatv("quantize {0} -> {1} {2}: {3} -> {4}", x.name, q.name, privateInput ? "replicated " : "",
                           x.type, q.type));
      x = q;
      program.barrier();
    }
    auto result = [&] { return program.shared(rowsOfWeight); };
    std::string matrix = program.addMatrix(weight), pair = program.addGateUp(gate, up);
    plain = result();
    program.step(formatv("matmul {0}, {1} -> {2} none : {3} -> {4}", x.name, matrix, plain.name, x.type, plain.type));
    geglu = result();
    program.step(formatv("matmul {0}, {1} -> {2} geglu : {3} -> {4}", x.name, pair, geglu.name, x.type, geglu.type));
    multiplied = result();
    program.step(formatv("matmul {0}, {1} -> {2} gelu_mul factor {5} : {6} factor_offset {7} : {3} -> {4}", x.name,
                         matrix, multiplied.name, x.type, multiplied.type, factors.name, factors.type, factorOffset));
    capped = result();
    program.step(formatv("matmul {0}, {1} -> {2} softcap cap {5} : {3} -> {4}", x.name, matrix, capped.name, x.type,
                         capped.type, literal(cap)));
  }
};

// Epilogues: exp is off by 2 units in the last place at most, the rest rounds a handful of times; sums enter with exact
// bits.
constexpr double epilogueError = 2e-6;

void checkRow(const MatmulProgram &m, const Memory &memory, int64_t row, int64_t token) {
  std::string what = "row " + std::to_string(row);
  std::vector<float> sums;
  Row products, multiplied, capped;
  const float *input = &m.table.numbers[token * cols];
  for (int64_t i = 0; i < rowsOfWeight; ++i) {
    sums.push_back(m.sum(token, i));
    products.push_back(gelu(m.dot(m.gate, i, input)) * m.dot(m.up, i, input));
    multiplied.push_back(gelu(sums[i]) * m.factor.number(token, MatmulProgram::factorOffset + i));
    capped.push_back(MatmulProgram::cap * std::tanh(sums[i] / MatmulProgram::cap));
  }
  expectBits(memory.floats(m.plain, row), sums, what + ", none");
  expectNear(memory.floats(m.geglu, row), products, epilogueError, epilogueError, what + ", geglu");
  expectNear(memory.floats(m.multiplied, row), multiplied, epilogueError, epilogueError, what + ", gelu_mul");
  expectNear(memory.floats(m.capped, row), capped, epilogueError, epilogueError, what + ", softcap");
}

class MatmulTest : public testing::TestWithParam<MatmulCase> {};

TEST_P(MatmulTest, OneRow) {
  MatmulProgram m(GetParam(), 1, /*privateInput=*/true);
  Runner runner(m.program);
  for (int64_t token : {0, 5})
    checkRow(m, runner.run(callOf(1, 0, token)), 0, token);
}

TEST_P(MatmulTest, AnyNumberOfRows) {
  MatmulProgram m(GetParam(), 19, /*privateInput=*/false);
  Runner runner(m.program);
  for (int64_t rows : {1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 19}) {
    Memory memory = runner.run(callOf(rows, 0, 3));
    for (int64_t row = 0; row < rows; ++row)
      checkRow(m, memory, row, row + 3);
  }
}

// Rounding weights and sums to their formats must not move a product further than its size allows: a check of the
// reference itself, against doubles.
TEST_P(MatmulTest, ReferenceIsNearDoubles) {
  MatmulProgram m(GetParam(), 1, true);
  for (int64_t i = 0; i < rowsOfWeight; ++i) {
    double expected = dotDouble(m.weight, i, m.table.numbers.data());
    // 160 terms of size 0.3; int8 activations are off by up to max|x| / 254 each, those of 16 bits by a 254th of that
    EXPECT_NEAR(m.sum(0, i), expected, !isQuantized(GetParam().format) ? 1e-4 : GetParam().wide ? 1e-3 : 0.2);
  }
}

// Epilogues alone: products with the identity hand them any value.
TEST(EpilogueTest, GeluAndSoftcapOfAnyValue) {
  constexpr int64_t width = 128;
  Matrix identity(Format::F32, width, width), values(Format::F32, 16, width), ones(Format::F32, 16, width);
  std::fill(ones.numbers.begin(), ones.numbers.end(), 1.0f);
  for (int64_t i = 0; i < width; ++i)
    identity.numbers[i * width + i] = 1.0f;
  // rows: -8 to 8 in small steps, then growing magnitudes of both signs, then zeros and the ends
  for (size_t i = 0; i < values.numbers.size(); ++i) {
    float x = (static_cast<float>(i) - 1024) / 128;
    values.numbers[i] = i < 1024 ? x : (i % 2 ? 1.0f : -1.0f) * std::exp2(static_cast<float>(i - 1024) / 16 - 30);
  }
  values.numbers[15 * width] = 0.0f;
  values.numbers[15 * width + 1] = -0.0f;
  StepProgram program(16);
  Buffer x = program.input(values), one = program.input(ones), multiplied = program.shared(width),
         capped = program.shared(width);
  std::string matrix = program.addMatrix(identity);
  program.step(formatv("matmul {0}, {1} -> {2} gelu_mul factor {3} : {4} : {5} -> {6}", x.name, matrix, multiplied.name,
                       one.name, one.type, x.type, multiplied.type));
  program.step(formatv("matmul {0}, {1} -> {2} softcap cap 30.0 : {3} -> {4}", x.name, matrix, capped.name, x.type,
                       capped.type));
  Memory memory = Runner(program).run(callOf(16));
  for (int64_t row = 0; row < 16; ++row) {
    Row gelus, caps;
    for (int64_t i = 0; i < width; ++i) {
      gelus.push_back(gelu(values.number(row, i)));
      caps.push_back(30 * std::tanh(values.number(row, i) / 30.0));
    }
    // gelu: relative 1e-6 above zero; the tails of negative values, where 1 + tanh cancels, within 1e-6 of zero
    expectNear(memory.floats(multiplied, row), gelus, 1e-6, 1e-6, formatv("gelu, row {0}", row).str());
    expectNear(memory.floats(capped, row), caps, 30 * 2e-7, 1e-6, formatv("softcap, row {0}", row).str());
  }
}

std::vector<MatmulCase> matmulCases() {
  std::vector<MatmulCase> cases;
  for (Format format : byteFormats)
    cases.push_back({format});
  for (Format format : {Format::Q12, Format::Q8, Format::C8, Format::Q5, Format::Q4})
    cases.push_back({format, /*wide=*/true});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Formats, MatmulTest, testing::ValuesIn(matmulCases()), [](const auto &info) {
  return nameOf(info.param.format).str() + std::string(info.param.wide ? "_wide" : "");
});

} // namespace
