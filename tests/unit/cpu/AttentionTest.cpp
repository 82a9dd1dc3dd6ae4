// gemma.step.qkv and gemma.step.attention against plain loops in doubles.
#include "CacheReference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

//===--- qkv
//--------------------------------------------------------------------------------------------------------===//

struct QkvCase {
  Format weight, cache;
  int64_t heads, kvHeads, headDim; // kvHeads 0: the layer reads another's cache
  bool keysAreValues;
  int64_t maxRows;
  bool rawValues = false, rotated = false;
  int64_t turnedPairs = 0;
  Exponents exponents = {};
};

std::string nameOfCase(const QkvCase &c) {
  return formatv("{0}_cache_{1}{8}_q{2}_kv{3}_d{4}{5}{6}_rows{7}", nameOf(c.weight), nameOf(c.cache), c.heads,
                 c.kvHeads, c.headDim, c.keysAreValues ? "_shared" : "", c.rawValues ? "_raw" : "", c.maxRows,
                 (c.rotated ? "_rotated" : "") +
                     (c.turnedPairs ? "_turned" + std::to_string(c.turnedPairs) : std::string()) +
                     (c.exponents.value ? "_scaled" : ""));
}

struct QkvProgram {
  static constexpr int64_t cols = 96, capacity = 48, tokens = 16;
  static constexpr double theta = 10000, eps = 1e-6;
  QkvCase shape;
  int64_t padded, pairs;
  Matrix table, weight;
  std::vector<float> queryNorm, keyNorm; // padded
  StepProgram program;
  Buffer query;
  Cache cache;

  explicit QkvProgram(const QkvCase &shape) : QkvProgram(shape, Random(17)) {}

  /// norm and rope of one head of one row, in doubles: `head` counts heads of the stacked weight.
  Row head(int64_t token, int64_t position, int64_t head, const std::vector<float> *norm) const {
    std::vector<float> raw;
    for (int64_t j = 0; j < padded; ++j)
      raw.push_back(dotLikeKernel(weight, head * padded + j, &table.numbers[token * cols]));
    double divisor = rms(raw.data(), padded, 0);
    divisor = std::sqrt(divisor * divisor * padded / shape.headDim + eps);
    if (!norm && shape.rawValues)
      divisor = 1.0;
    Row normed(padded), turned(padded);
    for (int64_t j = 0; j < padded; ++j)
      normed[j] = raw[j] / divisor * (norm ? (*norm)[j] : 1.0f);
    if (!norm)
      return normed;
    for (int64_t j = 0; j < padded / 2; ++j) {
      float exponent = static_cast<float>(2 * j) / static_cast<float>(shape.headDim);
      float frequency = j < pairs ? 1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent))) : 0.0f;
      double angle = static_cast<float>(position) * frequency, x = normed[j], y = normed[j + padded / 2];
      turned[j] = x * std::cos(angle) - y * std::sin(angle);
      turned[j + padded / 2] = y * std::cos(angle) + x * std::sin(angle);
    }
    return turned;
  }

private:
  QkvProgram(const QkvCase &shape, Random random)
      : shape(shape), padded(paddedHeadDim(shape.headDim)),
        pairs(shape.turnedPairs ? shape.turnedPairs : shape.headDim / 2 - 1),
        table(randomMatrix(random, Format::F32, tokens, cols)),
        weight(randomMatrix(random, shape.weight,
                            (shape.heads + shape.kvHeads * (shape.keysAreValues ? 1 : 2)) * padded, cols, 0.3f)),
        queryNorm(randomHeadNorm(random, shape.headDim)), keyNorm(randomHeadNorm(random, shape.headDim)),
        program(shape.maxRows) {
    for (int64_t row = 0; row < weight.rows; ++row)
      if (isPadding(shape.headDim, row % padded))
        weight.clearRow(row);
    Buffer x = program.input(table);
    if (isQuantized(shape.weight)) {
      Buffer q = program.shared(cols, "q8");
      program.step(formatv("quantize {0} -> {1} : {2} -> {3}", x.name, q.name, x.type, q.type));
      program.barrier();
      x = q;
    }
    Buffer rope = program.scratch(padded), raw = program.scratch(padded);
    query = program.shared(shape.heads * padded);
    program.step(formatv("rope_table {0} head_dim {1} <theta = {2}, pairs = {3}, factor = 1.0> replicated : {4}",
                         rope.name, shape.headDim, literal(theta), pairs, rope.type));
    std::string keys, rest;
    if (shape.kvHeads) {
      cache = program.addCache(shape.cache, shape.kvHeads, shape.headDim, 0, capacity, shape.rotated, shape.turnedPairs,
                               shape.exponents);
      keys = formatv(" k_norm {0}", program.addVector(keyNorm));
      rest = formatv(" cache {0}{1}{2}", cache.name, shape.keysAreValues ? " keys_are_values" : "",
                     shape.rawValues ? " raw_values" : "");
    }
    program.step(formatv("qkv {0}, {1}, {2} -> {3} raw {4} heads {5} head_dim {6} q_norm {7}{8} eps 1.0e-6{9} "
                         ": {10}, {11} -> {12}, {13}",
                         x.name, program.addMatrix(weight), rope.name, query.name, raw.name, shape.heads, shape.headDim,
                         program.addVector(queryNorm), keys, rest, x.type, rope.type, query.type, raw.type));
  }
};

