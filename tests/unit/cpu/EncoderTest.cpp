// Attention among the rows of a picture: queries, keys and values of their heads, in f32 and in int16.
#include "GivenRows.h"
#include "Reference.h"

#include "dialects/formats/CacheLayout.h"
#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr Format f32 = Format::F32, f16 = Format::F16, bf16 = Format::BF16, q8 = Format::Q8, q4 = Format::Q4;

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
  EncoderProgram(const EncoderCase &shape, bool inPlace, Random random)
      : shape(shape), padded(paddedHeadDim(shape.headDim)),
        weight(randomMatrix(random, shape.weight, (shape.heads + 2 * shape.kvHeads) * padded, cols, shape.size)),
        queryNorm(randomHeadNorm(random, shape.headDim)), keyNorm(randomHeadNorm(random, shape.headDim)),
        program(shape.maxRows) {
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

/// The keys and the values of a KV head: as they were stored, so that errors do not add up, or, in words, as they
/// should be.
struct KeysAndValues {
  std::vector<Row> keys, values;
  KeysAndValues(const EncoderProgram &m, const Memory &memory, int64_t count, int64_t kvHead) {
    Rows inputs(count, EncoderProgram::cols, 41), turns(count, m.padded, 42);
    for (bool isValue : {false, true})
      for (int64_t row = 0; row < count; ++row) {
        Row one;
        if (m.shape.words)
          one = m.head(inputs, turns, row, m.shape.heads + (isValue ? m.shape.kvHeads : 0) + kvHead);
        else
          for (int64_t j = 0; j < m.padded; ++j)
            one.push_back(m.stored(memory, isValue, kvHead, row, j));
        (isValue ? values : keys).push_back(one);
      }
  }
};

void expectMixed(const EncoderProgram &m, const Memory &memory, const KeysAndValues &seen, int64_t row, int64_t head) {
  const auto count = static_cast<int64_t>(seen.keys.size());
  Row scores, result(m.padded);
  double size = 0;
  for (const Row &key : seen.keys) {
    double score = 0, magnitude = 0;
    for (int64_t j = 0; j < m.padded; ++j) {
      double product = memory.floats(m.query, row)[head * m.padded + j] * key[j];
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
      result[j] += scores[key] / sum * seen.values[key][j];
  double error = m.shape.words ? 1e-4 * (1 + size) : 2e-6 * (1 + size);
  expectNear(memory.floats(m.mixed, row) + head * m.padded, result, error, 0,
             formatv("row {0} of {1}, head {2}", row, count, head));
}

TEST_P(EncoderTest, EveryRowSeesAllOfTheCall) {
  EncoderProgram m(GetParam());
  Runner runner(m.program);
  for (int64_t rows : {int64_t(1), m.shape.maxRows / 2, m.shape.maxRows}) {
    if (rows == 0)
      continue;
    Memory memory = runner.run(m.call(rows));
    int64_t count = rows * m.shape.perRow;
    for (int64_t row : someRows(count))
      expectHeads(m, memory, count, row);
    for (int64_t kvHead = 0, perKvHead = m.shape.heads / m.shape.kvHeads; kvHead < m.shape.kvHeads; ++kvHead) {
      KeysAndValues seen(m, memory, count, kvHead);
      for (int64_t row : someRows(count))
        for (int64_t head = kvHead * perKvHead; head < (kvHead + 1) * perKvHead; ++head)
          expectMixed(m, memory, seen, row, head);
    }
  }
}

/// Both calls gave the first `rows` rows the same bits.
void expectSameRows(const EncoderProgram &expected, const Memory &one, const EncoderProgram &tested,
                    const Memory &other, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row)
    expectBits(other.floats(tested.mixed, row),
               {one.floats(expected.mixed, row), one.floats(expected.mixed, row) + expected.mixed.width},
               formatv("row {0}", row));
}

// The same picture in functions that leave room for more: other strides, perhaps other blocks, the same bits.
TEST_P(EncoderTest, RoomForMoreChangesNoBits) {
  EncoderCase larger = GetParam();
  larger.maxRows = larger.maxRows * 2 + 3;
  EncoderProgram small(GetParam()), large(larger);
  Runner runSmall(small.program), runLarge(large.program);
  Memory one = runSmall.run(small.call(GetParam().maxRows)), other = runLarge.run(large.call(GetParam().maxRows));
  expectSameRows(small, one, large, other, small.mixed.rows);
}

// Blocks of rows, the last one shorter, and calls that fill only a part of a block.
TEST_P(EncoderTest, BlocksChangeNoBits) {
  EncoderCase blocked = GetParam();
  blocked.block = (blocked.maxRows + 2) / 3;
  EncoderProgram whole(GetParam()), blocks(blocked);
  Runner runWhole(whole.program), runBlocks(blocks.program);
  for (int64_t rows : {int64_t(1), blocked.maxRows}) {
    Memory one = runWhole.run(whole.call(rows)), other = runBlocks.run(blocks.call(rows));
    expectSameRows(whole, one, blocks, other, rows * blocked.perRow);
  }
}

// The result of attention may lie where its queries were.
TEST_P(EncoderTest, MixesInPlace) {
  EncoderProgram apart(GetParam()), inPlace(GetParam(), /*inPlace=*/true);
  Runner runApart(apart.program), runInPlace(inPlace.program);
  Memory one = runApart.run(apart.call(GetParam().maxRows)), other = runInPlace.run(inPlace.call(GetParam().maxRows));
  expectSameRows(apart, one, inPlace, other, apart.mixed.rows);
}

EncoderCase inWords(EncoderCase shape) {
  shape.words = true;
  return shape;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EncoderTest,
    testing::Values(EncoderCase{f32, 1, 1, 4, 1, 9}, EncoderCase{f32, 2, 1, 12, 7, 1}, EncoderCase{q8, 3, 3, 32, 11, 9},
                    EncoderCase{bf16, 4, 2, 64, 15, 9}, EncoderCase{f32, 12, 12, 64, 5, 9},
                    EncoderCase{q4, 2, 2, 64, 78, 9}, EncoderCase{f32, 6, 3, 72, 10, 9, 0.3f, true},
                    EncoderCase{q8, 12, 4, 80, 4, 4, 0.3f, true}, EncoderCase{f32, 2, 2, 64, 20, 9, 2.0f},
                    EncoderCase{f32, 1, 1, 32, 129, 1}, EncoderCase{f16, 8, 1, 36, 17, 3}, inWords({q8, 1, 1, 4, 1, 9}),
                    inWords({q8, 4, 2, 64, 15, 9}), inWords({f32, 6, 3, 72, 16, 9, 0.3f, true}),
                    inWords({f32, 2, 2, 64, 20, 9, 2.0f})),
    [](const auto &info) {
      const EncoderCase &c = info.param;
      return formatv("{0}_q{1}_kv{2}_d{3}_{4}x{5}{6}{7}{8}", nameOf(c.weight), c.heads, c.kvHeads, c.headDim, c.maxRows,
                     c.perRow, c.size > 1 ? "_large" : "", c.bounded ? "_bounds" : "", c.words ? "_words" : "")
          .str();
    });

} // namespace
