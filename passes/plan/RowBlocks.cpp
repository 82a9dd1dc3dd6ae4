// Runs of row-wise steps in blocks of rows.
#include "passes/plan/RowBlocks.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

namespace {

/// Row-wise steps that follow each other.
class Run {
public:
  void add(StepInterface step) { steps.push_back(step); }

  /// Encloses its parts, where that saves memory; empties it.
  void close(int64_t maxRows, int64_t mostRows) {
    for (const Part &part : parts()) {
      int64_t blocks = llvm::divideCeil(maxRows * multipliedPerRow(part), mostRows);
      if (blocks > 1)
        enclose(part, static_cast<int64_t>(llvm::divideCeil(maxRows, blocks)));
    }
    steps.clear();
  }

private:
  /// Steps [first, last], and the buffers that nothing else touches.
  struct Part {
    size_t first, last;
    SmallVector<BufferOp> own;
  };
  SmallVector<StepInterface> steps;

  /// As short as can be: what all rows must be there for, before a part or behind it, shares memory with what is in it.
  SmallVector<Part> parts() {
    SmallVector<Part> parts;
    for (auto &[buffer, span] : ownBuffers())
      parts.push_back({span.first, span.second, {buffer}});
    llvm::stable_sort(parts, [](const Part &a, const Part &b) { return a.first < b.first; });
    SmallVector<Part> merged;
    for (const Part &part : parts) {
      if (merged.empty() || merged.back().last < part.first) {
        merged.push_back(part);
        continue;
      }
      merged.back().last = std::max(merged.back().last, part.last);
      merged.back().own.append(part.own);
    }
    return merged;
  }

  /// Buffers that no other step touches, nor the caller, with the first and the last step that does.
  llvm::MapVector<BufferOp, std::pair<size_t, size_t>> ownBuffers() {
    llvm::SmallPtrSet<Operation *, 16> inside;
    for (StepInterface step : steps)
      inside.insert(step);
    llvm::MapVector<BufferOp, std::pair<size_t, size_t>> own;
    for (auto [index, step] : llvm::enumerate(steps))
      for (Value operand : step->getOperands())
        if (llvm::all_of(operand.getUsers(), [&](Operation *user) { return inside.contains(user); }))
          own.insert({operand.getDefiningOp<BufferOp>(), {index, index}}).first->second.second = index;
    return own;
  }

  /// Rows for each row of the call that are multiplied with one matrix. Those of an expert are few.
  int64_t multipliedPerRow(const Part &part) {
    int64_t most = 0;
    for (size_t index = part.first; index <= part.last; ++index)
      for (const WeightUse &use : steps[index].getWeightUses())
        if (use.input && !use.picks)
          most = std::max(most, use.input.getDefiningOp<BufferOp>().getRowsPerRow());
    return most;
  }

  void enclose(const Part &part, int64_t rows) {
    for (BufferOp buffer : part.own)
      buffer.setBlock(rows);
    OpBuilder builder(steps[part.first]);
    BlocksOp::create(builder, steps[part.first].getLoc(), rows);
    builder.setInsertionPointAfter(steps[part.last]);
    EndBlocksOp::create(builder, steps[part.last].getLoc());
  }
};

} // namespace

void divideIntoBlocks(FunctionOp function, int64_t mostRows) {
  if (function.getSerial())
    return;
  auto maxRows = static_cast<int64_t>(function.getMaxRows());
  Run run;
  for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
    auto step = dyn_cast<StepInterface>(op);
    if (step && step.isRowWise())
      run.add(step);
    else if (step)
      run.close(maxRows, mostRows);
  }
  run.close(maxRows, mostRows);
}

} // namespace gemmac