// f32: a norm, two products and a sum; values of size 3 may cancel in RoPE. f16 rounds once more.
constexpr double headError = 3e-6;

// `stored` is what the row becomes in the cache. Rotation adds up to 512 elements, whose own errors partly cancel.
void expectStored(const Memory &memory, const Cache &cache, Part part, int64_t head, int64_t slot, const Row &row,
                  const std::string &what) {
  Row stored = readRow(memory.cache, cache, part, head, slot), expected = adapted(cache, part, row);
  for (size_t j = 0; j < stored.size(); ++j)
    ASSERT_NEAR(stored[j], expected[j],
                roundingError(cache, expected, j) + headError * (cache.rotated ? 4 : 1) * (1 + std::fabs(expected[j])))
        << what << ", head " << head << ", element " << j;
}

class QkvTest : public testing::TestWithParam<QkvCase> {};

TEST_P(QkvTest, ProjectsNormsTurnsAndStores) {
  QkvProgram m(GetParam());
  const QkvCase &shape = m.shape;
  Runner runner(m.program);
  for (int64_t position : {0, 7, 45, 1003}) { // 45: the ring wraps inside the call
    Memory memory = runner.run(callOf(shape.maxRows, position));
    for (int64_t row = 0; row < shape.maxRows; ++row) {
      std::string what = formatv("position {0}, row {1}", position, row);
      for (int64_t head = 0; head < shape.heads; ++head)
        expectNear(memory.floats(m.query, row) + head * m.padded, m.head(row, position + row, head, &m.queryNorm),
                   headError, headError, what + formatv(", query head {0}", head).str());
      int64_t slot = (position + row) % QkvProgram::capacity;
      for (int64_t head = 0; head < shape.kvHeads; ++head) {
        Row key = m.head(row, position + row, shape.heads + head, &m.keyNorm);
        Row value =
            m.head(row, position + row, shape.heads + (shape.keysAreValues ? 0 : shape.kvHeads) + head, nullptr);
        expectStored(memory, m.cache, Part::keys, head, slot, storedKey(m.cache, key), what + ", key");
        expectStored(memory, m.cache, Part::values, head, slot, value, what + ", value");
      }
    }
  }
}

// Rows of one call and calls of one row give the same bits, in the cache as well.
TEST_P(QkvTest, RowsEqualSingleRows) {
  QkvCase single = GetParam();
  single.maxRows = 1;
  QkvProgram many(GetParam()), one(single);
  Runner runMany(many.program), runOne(one.program);
  Memory all = runMany.run(callOf(GetParam().maxRows, 45));
  Call call = callOf(1);
  for (int64_t row = 0; row < GetParam().maxRows; ++row) {
    call.tokens = {static_cast<int32_t>(row)};
    call.position = 45 + row;
    Memory memory = runOne.run(call);
    call.cache = memory.cache;
    expectBits(memory.floats(one.query, 0),
               {all.floats(many.query, row), all.floats(many.query, row) + many.query.width},
               formatv("row {0}", row).str());
  }
  EXPECT_EQ(call.cache, all.cache);
}

constexpr Format f32 = Format::F32, f16 = Format::F16, bf16 = Format::BF16, q8 = Format::Q8, q4 = Format::Q4;

