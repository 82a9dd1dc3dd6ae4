// gemma.step.route, expert_up, expert_down.
#include "Reference.h"

#include "llvm/Support/FormatVariadic.h"

#include <numeric>
#include <set>

using namespace gemmac;
using namespace gemmac::test;
using llvm::formatv;

namespace {

constexpr int64_t tokens = 12;

/// A function that routes rows of `scores`, and perhaps computes experts with the picks.
struct RouteSteps {
  Buffer scores, picks, weights;
  std::vector<float> scale;

  RouteSteps(StepProgram &program, const Matrix &table, int64_t experts, int64_t topK) {
    Random random(29);
    for (int64_t i = 0; i < experts; ++i)
      scale.push_back(1.0f + 0.5f * static_cast<float>(i % 3));
    scores = program.input(table);
    picks = program.shared(roundUp(topK, 32), "i32");
    weights = program.shared(roundUp(topK, 32));
    program.step(formatv("route {0} -> {1}, {2} experts {3} top_k {4} scale {5} : {6} -> {7}, {8}", scores.name,
                         picks.name, weights.name, experts, topK, program.addVector(paddedScale()), scores.type,
                         picks.type, weights.type));
    program.barrier();
  }

private:
  std::vector<float> paddedScale() const {
    std::vector<float> padded = scale;
    padded.resize(roundUp(static_cast<int64_t>(scale.size()), 32));
    return padded;
  }
};

Matrix scoreTable(int64_t experts, float size) {
  Random random(31);
  Matrix table = randomMatrix(random, Format::F32, tokens, roundUp(experts, 32), size);
  for (int64_t row = 0; row < tokens; ++row)
    std::fill(table.numbers.begin() + row * table.cols + experts, table.numbers.begin() + (row + 1) * table.cols, 0.0f);
  return table;
}

struct RouteCase {
  int64_t experts, topK;
};

class RouteTest : public testing::TestWithParam<RouteCase> {};

TEST_P(RouteTest, PicksTheMostProbable) {
  auto [experts, topK] = GetParam();
  Matrix table = scoreTable(experts, 2.0f);
  auto set = [&](int64_t row, int64_t expert, float score) { table.numbers[row * table.cols + expert] = score; };
  for (int64_t expert = 0; expert < experts; ++expert) {
    set(1, expert, 0.25f);                                  // all equal: the first ones, in order
    set(2, expert, expert % 2 ? 1.0f : -1.0f);              // ties among the odd ones
    set(3, expert, -5.0f - static_cast<float>(expert));     // all below the zero padding
    set(4, expert, expert == experts - 1 ? 80.0f : -80.0f); // one takes all
    set(5, expert, expert % 2 ? 0.0f : -0.0f);
  }
  StepProgram program(tokens);
  RouteSteps route(program, table, experts, topK);
  Memory memory = Runner(program).run(callOf(tokens));
  for (int64_t row = 0; row < tokens; ++row) {
    std::string what = "row " + std::to_string(row);
    std::vector<int32_t> order(experts);
    std::iota(order.begin(), order.end(), 0);
    auto score = [&](int32_t expert) { return static_cast<double>(table.number(row, expert)); };
    std::sort(order.begin(), order.end(),
              [&](int32_t a, int32_t b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
    double total = 0;
    for (int64_t pick = 0; pick < topK; ++pick)
      total += std::exp(score(order[pick]) - score(order[0]));
    Row expected;
    for (int64_t pick = 0; pick < topK; ++pick) {
      // row 4: all but one probability underflow alike, so that the first of them are picked, as their scores say too
      ASSERT_EQ(memory.ints(route.picks, row)[pick], order[pick]) << what << ", pick " << pick;
      expected.push_back(std::exp(score(order[pick]) - score(order[0])) / total * route.scale[order[pick]]);
    }
    expectNear(memory.floats(route.weights, row), expected, 1e-30, 2e-6, what); // exp, two quotients, a sum of top_k
    const float *scores = &table.numbers[row * table.cols];                     // other steps may read them
    expectBits(memory.floats(route.scores, row), {scores, scores + table.cols}, what + ", scores");
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RouteTest,
                         testing::Values(RouteCase{8, 2}, RouteCase{128, 8}, RouteCase{33, 33}, RouteCase{5, 1}),
                         [](const auto &info) {
                           return formatv("e{0}_k{1}", info.param.experts, info.param.topK).str();
                         });

/// A format, and the rows of the function: one alone, few, or a chunk, in which experts with more
/// than a few rows unpack weights.
class ExpertTest : public testing::TestWithParam<std::tuple<Format, int64_t>> {
protected:
  void upAndDown(const char *activations);
};

// Up and down in one function, as the plan stage makes them: picks and their weights as the router left them.
void ExpertTest::upAndDown(const char *activations) {
  constexpr int64_t experts = 6, topK = 3, hidden = 160, inner = 96;
  auto [format, maxRows] = GetParam();
  bool quantized = isQuantized(format), wide = llvm::StringRef(activations) == "q16";
  Random random(37);
  std::vector<Matrix> gates, ups, downs;
  for (int64_t i = 0; i < experts; ++i) {
    gates.push_back(randomMatrix(random, format, inner, hidden, 0.3f));
    ups.push_back(randomMatrix(random, format, inner, hidden, 0.3f));
    downs.push_back(randomMatrix(random, format, hidden, inner, 0.3f));
  }
  Matrix inputs = randomMatrix(random, Format::F32, tokens, hidden);
  StepProgram program(maxRows);
  RouteSteps route(program, scoreTable(experts, 2.0f), experts, topK);
  Buffer x = program.input(inputs), upInput = x, middle = program.shared(inner, "f32", topK), downInput = middle,
         result = program.shared(hidden);
  if (quantized) {
    upInput = program.shared(hidden, activations);
    program.step(formatv("quantize {0} -> {1} : {2} -> {3}", x.name, upInput.name, x.type, upInput.type));
    program.barrier();
  }
  program.step(formatv("expert_up {0}, {1} picks {2} -> {3} top_k {4} : {5}, {6} -> {7}", upInput.name,
                       program.addInterleaved(gates, ups), route.picks.name, middle.name, topK, upInput.type,
                       route.picks.type, middle.type));
  program.barrier();
  if (quantized) {
    downInput = program.shared(inner, activations, topK);
    program.step(formatv("quantize {0} -> {1} : {2} -> {3}", middle.name, downInput.name, middle.type, downInput.type));
    program.barrier();
  }
  program.step(formatv("expert_down {0}, {1} picks {2}, {3} -> {4} top_k {5} : {6}, {7}, {8} -> {9}", downInput.name,
                       program.addExperts(downs), route.picks.name, route.weights.name, result.name, topK,
                       downInput.type, route.picks.type, route.weights.type, result.type));
  Runner runner(program);
  for (int64_t rows : std::set<int64_t>{1, std::min<int64_t>(4, maxRows), maxRows}) {
    Memory memory = runner.run(callOf(rows));
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<float> sums(hidden);
      for (int64_t pick = 0; pick < topK; ++pick) {
        int32_t expert = memory.ints(route.picks, row)[pick];
        const float *up = memory.floats(middle, row * topK + pick);
        Row expected;
        for (int64_t i = 0; i < inner; ++i)
          expected.push_back(gelu(dotLikeKernel(gates[expert], i, &inputs.numbers[row * hidden], wide)) *
                             dotLikeKernel(ups[expert], i, &inputs.numbers[row * hidden], wide));
        expectNear(up, expected, 2e-6, 2e-6, formatv("row {0}, pick {1}", row, pick).str());
        // from what expert_up stored, the sums have the bits of the scalar order
        for (int64_t i = 0; i < hidden; ++i)
          sums[i] =
              std::fma(dotLikeKernel(downs[expert], i, up, wide), memory.floats(route.weights, row)[pick], sums[i]);
      }
      expectBits(memory.floats(result, row), sums, formatv("row {0}, down", row).str());
    }
  }
}

TEST_P(ExpertTest, UpAndDown) { upAndDown("q8"); }

class WideExpertTest : public ExpertTest {};

TEST_P(WideExpertTest, UpAndDown) { upAndDown("q16"); }

INSTANTIATE_TEST_SUITE_P(
    Formats, ExpertTest, testing::Combine(testing::ValuesIn(byteFormats), testing::Values(1, 7, tokens)),
    [](const auto &info) {
      return formatv("{0}_upto{1}", nameOf(std::get<0>(info.param)), std::get<1>(info.param)).str();
    });

INSTANTIATE_TEST_SUITE_P(
    Rows, WideExpertTest, testing::Combine(testing::Values(Format::Q8, Format::Q12), testing::Values(1, 7, tokens)),
    [](const auto &info) {
      return formatv("{0}_upto{1}", nameOf(std::get<0>(info.param)), std::get<1>(info.param)).str();
    });

} // namespace
