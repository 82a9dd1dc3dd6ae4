// The order of sums over columns: slices of any number and length, in every way in which rows meet panels.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

struct SliceCase {
  Format format;
  int64_t cols;
  bool wide = false;
};

class SliceTest : public testing::TestWithParam<SliceCase> {};

// One row reads panels abreast, few rows keep their sums in memory, a chunk unpacks blocks of columns.
TEST_P(SliceTest, SumsOfOneRowOfFewAndOfAChunk) {
  auto [format, cols, wide] = GetParam();
  constexpr int64_t rowsOfWeight = 96;
  Random random(3);
  Matrix table = randomMatrix(random, Format::F32, 19, cols);
  Matrix weight = randomMatrix(random, format, rowsOfWeight, cols, 0.3f);
  for (int64_t rows : {1, 7, 19}) {
    StepProgram program(rows);
    Buffer x = program.input(table), result = program.shared(rowsOfWeight);
    if (isQuantized(format)) {
      Buffer q = program.shared(cols, wide ? "q16" : "q8");
      program.step(formatv("quantize {0} -> {1} : {2} -> {3}", x.name, q.name, x.type, q.type));
      program.barrier();
      x = q;
    }
    program.step(formatv("matmul {0}, {1} -> {2} none : {3} -> {4}", x.name, program.addMatrix(weight), result.name,
                         x.type, result.type));
    Memory memory = Runner(program).run(callOf(rows));
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<float> sums;
      for (int64_t i = 0; i < rowsOfWeight; ++i)
        sums.push_back(dotLikeKernel(weight, i, &table.numbers[row * cols], wide));
      expectBits(memory.floats(result, row), sums, formatv("row {0} of {1}", row, rows));
    }
  }
}

// By groups of 32 columns: 1, 2, 3, 4, 6, 7 and 8 slices of one; 5 and 7 of two and 6 of three, the last one shorter;
// 8 of nine, of which a block holds one; 8 of 19 and of 37, of which one is several blocks.
std::vector<SliceCase> sliceCases() {
  std::vector<SliceCase> cases;
  for (int64_t groups : {1, 2, 3, 4, 6, 7, 8, 9, 13, 17, 65, 145, 290})
    cases.push_back({Format::Q4, 32 * groups});
  for (int64_t groups : {6, 17, 65})
    for (Format format : {Format::F32, Format::C4})
      cases.push_back({format, 32 * groups});
  for (int64_t groups : {17, 48, 145})
    for (Format format : {Format::Q8, Format::Q12})
      cases.push_back({format, 32 * groups, /*wide=*/true});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Shapes, SliceTest, testing::ValuesIn(sliceCases()), [](const auto &info) {
  const SliceCase &c = info.param;
  return formatv("{0}{1}_{2}_groups", nameOf(c.format), c.wide ? "_wide" : "", c.cols / 32).str();
});

} // namespace