INSTANTIATE_TEST_SUITE_P(
    Shapes, QkvTest,
    testing::Values(QkvCase{f32, f32, 4, 2, 20, false, 6}, QkvCase{f32, f32, 3, 1, 36, true, 13},
                    QkvCase{f16, f16, 2, 1, 64, false, 9}, QkvCase{bf16, f16, 2, 2, 72, true, 5},
                    QkvCase{q8, f16, 4, 2, 64, false, 11}, QkvCase{q4, f32, 2, 1, 72, false, 8},
                    QkvCase{q4, f16, 8, 1, 36, true, 3}, QkvCase{q8, f32, 4, 0, 20, false, 7},
                    QkvCase{f32, f32, 2, 0, 72, false, 4}, QkvCase{bf16, f16, 4, 1, 40, false, 5, true},
                    QkvCase{f32, f32, 2, 1, 20, true, 3, true}, QkvCase{f32, f32, 2, 1, 64, false, 9, false, true},
                    QkvCase{f32, f16, 2, 2, 20, false, 5, false, true},
                    QkvCase{q8, q8, 4, 2, 64, false, 11, false, true}, QkvCase{bf16, q8, 2, 1, 36, true, 5},
                    QkvCase{f32, q4, 3, 1, 72, true, 13, false, true}, QkvCase{f32, q4, 2, 2, 20, false, 7},
                    QkvCase{q4, q4, 1, 1, 256, false, 3, true, true},
                    QkvCase{f32, f32, 3, 1, 64, true, 7, false, false, 8},
                    QkvCase{q8, f16, 2, 1, 128, true, 4, false, false, 20},
                    QkvCase{f32, q4, 2, 1, 72, true, 5, false, true, 9},
                    QkvCase{f32, f16, 2, 1, 20, false, 6, true, false, 0, {5, 3}},
                    QkvCase{f32, q8, 4, 2, 64, true, 5, false, true, 8, {3, 4}}),
    [](const auto &info) { return nameOfCase(info.param); });

//===--- attention
//--------------------------------------------------------------------------------------------------===//

struct AttentionCase {
  Format cache;
  int64_t heads, kvHeads, headDim, window, capacity, maxRows;
  float size; // of queries and keys: large ones make the softmax a choice of one key
  bool rotated = false;
  int64_t turnedPairs = 0;
  Exponents exponents = {};
};

struct AttentionProgram {
  /// One step for any number of rows, or one row divided by its keys, merged into f32, q8, q16 or s8.
  enum Kind { rows, splits, splitsToQ8, splitsToQ16, splitsToS8 };
  static constexpr double staticScale = 0.003; // most values are beyond the ends of the grid
  AttentionCase shape;
  int64_t padded;
  Matrix queries;
  std::vector<float> keyNorm;
  StepProgram program;
  Buffer result;
  Cache cache;
  static constexpr int64_t tokens = 16;

  explicit AttentionProgram(const AttentionCase &shape, Kind kind = rows) : AttentionProgram(shape, kind, Random(23)) {}

  /// What the cache holds when positions up to `last` were written, the ring's latest round on top; later slots hold
  /// what a former round or nobody (NaN-free zeros) left.
  std::vector<uint8_t> fill(int64_t last) const {
    std::vector<uint8_t> bytes(program.cacheBytes);
    for (int64_t position = std::max<int64_t>(0, last + 1 - shape.capacity); position <= last; ++position)
      for (int64_t head = 0; head < shape.kvHeads; ++head) {
        Row key, value;
        for (int64_t j = 0; j < padded; ++j) {
          key.push_back(element(2 * head, position, j) * shape.size);
          value.push_back(element(2 * head + 1, position, j));
        }
        writeRow(bytes, cache, Part::keys, head, position % shape.capacity, storedKey(cache, key));
        writeRow(bytes, cache, Part::values, head, position % shape.capacity, value);
      }
    return bytes;
  }

  /// Keys and values of all heads, as rounding left them, for positions up to `last` that the cache holds.
  struct Contents {
    std::vector<std::vector<Row>> keys, values; ///< [head][slot]
  };
  Contents contents(const std::vector<uint8_t> &bytes, int64_t last) const {
    Contents result;
    for (int64_t head = 0; head < shape.kvHeads; ++head) {
      std::vector<Row> &keys = result.keys.emplace_back(), &values = result.values.emplace_back();
      for (int64_t slot = 0; slot <= std::min(last, shape.capacity - 1); ++slot) {
        values.push_back(restored(cache, Part::values, readRow(bytes, cache, Part::values, head, slot)));
        Row key = restored(cache, Part::keys, readRow(bytes, cache, Part::keys, head, slot));
        keys.push_back(wholeKey(cache, key, values.back(), keyNorm));
      }
    }
    return result;
  }

