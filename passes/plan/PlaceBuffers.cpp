// gemma-place-buffers: offsets in the arena and in each thread's scratch.
#include "dialects/formats/Format.h"
#include "passes/plan/Barriers.h"
#include "passes/plan/Passes.h"
#include "passes/plan/Placement.h"

#include "llvm/ADT/MapVector.h"

namespace gemmac {
#define GEN_PASS_DEF_PLACEBUFFERS
#include "passes/plan/Passes.h.inc"

using namespace mlir;
using namespace gemma;

namespace {

constexpr int64_t pageBytes = 4096; // scratch of two threads never shares a page

/// First and last time at which a buffer is touched.
struct Span {
  int64_t first, last;
};

struct PlaceBuffers : impl::PlaceBuffersBase<PlaceBuffers> {
  using PlaceBuffersBase::PlaceBuffersBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    ProgramOp program = ProgramOp::of(module);
    if (!program)
      return signalPassFailure();
    int64_t arena = 0, scratch = 0;
    for (FunctionOp function : module.getOps<FunctionOp>()) {
      eraseUnused(function);
      function.setArenaBytes(placeScope(function, Scope::Shared));
      function.setScratchBytes(roundUp(placeScope(function, Scope::Private), pageBytes));
      arena = std::max<int64_t>(arena, *function.getArenaBytes());
      scratch = std::max<int64_t>(scratch, *function.getScratchBytes());
    }
    program.setArenaBytes(arena);
    program.setScratchBytes(scratch);
  }

private:
  void eraseUnused(FunctionOp function) {
    for (BufferOp buffer : llvm::make_early_inc_range(function.getBody().front().getOps<BufferOp>()))
      if (buffer->use_empty())
        buffer.erase();
  }

  /// Time is barrier epochs for shared buffers (threads run ahead of each other between barriers) and steps for private
  /// ones.
  llvm::MapVector<BufferOp, Span> spansOf(FunctionOp function, Scope scope) {
    llvm::MapVector<BufferOp, Span> spans;
    SmallVector<int64_t> times;
    for (auto [step, epoch] : stepsWithEpochs(function)) {
      auto time = scope == Scope::Shared ? epoch : static_cast<int64_t>(times.size());
      for (Value operand : step->getOperands()) {
        auto buffer = operand.getDefiningOp<BufferOp>();
        if (buffer && buffer.getScope() == scope)
          spans.insert({buffer, {time, time}}).first->second.last = time;
      }
      times.push_back(time);
    }
    for (auto [first, last] : stepsInBlocks(function))
      extendToBlocks({times[first], times[last]}, spans);
    if (scope == Scope::Shared)
      extendToCaller(function, times.empty() ? 0 : times.back(), spans);
    return spans;
  }

  /// What a block reads is there for the next one too, and what it writes stays while others are made.
  static void extendToBlocks(Span blocks, llvm::MapVector<BufferOp, Span> &spans) {
    for (auto &[buffer, span] : spans) {
      if (buffer.getBlock() || span.first > blocks.last || span.last < blocks.first)
        continue;
      span.first = std::min(span.first, blocks.first);
      span.last = std::max(span.last, blocks.last);
    }
  }

  /// Inputs are there before the first step, outputs are read after the last.
  static void extendToCaller(FunctionOp function, int64_t end, llvm::MapVector<BufferOp, Span> &spans) {
    for (InputOp input : function.getBody().getOps<InputOp>())
      spans.insert({input.getBuffer().getDefiningOp<BufferOp>(), {0, 0}}).first->second.first = 0;
    for (OutputOp output : function.getBody().getOps<OutputOp>())
      spans.insert({output.getBuffer().getDefiningOp<BufferOp>(), {end, end}}).first->second.last = end;
  }

  /// Sets the offsets of one scope's buffers and returns the bytes that they need.
  int64_t placeScope(FunctionOp function, Scope scope) {
    llvm::MapVector<BufferOp, Span> spans = spansOf(function, scope);
    SmallVector<Lifetime> blocks;
    for (auto &[buffer, span] : spans)
      blocks.push_back({buffer.getStorageBytes(), span.first, span.last});
    int64_t bytes = placeByLiveness(blocks, bufferAlign);
    for (auto [entry, block] : llvm::zip_equal(spans, blocks))
      entry.first.setOffset(block.offset);
    return bytes;
  }
};

} // namespace
} // namespace gemmac
