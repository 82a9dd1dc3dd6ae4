// Steps of models without encoders, layer norms and places in one table, against plain loops.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

/// A sum in the order of norms: 256 partial sums, added by halves.
float stridedSum(const std::vector<float> &x) {
  std::vector<float> sums(256);
  for (size_t i = 0; i < x.size(); ++i)
    sums[i % 256] += x[i];
  for (size_t half = 128; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return sums[0];
}

/// The layer norm of a row of which `count` elements are no padding.
std::vector<float> layerNorm(const float *row, int64_t width, int64_t count, const std::vector<float> &weight,
                             const std::vector<float> &bias, float eps) {
  std::vector<float> x(row, row + width), y(width);
  const float mean = stridedSum(x) / static_cast<float>(count);
  for (int64_t i = 0; i < width; ++i)
    x[i] = i < count ? x[i] - mean : 0.0f;
  const float factor = inverseRms(x.data(), width, count, eps);
  for (int64_t i = 0; i < count; ++i) {
    volatile float scaled = (x[i] * factor) * weight[i]; // rounded before the sum
    y[i] = scaled + bias[i];
  }
  return y;
}

struct Shape {
  int64_t width, count;
  float offset; ///< of all elements: what the mean takes away
};

class LayerNormTest : public testing::TestWithParam<Shape> {};

TEST_P(LayerNormTest, SubtractsTheMeanAndDividesByTheDeviation) {
  constexpr int64_t maxRows = 5;
  constexpr float eps = 1e-5f;
  const Shape shape = GetParam();
  Random random(21);
  std::vector<float> weight = randomVector(random, shape.count, 1.0f), bias = randomVector(random, shape.count, 0.5f);
  StepProgram program(maxRows);
  Buffer x = program.given(shape.width), plain = program.shared(shape.width), q8 = program.shared(shape.width, "q8"),
         q16 = program.shared(shape.width, "q16");
  std::string vectors =
      formatv("weight {0} bias {1}", program.addVector(weight, shape.width), program.addVector(bias, shape.width));
  for (const Buffer &result : {plain, q8, q16})
    program.step(formatv("layer_norm {0} -> {1} {2} count {3} eps 1.0e-5 : {4} -> {5}", x.name, result.name, vectors,
                         shape.count, x.type, result.type));
  std::vector<float> input = randomVector(random, maxRows * shape.width, 1.0f);
  for (int64_t i = 0; i < maxRows * shape.width; ++i)
    input[i] = i % shape.width < shape.count ? input[i] + shape.offset : 0.0f;
  Call call = callOf(maxRows);
  call.give(x, input);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < maxRows; ++row) {
    const float *given = input.data() + row * shape.width;
    std::vector<float> expected = layerNorm(given, shape.width, shape.count, weight, bias, eps);
    std::string what = formatv("row {0}", row);
    expectBits(memory.floats(plain, row), expected, what);
    expectIntegers(memory, q8, row, quantizeRow(expected.data(), shape.width), what + ", q8");
    expectIntegers(memory, q16, row, quantizeWide(expected.data(), shape.width), what + ", q16");
    double sum = 0, squares = 0; // the same by the definition
    for (int64_t i = 0; i < shape.count; ++i)
      sum += given[i];
    const double mean = sum / static_cast<double>(shape.count);
    for (int64_t i = 0; i < shape.count; ++i)
      squares += (given[i] - mean) * (given[i] - mean);
    Row exact(shape.width);
    for (int64_t i = 0; i < shape.count; ++i)
      exact[i] = (given[i] - mean) / std::sqrt(squares / static_cast<double>(shape.count) + eps) * weight[i] + bias[i];
    expectNear(memory.floats(plain, row), exact, 3e-5, 3e-5, what + ", exactly");
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LayerNormTest,
                         testing::Values(Shape{96, 96, 0.5f}, Shape{96, 71, 3.0f}, Shape{32, 3, -1.0f},
                                         Shape{256, 256, 1.0f}, Shape{512, 481, -2.0f}, Shape{544, 527, 0.25f},
                                         Shape{6912, 6912, 0.5f}),
                         [](const auto &info) {
                           return formatv("w{0}of{1}", info.param.width, info.param.count).str();
                         });

TEST(AlternatingPlacesTest, TakeRowsOfOneTableByTurns) {
  constexpr int64_t maxRows = 6, width = 64, places = 32;
  Random random(13);
  Matrix table = randomMatrix(random, Format::BF16, 2 * places, width);
  StepProgram program(maxRows);
  Buffer x = program.given(width), at = program.given(32, "i32"), sum = program.shared(width);
  std::string name = program.addMatrix(table);
  program.step(formatv("add_places {0}, {1} -> {2} columns {3} rows {3} alternating : {4}, {5} -> {6}", x.name, at.name,
                       sum.name, name, x.type, at.type, sum.type));
  std::vector<float> input = randomVector(random, maxRows * width, 1.0f);
  std::vector<int32_t> given(32 * maxRows, -9);
  for (int32_t row = 0; row < maxRows; ++row) {
    given[32 * row] = row * 11 % places;
    given[32 * row + 1] = places - 1 - row;
  }
  Call call = callOf(maxRows);
  call.give(x, input);
  call.give(at, given);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < maxRows; ++row) {
    std::vector<float> expected(width);
    for (int64_t c = 0; c < width; ++c)
      expected[c] = input[row * width + c] +
                    (table.number(2 * given[32 * row], c) + table.number(2 * given[32 * row + 1] + 1, c));
    expectBits(memory.floats(sum, row), expected, formatv("row {0}", row));
  }
}

} // namespace