  Row expected(const Contents &contents, int64_t token, int64_t position, int64_t head) const {
    int64_t kvHead = head / (shape.heads / shape.kvHeads);
    int64_t first = shape.window ? std::max<int64_t>(0, position - shape.window + 1) : 0;
    Row scores;
    for (int64_t p = first; p <= position; ++p) {
      double score = 0;
      for (int64_t j = 0; j < padded; ++j)
        score += static_cast<double>(queries.number(token, head * padded + j)) *
                 contents.keys[kvHead][p % shape.capacity][j];
      scores.push_back(score);
    }
    double top = *std::max_element(scores.begin(), scores.end()), sum = 0;
    for (double &score : scores)
      sum += score = std::exp(score - top);
    Row result(padded);
    for (int64_t p = first; p <= position; ++p)
      for (int64_t j = 0; j < padded; ++j)
        if (!isPadding(shape.headDim, j)) // which rotation and rounding fill, and attention clears
          result[j] += scores[p - first] / sum * contents.values[kvHead][p % shape.capacity][j];
    return result;
  }

private:
  // A hash makes any element on demand, exact in f16; so are keys, `size` being a power of two where the cache is f16.
  float element(int64_t stream, int64_t position, int64_t j) const {
    if (isPadding(shape.headDim, j))
      return 0.0f;
    uint32_t x = static_cast<uint32_t>(stream * 1000003 + position * 8191 + j * 131 + 12345);
    x = (x ^ (x >> 16)) * 0x45d9f3bu;
    x = (x ^ (x >> 16)) * 0x45d9f3bu;
    x ^= x >> 16;
    return static_cast<float>(static_cast<int32_t>(x % 2049) - 1024) / 1024.0f;
  }

  AttentionProgram(const AttentionCase &shape, Kind kind, Random random)
      : shape(shape), padded(paddedHeadDim(shape.headDim)),
        queries(randomMatrix(random, Format::F32, tokens, shape.heads * padded, shape.size)),
        keyNorm(randomVector(random, padded, shape.size)), program(shape.maxRows) {
    for (int64_t j = 0; j < padded; ++j)
      if (isPadding(shape.headDim, j))
        keyNorm[j] = 0.0f;
    for (int64_t token = 0; token < tokens; ++token)
      for (int64_t c = 0; c < queries.cols; ++c)
        if (isPadding(shape.headDim, c % padded) || token == 5) // token 5: all scores equal
          queries.numbers[token * queries.cols + c] = 0.0f;
    Buffer query = program.input(queries);
    result = program.shared(queries.cols, kind == splitsToQ8    ? "q8"
                                          : kind == splitsToQ16 ? "q16"
                                          : kind == splitsToS8  ? "s8"
                                                                : "f32");
    cache = program.addCache(shape.cache, shape.kvHeads, shape.headDim, shape.window, shape.capacity, shape.rotated,
                             shape.turnedPairs, shape.exponents);
    std::string norm =
        shape.turnedPairs ? formatv(" key_norm {0}", program.addVector(keyNorm, padded)).str() : std::string();
    if (kind == rows) {
      program.step(formatv("attention {0}, {1} -> {2} heads {3}{6} : {4} -> {5}", query.name, cache.name, result.name,
                           shape.heads, query.type, result.type, norm));
      return;
    }
    Buffer parts = program.parts(cache, shape.heads);
    program.step(formatv("attention_splits {0}, {1} -> {2} heads {3}{6} : {4} -> {5}", query.name, cache.name,
                         parts.name, shape.heads, query.type, parts.type, norm));
    program.barrier();
    std::string scale = kind == splitsToS8 ? "static " + literal(staticScale) : "";
    program.step(formatv("attention_merge {0}, {1} -> {2} heads {3} {6} : {4} -> {5}", parts.name, cache.name,
                         result.name, shape.heads, parts.type, result.type, scale));
  }
};

class AttentionTest : public testing::TestWithParam<AttentionCase> {};

