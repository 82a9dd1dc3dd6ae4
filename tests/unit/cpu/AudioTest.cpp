// Steps of the audio tower: conv2d, depthwise_conv, relative_attention, sinusoids, silu, glu, add, add_bias, and norms
// of clamped rows.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr int64_t flagWidth = 32;

/// Rows of flags, one column.
std::vector<int32_t> flagRows(const std::vector<int32_t> &flags) {
  std::vector<int32_t> rows(flags.size() * flagWidth, 0);
  for (size_t i = 0; i < flags.size(); ++i)
    rows[i * flagWidth] = flags[i];
  return rows;
}

std::vector<float> randomRows(Random &random, int64_t rows, int64_t width, float size = 1.0f) {
  return randomVector(random, rows * width, size);
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

//===--- conv2d
//-----------------------------------------------------------------------------------------------------===//

struct ConvCase {
  int64_t bins, channels, count, every, perRow; ///< perRow: of the result
  int64_t binWidth() const { return channels == 1 ? 1 : roundUp(channels, 16); }
  int64_t resultBins() const { return (bins - 1) / 2 + 1; }
  int64_t resultWidth() const { return roundUp(resultBins() * roundUp(count, 16), 32); }
};

class ConvTest : public testing::TestWithParam<ConvCase> {
protected:
  ConvCase shape = GetParam();
  Random random{11};
  Matrix weight{Format::F32, roundUp(shape.count, 32), roundUp(9 * shape.channels, 32)};
  std::vector<float> norm = randomVector(random, shape.count), input;
  std::vector<int32_t> flags;

  void SetUp() override {
    for (int64_t o = 0; o < shape.count; ++o)
      for (int64_t k = 0; k < 9 * shape.channels; ++k)
        weight.numbers[o * weight.cols + k] = randomVector(random, 1)[0];
  }
  int64_t inputWidth() const { return roundUp(shape.bins * shape.binWidth(), 32); }

  double at(int64_t rows, int64_t row, int64_t bin, int64_t channel) const {
    if (row < 0 || row >= rows || bin < 0 || bin >= shape.bins || !flags[row * shape.every])
      return 0.0;
    return input[row * inputWidth() + bin * shape.binWidth() + channel];
  }
  double convolved(int64_t rows, int64_t row, int64_t bin, int64_t o) const {
    double sum = 0;
    for (int64_t c = 0; c < shape.channels; ++c)
      for (int64_t tap = 0; tap < 9; ++tap)
        sum += weight(o, 9 * c + tap) * at(rows, 2 * row - 1 + tap / 3, 2 * bin - 1 + tap % 3, c);
    return sum;
  }
  Row expected(int64_t rows, int64_t row) const {
    Row result(shape.resultWidth(), 0.0);
    for (int64_t bin = 0; bin < shape.resultBins(); ++bin) {
      Row sums;
      double mean = 0, variance = 0;
      for (int64_t o = 0; o < shape.count; ++o)
        mean += sums.emplace_back(convolved(rows, row, bin, o)) / static_cast<double>(shape.count);
      for (double sum : sums)
        variance += (sum - mean) * (sum - mean) / static_cast<double>(shape.count);
      for (int64_t o = 0; o < shape.count; ++o)
        result[bin * roundUp(shape.count, 16) + o] =
            std::max(0.0, (sums[o] - mean) / std::sqrt(variance + 0.25) * norm[o]);
    }
    return result;
  }
};

TEST_P(ConvTest, NormsWhatItSumsUp) {
  StepProgram program(3);
  Buffer x = program.given(inputWidth(), "f32", 2 * shape.perRow);
  Buffer valid = program.given(flagWidth, "i32", 2 * shape.perRow * shape.every);
  Buffer result = program.shared(shape.resultWidth(), "f32", shape.perRow);
  program.step(formatv("conv2d {0}, {1} every {2} -> {3} weight {4} norm {5} bins {6} channels {7} count {8} eps 0.25 "
                       ": {9}, {10} -> {11}",
                       x.name, valid.name, shape.every, result.name, program.addMatrix(weight), program.addVector(norm),
                       shape.bins, shape.channels, shape.count, x.type, valid.type, result.type));
  Runner runner(program);
  for (int64_t rows : {3, 1}) {
    const int64_t frames = 2 * shape.perRow * rows;
    Call call = callOf(rows);
    input = randomRows(random, frames, inputWidth());
    flags.assign(frames * shape.every, 1);
    flags[flags.size() - 1] = flags[1] = 0;
    call.give(x, input);
    call.give(valid, flagRows(flags));
    Memory memory = runner.run(call);
    for (int64_t row = 0; row < rows * shape.perRow; ++row)
      expectNear(memory.floats(result, row), expected(frames, row), 1e-4, 1e-4, formatv("row {0}", row));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvTest,
                         testing::Values(ConvCase{16, 1, 20, 1, 2}, ConvCase{16, 1, 64, 1, 1}, ConvCase{10, 3, 7, 2, 1},
                                         ConvCase{8, 32, 32, 2, 1}, ConvCase{7, 5, 40, 1, 1}),
                         [](const auto &info) {
                           const ConvCase &c = info.param;
                           return formatv("b{0}c{1}o{2}e{3}r{4}", c.bins, c.channels, c.count, c.every, c.perRow).str();
                         });

// Each thread makes the rows that it reads itself, a few at a time.
TEST(ConvRingTest, MakesARingOnTheWay) {
  constexpr int64_t most = 7;
  const ConvCase shapes[] = {{16, 1, 20, 1, 2}, {8, 20, 12, 2, 1}};
  auto run = [&](bool inRing, int64_t rows) {
    Random random(17);
    std::vector<float> first = randomVector(random, 20), second = randomVector(random, 12);
    Matrix weights[] = {randomMatrix(random, Format::F32, 32, 32), randomMatrix(random, Format::BF16, 32, 192)};
    StepProgram program(most);
    Buffer x = program.given(32, "f32", 4), valid = program.given(flagWidth, "i32", 4);
    Buffer between =
        inRing ? program.ring(shapes[0].resultWidth(), 2) : program.shared(shapes[0].resultWidth(), "f32", 2);
    Buffer result = program.shared(shapes[1].resultWidth());
    auto add = [&](const ConvCase &shape, const Buffer &from, const Buffer &to, const Matrix &weight,
                   const std::vector<float> &norm) {
      program.step(formatv("conv2d {0}, {1} every {2} -> {3} weight {4} norm {5} bins {6} channels {7} count {8} "
                           "eps 0.25 : {9}, {10} -> {11}",
                           from.name, valid.name, shape.every, to.name, program.addMatrix(weight),
                           program.addVector(norm), shape.bins, shape.channels, shape.count, from.type, valid.type,
                           to.type));
    };
    add(shapes[0], x, between, weights[0], first);
    if (!inRing)
      program.barrier();
    add(shapes[1], between, result, weights[1], second);
    Call call = callOf(rows);
    call.give(x, randomRows(random, 4 * rows, 32));
    std::vector<int32_t> flags(4 * rows, 1);
    flags[1] = flags.back() = 0;
    call.give(valid, flagRows(flags));
    Memory memory = Runner(program).run(call);
    std::vector<float> values;
    for (int64_t row = 0; row < rows; ++row)
      values.insert(values.end(), memory.floats(result, row), memory.floats(result, row) + result.width);
    return values;
  };
  for (int64_t rows : {int64_t(1), int64_t(2), most}) {
    std::vector<float> whole = run(false, rows), ring = run(true, rows);
    expectBits(ring.data(), whole, formatv("{0} rows", rows));
  }
}

//===--- depthwise_conv
//---------------------------------------------------------------------------------------------===//

TEST(DepthwiseConvTest, LooksBack) {
  Random random(5);
  for (int64_t taps : {1, 5, 7}) {
    Matrix weight = randomMatrix(random, Format::F32, 64, 32);
    StepProgram program(6);
    Buffer x = program.given(64), result = program.shared(64);
    program.step(formatv("depthwise_conv {0}, {1} -> {2} taps {3} : {4} -> {5}", x.name, program.addMatrix(weight),
                         result.name, taps, x.type, result.type));
    Runner runner(program);
    Call call = callOf(6);
    std::vector<float> rows = randomRows(random, 6, 64);
    call.give(x, rows);
    Memory memory = runner.run(call);
    for (int64_t row = 0; row < 6; ++row) {
      Row expected(64, 0.0);
      for (int64_t i = 0; i < 64; ++i)
        for (int64_t j = std::max<int64_t>(0, taps - 1 - row); j < taps; ++j)
          expected[i] += weight(i, j) * rows[(row - taps + 1 + j) * 64 + i];
      expectNear(memory.floats(result, row), expected, 1e-5, 1e-5, formatv("taps {0}, row {1}", taps, row));
    }
  }
}

//===--- relative_attention
//-----------------------------------------------------------------------------------------===//

struct RelativeCase {
  int64_t heads, headDim, past, future, distances;
  int64_t padded() const { return roundUp(headDim, 16); }
  int64_t width() const { return roundUp(heads * padded(), 32); }
};

class RelativeTest : public testing::TestWithParam<RelativeCase> {
protected:
  static constexpr int64_t most = 7, every = 4;
  RelativeCase shape = GetParam();
  Random random{23};
  std::vector<float> parts[4]; ///< query, key, value, relative
  std::vector<float> scale = randomVector(random, shape.headDim);
  std::vector<int32_t> flags;

  std::vector<float> headRows() {
    std::vector<float> rows = randomRows(random, most, shape.width());
    for (int64_t i = 0; i < most * shape.width(); ++i)
      if (int64_t place = i % shape.width();
          place >= shape.heads * shape.padded() || place % shape.padded() >= shape.headDim)
        rows[i] = 0.0f;
    return rows;
  }
  double dot(int64_t part, int64_t row, int64_t other, int64_t head) const {
    double sum = 0;
    for (int64_t i = 0; i < shape.headDim; ++i) {
      int64_t place = head * shape.padded() + i;
      sum += double{parts[0][row * shape.width() + place]} * scale[i] * parts[part][other * shape.width() + place];
    }
    return sum;
  }
  double score(int64_t row, int64_t other, int64_t head) const {
    double sum = 1.5 * dot(1, row, other, head);
    if (other <= row)
      sum += dot(3, row, std::min(row - other, shape.distances), head);
    return 5 * std::tanh(sum / 5);
  }
  bool isSeen(int64_t row, int64_t other) const {
    return flags[other * every] && (other <= row ? row - other < shape.past : other - row < shape.future);
  }
  Row expected(int64_t rows, int64_t row) const {
    Row result(shape.width(), 0.0);
    for (int64_t head = 0; head < shape.heads; ++head) {
      double total = 0;
      for (int64_t other = 0; other < rows; ++other)
        total += isSeen(row, other) ? std::exp(score(row, other, head)) : 0.0;
      for (int64_t other = 0; other < rows; ++other)
        for (int64_t i = head * shape.padded(); isSeen(row, other) && i < (head + 1) * shape.padded(); ++i)
          result[i] += std::exp(score(row, other, head)) / total * parts[2][other * shape.width() + i];
    }
    return result;
  }
};

TEST_P(RelativeTest, SeesItsNeighbours) {
  StepProgram program(most);
  Buffer buffers[4];
  for (Buffer &buffer : buffers)
    buffer = program.given(shape.width());
  Buffer valid = program.given(flagWidth, "i32", every), result = program.shared(shape.width());
  const std::string &type = result.type;
  program.step(formatv("relative_attention {0}, {1}, {2}, {3}, {4} every {5} -> {6} heads {7} head_dim {8} scale {9} "
                       "key_scale 1.5 past {10} future {11} distances {12} cap 5.0 : {13}, {13}, {13}, {13}, {14} -> "
                       "{13}",
                       buffers[0].name, buffers[1].name, buffers[2].name, buffers[3].name, valid.name, every,
                       result.name, shape.heads, shape.headDim, program.addVector(scale), shape.past, shape.future,
                       shape.distances, type, valid.type));
  Runner runner(program);
  for (int64_t rows : {most, int64_t{2}}) {
    Call call = callOf(rows);
    for (size_t i = 0; i < 4; ++i)
      call.give(buffers[i], parts[i] = headRows());
    flags.assign(most * every, 1);
    flags[(rows - 1) * every] = 0;
    if (rows > 4)
      flags[2 * every] = flags[3 * every] = 0; // with past 2 row 3 sees nothing
    call.give(valid, flagRows(flags));
    Memory memory = runner.run(call);
    for (int64_t row = 0; row < rows; ++row)
      expectNear(memory.floats(result, row), expected(rows, row), 1e-5, 1e-5, formatv("row {0} of {1}", row, rows));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, RelativeTest,
    testing::Values(RelativeCase{2, 16, 12, 0, 12}, RelativeCase{1, 20, 2, 0, 1}, RelativeCase{3, 5, 3, 3, 2},
                    RelativeCase{2, 40, 20, 2, 9}),
    [](const auto &info) {
      const RelativeCase &c = info.param;
      return formatv("h{0}d{1}p{2}f{3}n{4}", c.heads, c.headDim, c.past, c.future, c.distances).str();
    });

//===--- steps on rows
//----------------------------------------------------------------------------------------------===//

TEST(AudioRowTest, Sinusoids) {
  for (int64_t half : {20, 32, 1}) {
    int64_t padded = roundUp(half, 16), width = roundUp(2 * padded, 32);
    StepProgram program(5);
    Buffer result = program.shared(width);
    program.step(formatv("sinusoids {0} half {1} : {2}", result.name, half, result.type));
    Memory memory = Runner(program).run(callOf(5, /*position=*/3));
    for (int64_t row = 0; row < 5; ++row) {
      Row expected(width, 0.0);
      for (int64_t j = 0; j < half; ++j) {
        double angle =
            static_cast<double>(row) * std::pow(10000.0, -static_cast<double>(j) / std::max<double>(half - 1, 1));
        expected[j] = std::sin(angle);
        expected[padded + j] = std::cos(angle);
      }
      expectNear(memory.floats(result, row), expected, 2e-6, 0, formatv("half {0}, row {1}", half, row));
    }
  }
}

TEST(AudioRowTest, ElementsAndSums) {
  Random random(3);
  std::vector<float> x = randomRows(random, 3, 128, 4.0f), bias = randomVector(random, 64);
  x[0] = 200.0f, x[1] = -200.0f;
  StepProgram program(3);
  Buffer input = program.given(128), half = program.shared(64), sum = program.shared(64), other = program.shared(64),
         silu = program.shared(128), quantized = program.shared(128, "q8");
  program.step(formatv("glu {0} -> {1} : {2} -> {3}", input.name, half.name, input.type, half.type));
  program.step(formatv("add_bias {0}, {1} -> {2} : {3} -> {4}", half.name, program.addVector(bias), sum.name, half.type,
                       sum.type));
  program.step(formatv("add {0}, {1} -> {2} : {3}, {4} -> {5}", half.name, sum.name, other.name, half.type, sum.type,
                       other.type));
  program.step(
      formatv("silu {0} -> {1} within [-0.125, 3.0] : {2} -> {3}", input.name, silu.name, input.type, silu.type));
  program.step(formatv("silu {0} -> {1} : {2} -> {3}", input.name, quantized.name, input.type, quantized.type));
  Call call = callOf(3);
  call.give(input, x);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < 3; ++row) {
    Row gated, twice, activated;
    for (int64_t i = 0; i < 64; ++i) {
      gated.push_back(x[row * 128 + i] * logistic(x[row * 128 + 64 + i]));
      twice.push_back(2 * gated.back() + bias[i]);
    }
    for (int64_t i = 0; i < 128; ++i)
      activated.push_back(std::clamp(x[row * 128 + i] * logistic(x[row * 128 + i]), -0.125, 3.0));
    expectNear(memory.floats(half, row), gated, 1e-6, 1e-6, "glu");
    expectNear(memory.floats(other, row), twice, 1e-6, 1e-6, "sums");
    expectNear(memory.floats(silu, row), activated, 1e-6, 1e-6, "silu");
    for (int64_t i = 0; i < 128; ++i) {
      double exact = x[row * 128 + i] * logistic(x[row * 128 + i]);
      EXPECT_NEAR(memory.values(quantized, row)[i] * memory.scales(quantized, row)[i / 32], exact,
                  memory.scales(quantized, row)[i / 32] * 0.51);
    }
  }
}

TEST(AudioRowTest, NormsOfClampedRows) {
  constexpr float limit = 1.5f, eps = 0.25f, factor = 0.3f;
  Random random(9);
  std::vector<float> x = randomRows(random, 3, 64, 3.0f), weight = randomVector(random, 64);
  StepProgram program(3);
  Buffer input = program.given(64), normed = program.shared(64), sum = program.shared(64);
  std::string symbol = program.addVector(weight);
  program.step(formatv("norm {0} limit 1.5 -> {1} weight {2} factor 1.0 eps 0.25 count 64 : {3} -> {4}", input.name,
                       normed.name, symbol, input.type, normed.type));
  program.step(formatv("add_norm {0}, {0} limit 1.5 -> {1} weight {2} factor {5} eps 0.25 count 64 : {3}, {3} -> {4}",
                       input.name, sum.name, symbol, input.type, sum.type, literal(factor)));
  Call call = callOf(3);
  call.give(input, x);
  Memory memory = Runner(program).run(call);
  for (int64_t row = 0; row < 3; ++row) {
    std::vector<float> clamped, expected, added;
    for (int64_t i = 0; i < 64; ++i)
      clamped.push_back(std::clamp(x[row * 64 + i], -limit, limit));
    const float q = inverseRms(clamped.data(), 64, 64, eps);
    for (int64_t i = 0; i < 64; ++i) {
      expected.push_back((clamped[i] * q) * weight[i]);
      added.push_back(x[row * 64 + i] + expected.back() * factor);
    }
    expectBits(memory.floats(normed, row), expected, "norm");
    expectBits(memory.floats(sum, row), added, "add_norm");
  }
}

} // namespace
