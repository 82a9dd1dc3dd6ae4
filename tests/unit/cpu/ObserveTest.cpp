// gemma.step.observe.
#include "dialects/formats/MomentLayout.h"

#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

/// The moment of columns `row` <= `col` of a block, as the layout says.
float momentAt(const MomentLayout &layout, const uint8_t *moments, int64_t entry, int64_t row, int64_t col) {
  int64_t block = col / layout.block, panel = col % layout.block / panelRows;
  int64_t byte = entry * layout.batchBytes() + block * layout.blockBytes() + MomentLayout::panelOffset(panel) +
                 (row % layout.block * panelRows + col % panelRows) * 4;
  float value;
  std::memcpy(&value, moments + byte, sizeof(value));
  return value;
}

/// Every product of columns of one block against the sum in doubles, for rows `rows` of the input.
void expectMoments(const MomentLayout &layout, const uint8_t *moments, int64_t entry,
                   const std::vector<const float *> &rows) {
  for (int64_t col = 0; col < layout.cols; ++col)
    for (int64_t row = col / layout.block * layout.block; row <= col; ++row) {
      double expected = 0, size = 0;
      for (const float *x : rows) {
        expected += static_cast<double>(x[row]) * x[col];
        size += std::fabs(static_cast<double>(x[row]) * x[col]);
      }
      // below its smallest normal number f32 keeps fewer digits
      ASSERT_NEAR(momentAt(layout, moments, entry, row, col), expected, 1e-6 * size + 1e-37)
          << "entry " << entry << ", columns " << row << " and " << col;
    }
}

class ObserveTest : public testing::TestWithParam<int64_t> {};

// Whole matrices and blocks; an earlier call's moments stay in the sum.
TEST_P(ObserveTest, AddsProductsOfColumns) {
  int64_t cols = GetParam();
  constexpr int64_t maxRows = 5;
  Random random(41);
  Matrix inputs = randomMatrix(random, Format::F32, maxRows, cols);
  StepProgram program(maxRows);
  Buffer x = program.input(inputs);
  MomentLayout layout = MomentLayout::of(cols, 1);
  constexpr int64_t offset = 128;
  program.cacheBytes = offset + layout.bytes();
  std::string weight = program.addMatrix(randomMatrix(random, Format::F32, 32, cols));
  program.step(formatv("observe {0}, {1} at {2} : {3}", x.name, weight, offset, x.type));
  Runner runner(program);
  std::vector<const float *> rows;
  Call call = callOf(maxRows);
  for (int64_t calls = 0; calls < 2; ++calls) {
    Memory memory = runner.run(call);
    for (int64_t row = 0; row < maxRows; ++row)
      rows.push_back(&inputs.numbers[row * cols]);
    expectMoments(layout, memory.cache.data() + offset, 0, rows);
    call.cache = memory.cache;
  }
}

INSTANTIATE_TEST_SUITE_P(Columns, ObserveTest, testing::Values(32, 96, 2080));

// Each pick's row goes to the expert that it names; experts that nobody picked keep zeros.
TEST(ObserveExpertsTest, AddsToTheEntryPicked) {
  constexpr int64_t experts = 5, topK = 2, cols = 96, maxRows = 6;
  Random random(43);
  Matrix scores = randomMatrix(random, Format::F32, maxRows, 32, 2.0f);
  for (int64_t row = 0; row < maxRows; ++row)
    for (int64_t expert = experts - 1; expert < 32; ++expert) // the last expert is never picked
      scores.numbers[row * 32 + expert] = expert < experts ? -90.0f : 0.0f;
  Matrix inputs = randomMatrix(random, Format::F32, maxRows * topK, cols);
  StepProgram program(maxRows);
  Buffer s = program.input(scores), picks = program.shared(32, "i32"), weights = program.shared(32);
  program.step(formatv("route {0} -> {1}, {2} experts {3} top_k {4} scale {5} : {6} -> {7}, {8}", s.name, picks.name,
                       weights.name, experts, topK, program.addVector(std::vector<float>(32, 1.0f)), s.type, picks.type,
                       weights.type));
  program.barrier();
  std::vector<Matrix> ups, downs;
  for (int64_t i = 0; i < experts; ++i) {
    ups.push_back(randomMatrix(random, Format::F32, cols, 32, 0.5f));
    downs.push_back(randomMatrix(random, Format::F32, 32, cols, 0.5f));
  }
  Buffer hidden = program.shared(cols, "f32", topK);
  program.step(formatv("expert_up {0}, {1} picks {2} -> {3} top_k {4} : {5}, {6} -> {7}", s.name,
                       program.addInterleaved(ups, ups), picks.name, hidden.name, topK, s.type, picks.type,
                       hidden.type));
  program.barrier();
  MomentLayout layout = MomentLayout::of(cols, experts);
  program.cacheBytes = layout.bytes();
  program.step(formatv("observe {0}, {1} picks {2} top_k {3} at 0 : {4}, {5}", hidden.name, program.addExperts(downs),
                       picks.name, topK, hidden.type, picks.type));
  Memory memory = Runner(program).run(callOf(maxRows));
  std::vector<std::vector<const float *>> rows(experts);
  for (int64_t row = 0; row < maxRows; ++row)
    for (int64_t pick = 0; pick < topK; ++pick)
      rows[memory.ints(picks, row)[pick]].push_back(memory.floats(hidden, row * topK + pick));
  EXPECT_TRUE(rows.back().empty());
  for (int64_t expert = 0; expert < experts; ++expert)
    expectMoments(layout, memory.cache.data(), expert, rows[expert]);
}

} // namespace