// Scores are sums of d products in four chains: off by about 1e-6 of their size, which moves probabilities by as much.
// Values are within 1.
TEST_P(AttentionTest, SoftmaxOfScoresTimesValues) {
  AttentionProgram m(GetParam());
  const AttentionCase &shape = GetParam();
  Runner runner(m.program);
  double error = 1e-6 + 4e-7 * shape.size * shape.size * m.padded;
  for (int64_t position : {0, 1, 15, 16, 40, 97, 1000, 4093}) {
    if (shape.window == 0 && position + shape.maxRows > shape.capacity)
      continue;
    for (int64_t rows : {int64_t(1), shape.maxRows}) {
      Call call = callOf(rows, position);
      call.cache = m.fill(position + rows - 1);
      AttentionProgram::Contents contents = m.contents(call.cache, position + rows - 1);
      Memory memory = runner.run(call);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t head = 0; head < shape.heads; ++head)
          expectNear(memory.floats(m.result, row) + head * m.padded, m.expected(contents, row, position + row, head),
                     error, 0, formatv("position {0}, row {1}, head {2}", position, row, head).str());
    }
  }
}

// A row's bits depend on its position alone: not on the rows beside it, nor on what else lies in the ring.
TEST_P(AttentionTest, RowsEqualSingleRows) {
  AttentionCase single = GetParam();
  single.maxRows = 1;
  AttentionProgram many(GetParam()), one(single), split(single, AttentionProgram::splits);
  Runner runMany(many.program), runOne(one.program), runSplit(split.program);
  int64_t rows = GetParam().maxRows;
  for (int64_t position : {3, 30, 90, 121, 250, 700, 1790}) {
    if (GetParam().window == 0 && position + rows > GetParam().capacity)
      continue;
    Call call = callOf(rows, position);
    call.cache = many.fill(position + rows - 1);
    Memory all = runMany.run(call);
    for (int64_t row = 0; row < rows; ++row) {
      Call alone = callOf(1, position + row, row);
      alone.cache = one.fill(position + row);
      std::vector<float> expected(all.floats(many.result, row), all.floats(many.result, row) + many.result.width);
      std::string what = formatv("position {0}, row {1}", position, row);
      expectBits(runOne.run(alone).floats(one.result, 0), expected, what);
      expectBits(runSplit.run(alone).floats(split.result, 0), expected, what + ", divided by keys");
    }
  }
}

/// Bytes of several slots' caches, one behind the other.
std::vector<uint8_t> joined(const std::vector<std::vector<uint8_t>> &caches) {
  std::vector<uint8_t> all;
  for (const std::vector<uint8_t> &cache : caches)
    all.insert(all.end(), cache.begin(), cache.end());
  return all;
}

// Nor on the slot or on the rows of other slots: a call with a run in each of three slots.
TEST_P(AttentionTest, RowsOfSeveralSlotsEqualSingleRows) {
  ASSERT_GE(GetParam().maxRows, 3) << "too few rows for three slots";
  AttentionCase single = GetParam();
  single.maxRows = 1;
  AttentionProgram many(GetParam()), split(single, AttentionProgram::splits);
  Runner runMany(many.program), runSplit(split.program);
  const int32_t last[] = {5, 170, 31};
  Call call = callOf(GetParam().maxRows);
  call.slots = 3;
  std::vector<std::vector<uint8_t>> caches(3);
  for (int32_t slot : {2, 0, 1}) { // slot 0 has one row, slot 1 all that are left
    int64_t rows = slot == 2 ? 1 : slot == 0 ? 1 : call.rows - 2;
    for (int64_t row = 0; row < rows; ++row)
      call.places.push_back({slot, static_cast<int32_t>(last[slot] - rows + 1 + row)});
    caches[slot] = many.fill(last[slot]);
  }
  call.cache = joined(caches);
  Memory all = runMany.run(call);
  for (int32_t row = 0; row < call.rows; ++row) {
    Call alone = callOf(1, call.places[row].position, row);
    alone.cache = split.fill(call.places[row].position);
    std::vector<float> expected(all.floats(many.result, row), all.floats(many.result, row) + many.result.width);
    expectBits(runSplit.run(alone).floats(split.result, 0), expected, formatv("row {0}", row));
  }
}

