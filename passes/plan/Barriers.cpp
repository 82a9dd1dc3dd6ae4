// Barrier insertion and barrier epochs.
#include "passes/plan/Barriers.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

namespace {

/// What steps since the last barrier did to one buffer or cache.
struct Accesses {
  bool readByRows = false, readOtherwise = false;
  bool writtenByRows = false, writtenOtherwise = false;
};

/// One access of one step to memory that threads share.
struct Access {
  const void *memory; // the buffer's value or the cache's name
  bool write;
};

} // namespace

static SmallVector<Access> accessesOf(StepInterface step) {
  SmallVector<Access> accesses;
  auto add = [&](ValueRange buffers, bool write) {
    for (Value buffer : buffers)
      if (buffer.getDefiningOp<BufferOp>().getScope() == Scope::Shared)
        accesses.push_back({buffer.getAsOpaquePointer(), write});
  };
  add(step.getReads(), false);
  add(step.getWrites(), true);
  if (std::optional<CacheUse> use = step.getCacheUse(); use && use->access != CacheAccess::Shape)
    accesses.push_back({use->cache.getAsOpaquePointer(), use->access == CacheAccess::Write});
  return accesses;
}

static bool conflicts(const Accesses &before, bool write, bool byRows) {
  if (before.writtenOtherwise || (!byRows && before.writtenByRows))
    return true;
  return write && (before.readOtherwise || (!byRows && before.readByRows));
}

void insertBarriers(FunctionOp function) {
  if (function.getSerial())
    return;
  llvm::DenseMap<const void *, Accesses> sinceBarrier;
  bool stepSinceBarrier = false;
  auto insert = [&](Operation &before) {
    OpBuilder builder(&before);
    BarrierOp::create(builder, before.getLoc());
    sinceBarrier.clear();
    stepSinceBarrier = false;
  };
  for (Operation &op : function.getBody().front()) {
    if (isa<BlocksOp, EndBlocksOp>(op) && stepSinceBarrier)
      insert(op);
    auto step = dyn_cast<StepInterface>(op);
    if (!step)
      continue;
    bool byRows = step.dividesRows();
    SmallVector<Access> accesses = accessesOf(step);
    if (llvm::any_of(accesses, [&](Access access) {
          return conflicts(sinceBarrier.lookup(access.memory), access.write, byRows);
        }))
      insert(op);
    stepSinceBarrier = true;
    for (Access access : accesses) {
      Accesses &before = sinceBarrier[access.memory];
      (access.write ? (byRows ? before.writtenByRows : before.writtenOtherwise)
                    : (byRows ? before.readByRows : before.readOtherwise)) = true;
    }
  }
}

SmallVector<std::pair<int64_t, int64_t>> stepsInBlocks(FunctionOp function) {
  SmallVector<std::pair<int64_t, int64_t>> blocks;
  int64_t index = 0;
  for (Operation &op : function.getBody().front()) {
    if (isa<BlocksOp>(op))
      blocks.push_back({index, index});
    else if (isa<EndBlocksOp>(op))
      blocks.back().second = index - 1;
    index += isa<StepInterface>(op);
  }
  return blocks;
}

SmallVector<std::pair<Operation *, int64_t>> stepsWithEpochs(FunctionOp function) {
  SmallVector<std::pair<Operation *, int64_t>> steps;
  int64_t epoch = 0;
  for (Operation &op : function.getBody().front()) {
    if (isa<BarrierOp>(op))
      ++epoch;
    if (!isa<StepInterface>(op))
      continue;
    steps.push_back({&op, epoch});
    epoch += function.getSerial();
  }
  return steps;
}

} // namespace gemmac
