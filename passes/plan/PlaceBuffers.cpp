// gemma-place-buffers: offsets in the arena and in each thread's scratch.
#include "dialects/formats/Format.h"
#include "passes/plan/Barriers.h"
#include "passes/plan/Passes.h"
#include "passes/plan/Placement.h"

#include "mlir/IR/Builders.h"
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
    int64_t arena = 0, scratch = 0;
    for (PhaseOp phase : module.getOps<PhaseOp>()) {
      eraseUnused(phase);
      phase.setArenaBytes(placeScope(phase, Scope::Shared));
      phase.setScratchBytes(roundUp(placeScope(phase, Scope::Private), pageBytes));
      arena = std::max<int64_t>(arena, *phase.getArenaBytes());
      scratch = std::max<int64_t>(scratch, *phase.getScratchBytes());
    }
    Builder builder(module.getContext());
    module->setAttr("gemma.arena_bytes", builder.getI64IntegerAttr(arena));
    module->setAttr("gemma.scratch_bytes", builder.getI64IntegerAttr(scratch));
  }

private:
  void eraseUnused(PhaseOp phase) {
    for (BufferOp buffer : llvm::make_early_inc_range(phase.getBody().front().getOps<BufferOp>()))
      if (buffer->use_empty())
        buffer.erase();
  }

  /// Time is barrier epochs for shared buffers (threads run ahead of each other between barriers) and steps for private
  /// ones.
  llvm::MapVector<BufferOp, Span> spansOf(PhaseOp phase, Scope scope) {
    llvm::MapVector<BufferOp, Span> spans;
    int64_t index = 0, end = 0;
    for (auto [step, epoch] : stepsWithEpochs(phase)) {
      int64_t time = scope == Scope::Shared ? epoch : index;
      for (Value operand : step->getOperands()) {
        auto buffer = operand.getDefiningOp<BufferOp>();
        if (buffer && buffer.getScope() == scope)
          spans.insert({buffer, {time, time}}).first->second.last = time;
      }
      end = time;
      ++index;
    }
    for (auto &[buffer, span] : spans)
      if (buffer.getLabel() == "logits")
        span.last = end; // the runtime reads them after the call
    return spans;
  }

  /// Sets the offsets of one scope's buffers and returns the bytes that they need.
  int64_t placeScope(PhaseOp phase, Scope scope) {
    llvm::MapVector<BufferOp, Span> spans = spansOf(phase, scope);
    SmallVector<Lifetime> blocks;
    for (auto &[buffer, span] : spans)
      blocks.push_back({buffer.getType().getBytes(), span.first, span.last});
    int64_t bytes = placeByLiveness(blocks, bufferAlign);
    for (auto [entry, block] : llvm::zip_equal(spans, blocks))
      entry.first.setOffset(block.offset);
    return bytes;
  }
};

} // namespace
} // namespace gemmac