// The merge quantizes as gemma.step.quantize does.
void expectMergedAs(AttentionCase single, AttentionProgram::Kind kind) {
  single.maxRows = 1;
  AttentionProgram plain(single, AttentionProgram::splits), quantized(single, kind);
  Runner runPlain(plain.program), runQuantized(quantized.program);
  Call call = callOf(1, 15);
  call.cache = plain.fill(15);
  Memory floats = runPlain.run(call), memory = runQuantized.run(call);
  const float *row = floats.floats(plain.result, 0);
  int64_t width = plain.result.width;
  bool isStatic = kind == AttentionProgram::splitsToS8;
  QuantizedRow expected = isStatic ? quantizeRow(row, width, static_cast<float>(AttentionProgram::staticScale))
                          : kind == AttentionProgram::splitsToQ16 ? quantizeWide(row, width)
                                                                  : quantizeRow(row, width);
  expectIntegers(memory, quantized.result, 0, expected, "merged");
}

TEST_P(AttentionTest, MergesIntoQ8) { expectMergedAs(GetParam(), AttentionProgram::splitsToQ8); }

TEST_P(AttentionTest, MergesIntoS8) { expectMergedAs(GetParam(), AttentionProgram::splitsToS8); }

TEST(WideMergeTest, MergesIntoQ16) {
  expectMergedAs(AttentionCase{f32, 3, 1, 96, 257, 272, 16, 0.5f}, AttentionProgram::splitsToQ16);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionTest,
    testing::Values(
        AttentionCase{f32, 4, 2, 20, 16, 32, 5, 0.5f}, AttentionCase{f32, 8, 1, 64, 0, 2048, 7, 0.5f},
        AttentionCase{f16, 4, 4, 36, 33, 48, 9, 0.5f}, AttentionCase{f16, 6, 3, 72, 7, 32, 16, 0.5f},
        AttentionCase{f32, 2, 1, 64, 50, 80, 16, 20.0f}, AttentionCase{f16, 2, 1, 256, 0, 1024, 3, 0.25f},
        AttentionCase{f16, 8, 1, 64, 512, 528, 11, 0.5f}, AttentionCase{f32, 40, 2, 32, 300, 352, 6, 0.5f},
        AttentionCase{f16, 34, 34, 32, 1, 32, 4, 0.5f}, AttentionCase{f32, 3, 1, 96, 257, 272, 16, 0.5f},
        AttentionCase{f32, 3, 1, 32, 129, 144, 16, 0.5f}, AttentionCase{f32, 4, 2, 64, 0, 288, 5, 0.5f, true},
        AttentionCase{f16, 2, 1, 36, 33, 48, 9, 0.5f, true}, AttentionCase{q8, 8, 1, 64, 300, 352, 7, 0.5f, true},
        AttentionCase{q8, 6, 3, 20, 16, 32, 9, 0.5f}, AttentionCase{q8, 1, 1, 128, 0, 304, 3, 0.5f, true},
        AttentionCase{q4, 4, 4, 72, 33, 48, 9, 0.5f, true}, AttentionCase{q4, 40, 2, 32, 300, 352, 6, 0.5f},
        AttentionCase{q4, 2, 1, 64, 50, 80, 16, 20.0f, true}, AttentionCase{q4, 16, 2, 256, 0, 288, 3, 0.25f, true},
        AttentionCase{f32, 4, 2, 64, 0, 288, 5, 0.5f, false, 8},
        AttentionCase{f16, 8, 1, 128, 0, 304, 7, 0.25f, false, 32},
        AttentionCase{q8, 3, 1, 72, 50, 80, 9, 0.5f, false, 9},
        AttentionCase{q4, 17, 1, 128, 0, 288, 4, 0.25f, true, 20},
        AttentionCase{f32, 2, 2, 64, 300, 352, 16, 0.5f, true, 8},
        AttentionCase{f16, 4, 2, 64, 50, 80, 7, 0.5f, false, 0, {4, -3}},
        AttentionCase{q8, 4, 2, 128, 0, 304, 5, 0.5f, true, 20, {-5, 6}}),
    [](const auto &info) {
      const AttentionCase &c = info.param;
      return formatv("{0}{6}_q{1}_kv{2}_d{3}_w{4}{5}", nameOf(c.cache), c.heads, c.kvHeads, c.headDim, c.window,
                     c.size > 1 ? "_large" : "",
                     (c.rotated ? "_rotated" : "") +
                         (c.turnedPairs ? "_turned" + std::to_string(c.turnedPairs) : std::string()) +
                         (c.exponents.value ? "_scaled" : ""))
          .str();
    });

} // namespace
