// insertBarriers and gemma-place-buffers on random functions, checked pair by pair and without the code under test: no
// two steps between barriers conflict, no barrier is idle, no two live buffers overlap, little memory is wasted. The
// dialect's own verifier (function_c2 to c4) must agree.
#include "passes/plan/Barriers.h"
#include "passes/plan/PackedWeights.h"
#include "passes/plan/Passes.h"
#include "passes/plan/Schedule.h"
#include "passes/plan/StepEmitter.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

#include <random>

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;

namespace {

/// A module with square-ish weights and one function of random steps on them; every fourth is serial.
class RandomFunction {
public:
  RandomFunction(MLIRContext &context, unsigned seed)
      : random(seed), builder(&context), module(ModuleOp::create(builder.getUnknownLoc())) {
    for (int64_t width : widths)
      for (int64_t cols : widths)
        addWeight(rowsBy(width, cols), {width, cols});
    for (int64_t width : widths)
      addWeight(vectorOf(width), {width});
    int64_t maxRows = random() % 2 ? 1 : 1 + random() % 16;
    builder.setInsertionPointToEnd(module->getBody());
    const PlanModel model{.spmd = seed % 4 != 3};
    const Schedule schedule(model, maxRows);
    ProgramOp::create(builder, builder.getUnknownLoc(), /*context=*/1, /*slots=*/1, /*slotBytes=*/0);
    function = FunctionOp::create(builder, builder.getUnknownLoc(), "p", maxRows, schedule.isSerial());
    PackedWeights packed(*module, model);
    StepEmitter steps(function, schedule, /*wideFrom=*/9);
    for (int64_t i = 0, count = 1 + random() % 120; i < count; ++i)
      addStep(steps, packed);
    EXPECT_FALSE(packed.failed());
  }

  ModuleOp getModule() { return *module; }
  FunctionOp getFunction() { return function; }

private:
  static constexpr int64_t widths[] = {32, 64, 160, 512, 1024};

  static std::string rowsBy(int64_t rows, int64_t cols) {
    return "w" + std::to_string(rows) + "x" + std::to_string(cols);
  }
  static std::string vectorOf(int64_t width) { return "n" + std::to_string(width); }
  FlatSymbolRefAttr name(std::string text) { return FlatSymbolRefAttr::get(builder.getContext(), text); }

  void addWeight(std::string name, ArrayRef<int64_t> shape) {
    builder.setInsertionPointToEnd(module->getBody());
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    auto source = SourceAttr::get(builder.getContext(), builder.getStringAttr("f"), 0, type.getNumElements() * 4);
    WeightOp::create(builder, builder.getUnknownLoc(), builder.getStringAttr(name), TypeAttr::get(type), source,
                     ArrayAttr(), EncodingAttr(), ScalesAttr(), FormatAttr::get(builder.getContext(), Format::F32),
                     FloatAttr(), FloatAttr(), FloatAttr(), DenseF64ArrayAttr(), DenseF64ArrayAttr(), UnitAttr(),
                     IntegerAttr(), IntegerAttr());
  }

  Value pick() { // mostly of the last ones, so that older buffers die
    size_t back = random() % (random() % 6 == 0 ? made.size() : std::min<size_t>(made.size(), 3));
    return made[made.size() - 1 - back];
  }

  void addStep(StepEmitter &steps, PackedWeights &packed) {
    FloatAttr eps = builder.getF64FloatAttr(0.5);
    int64_t width = widths[random() % std::size(widths)];
    if (made.empty() || random() % 12 == 0) {
      Value table = steps.rowBuffer(width);
      auto rope =
          RopeAttr::get(builder.getContext(), builder.getF64FloatAttr(1e4), width / 2, builder.getF64FloatAttr(1));
      RopeTableStep::create(steps.getBuilder(), steps.getLocation(), table, builder.getI64IntegerAttr(width), rope,
                            steps.replicated());
      made.push_back(table);
      return;
    }
    Value input = pick();
    int64_t inputWidth = typeOf(input).getWidth();
    PackedOp norm = packed.vector(function, name(vectorOf(inputWidth)));
    switch (random() % 4) {
    case 0:
      steps.norm(input, norm, Format::Q8, eps, inputWidth); // read by nobody
      return;
    case 1:
      made.push_back(steps.norm(input, norm, Format::F32, eps, inputWidth));
      return;
    case 2: {
      PackedOp weight = packed.matrix(function, name(rowsBy(width, inputWidth)), wholeAxis(builder.getContext(), width),
                                      wholeAxis(builder.getContext(), inputWidth));
      made.push_back(steps.matmul(input, weight));
      return;
    }
    default: { // in place, if some stream of that width and of the row steps' scope is there
      for (Value stream : llvm::reverse(made))
        if (stream != input && stream.getType() == input.getType() && rowWritable(stream))
          return steps.addNorm(stream, input, stream, norm, {}, eps, inputWidth);
      return;
    }
    }
  }

  /// Row steps of one row are replicated, where steps are not serial, and may write private buffers only.
  bool rowWritable(Value buffer) {
    return function.getSerial() || function.getMaxRows() != 1 ||
           buffer.getDefiningOp<BufferOp>().getScope() == Scope::Private;
  }

  std::mt19937 random;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  FunctionOp function;
  SmallVector<Value> made; // f32 buffers that hold something
};

using Steps = SmallVector<std::pair<StepInterface, int64_t>>; // with epochs

Steps stepsOf(FunctionOp function) {
  Steps steps;
  int64_t epoch = 0;
  for (Operation &op : function.getBody().front())
    if (isa<BarrierOp>(op))
      ++epoch;
    else if (auto step = dyn_cast<StepInterface>(op))
      steps.push_back({step, function.getSerial() ? epoch++ : epoch});
  return steps;
}

/// Whether two threads, one at `a` and one at `b`, could disturb each other.
bool conflict(StepInterface a, StepInterface b) {
  if (a.dividesRows() && b.dividesRows())
    return false;
  auto meets = [](SmallVector<Value> some, SmallVector<Value> others) {
    return llvm::any_of(some, [&](Value value) {
      return value.getDefiningOp<BufferOp>().getScope() == Scope::Shared && llvm::is_contained(others, value);
    });
  };
  return meets(a.getWrites(), b.getReads()) || meets(a.getWrites(), b.getWrites()) ||
         meets(a.getReads(), b.getWrites());
}

class Functions : public testing::TestWithParam<unsigned> {
protected:
  void SetUp() override {
    context.loadDialect<GemmaDialect, func::FuncDialect>();
    random = std::make_unique<RandomFunction>(context, GetParam());
  }

  MLIRContext context;
  std::unique_ptr<RandomFunction> random;
};

TEST_P(Functions, barriersAreEnoughAndNoneIsIdle) {
  FunctionOp function = random->getFunction();
  insertBarriers(function);
  if (function.getSerial()) {
    EXPECT_TRUE(function.getBody().getOps<BarrierOp>().empty());
    EXPECT_TRUE(succeeded(verify(random->getModule())));
    return;
  }
  Steps steps = stepsOf(function);
  EXPECT_EQ(steps.back().second, function.countBarriers());
  for (size_t j = 0; j < steps.size(); ++j) {
    bool opensEpoch = j > 0 && steps[j - 1].second < steps[j].second;
    bool conflictsBefore = false;
    for (size_t i = 0; i < j; ++i) {
      bool disturbed = conflict(steps[i].first, steps[j].first);
      EXPECT_FALSE(disturbed && steps[i].second == steps[j].second) << "steps " << i << " and " << j;
      conflictsBefore |= disturbed && steps[i].second + 1 == steps[j].second;
    }
    EXPECT_TRUE(!opensEpoch || conflictsBefore) << "idle barrier before step " << j;
  }
  EXPECT_TRUE(succeeded(verify(random->getModule())));
}

TEST_P(Functions, liveBuffersNeverOverlap) {
  FunctionOp function = random->getFunction();
  insertBarriers(function);
  PassManager manager(&context);
  manager.addPass(createPlaceBuffers());
  ASSERT_TRUE(succeeded(manager.run(random->getModule())));

  struct Live {
    BufferOp buffer;
    int64_t first, last;
  };
  Steps steps = stepsOf(function);
  for (Scope scope : {Scope::Shared, Scope::Private}) {
    SmallVector<Live> live;
    for (BufferOp buffer : function.getBody().front().getOps<BufferOp>()) {
      if (buffer.getScope() != scope)
        continue;
      Live entry{buffer, -1, -1};
      for (auto [index, step] : llvm::enumerate(steps))
        if (llvm::is_contained(step.first->getOperands(), buffer.getResult())) {
          int64_t time = scope == Scope::Shared ? step.second : index;
          entry.first = entry.first < 0 ? time : entry.first;
          entry.last = time;
        }
      live.push_back(entry);
    }
    int64_t bytes = scope == Scope::Shared ? *function.getArenaBytes() : *function.getScratchBytes(), peak = 0;
    for (Live &a : live) {
      int64_t begin = *a.buffer.getOffset(), end = begin + a.buffer.getType().getBytes(), alive = 0;
      EXPECT_LE(end, bytes);
      for (Live &b : live) {
        int64_t otherBegin = *b.buffer.getOffset(), otherEnd = otherBegin + b.buffer.getType().getBytes();
        bool meet = a.first <= b.last && b.first <= a.last;
        EXPECT_TRUE(a.buffer == b.buffer || !meet || end <= otherBegin || otherEnd <= begin);
        alive += b.first <= a.first && a.first <= b.last ? b.buffer.getType().getBytes() : 0;
      }
      peak = std::max(peak, alive);
    }
    // Measured: 1.29 at worst, in a function with few buffers. Scratch is rounded up to a page.
    EXPECT_LE(bytes, peak * 13 / 10 + (scope == Scope::Private ? 4096 : 0)) << "peak " << peak;
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Functions, testing::Range(0u, 200u));

} // namespace
