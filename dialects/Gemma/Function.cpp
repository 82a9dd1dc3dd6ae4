// The rules of a whole function: who may touch which buffer when (a data race check), and whether buffers overlap in
// memory. One walk over the steps, then one sweep over the placed buffers.
#include "dialects/Gemma/GemmaDialect.h"

#include "gemmac/program.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;

namespace {

/// Steps that touched one shared buffer or cache since the last barrier, the latest of each kind.
struct Epoch {
  int64_t number = -1;
  Operation *readByRows = nullptr, *readOtherwise = nullptr;
  Operation *writtenByRows = nullptr, *writtenOtherwise = nullptr;
};

/// First and last time at which a buffer is touched: barrier epochs for shared ones, since threads run ahead of each
/// other between barriers, steps for private ones.
struct Lifetime {
  int64_t first, last;
};

class FunctionCheck {
public:
  explicit FunctionCheck(FunctionOp function) : function(function) {}
  LogicalResult run();

private:
  LogicalResult checkBuffer(BufferOp buffer);
  LogicalResult checkInput(InputOp input);
  LogicalResult checkOutput(OutputOp output);
  LogicalResult checkStep(StepInterface step);
  LogicalResult checkBlocks(Operation *op);
  LogicalResult beginBlocks(BlocksOp op);
  LogicalResult endBlocks(EndBlocksOp op);
  LogicalResult checkInBlocks(StepInterface step, BufferOp buffer);
  LogicalResult checkPrivate(StepInterface step, BufferOp buffer, bool write);
  LogicalResult checkRing(StepInterface step, BufferOp buffer, bool write);
  LogicalResult checkRace(StepInterface step, const void *memory, bool write, StringRef role);
  LogicalResult checkCaches(StepInterface step);
  LogicalResult checkPlacement(Scope scope, std::optional<int64_t> limit);
  void touch(BufferOp buffer);

  FunctionOp function;
  int64_t epoch = 0, index = 0;
  bool stepSinceBarrier = false;
  BlocksOp blocks; // null: outside of any
  int64_t blocksEpoch = 0, blocksIndex = 0;
  llvm::DenseMap<Operation *, Operation *> blocksOf; // by buffer
  llvm::DenseMap<Operation *, int64_t> ringWriters;  // their number, by buffer
  llvm::DenseMap<const void *, Epoch> epochs;        // by buffer value or cache name
  llvm::MapVector<BufferOp, Lifetime> lifetimes;
  llvm::DenseSet<Operation *> written, ownBuffers;
  llvm::DenseSet<StringAttr> inputs, outputs; // names
};

} // namespace

static std::string nameOf(BufferOp buffer) {
  return buffer.getLabel() ? ("buffer '" + *buffer.getLabel() + "'").str() : std::string("buffer");
}

LogicalResult FunctionCheck::run() {
  for (Operation &op : function.getBody().front()) {
    if (auto buffer = dyn_cast<BufferOp>(op)) {
      if (failed(checkBuffer(buffer)))
        return failure();
    } else if (auto input = dyn_cast<InputOp>(op)) {
      if (failed(checkInput(input)))
        return failure();
    } else if (auto output = dyn_cast<OutputOp>(op)) {
      if (failed(checkOutput(output)))
        return failure();
    } else if (isa<BarrierOp>(op)) {
      ++epoch;
      stepSinceBarrier = false;
    } else if (isa<BlocksOp, EndBlocksOp>(op)) {
      if (failed(checkBlocks(&op)))
        return failure();
    } else if (auto step = dyn_cast<StepInterface>(op)) {
      if (failed(checkStep(step)))
        return failure();
      stepSinceBarrier = !function.getSerial();
      ++index;
      epoch += function.getSerial();
    } else if (!isa<MarkOp>(op)) { // function_c1
      return op.emitOpError()
             << "is not allowed in a gemma.function, which expects gemma.buffer, gemma.input, gemma.output, "
                "gemma.barrier, gemma.blocks, gemma.end_blocks, gemma.mark and steps";
    }
  }
  if (blocks) // function_c9
    return blocks.emitOpError("expects a gemma.end_blocks behind it");
  for (OutputOp output : function.getBody().getOps<OutputOp>())
    lifetimes.find(output.getBuffer().getDefiningOp<BufferOp>())->second.last = epoch;
  if (failed(checkPlacement(Scope::Shared, function.getArenaBytes())))
    return failure();
  return checkPlacement(Scope::Private, function.getScratchBytes());
}

LogicalResult FunctionCheck::checkBuffer(BufferOp buffer) {
  int64_t rows = buffer.getResult().getType().getRows(), maxRows = function.getMaxRows();
  if (rows < maxRows) // function_c7
    return buffer.emitOpError() << "expects at least " << maxRows << " rows (max_rows of the function), got " << rows;
  return success();
}

LogicalResult FunctionCheck::checkInput(InputOp input) {
  if (index > 0) // function_c8
    return input.emitOpError("expects to stand before all steps: the caller writes it before the call");
  if (!inputs.insert(input.getNameAttr()).second) // function_c8
    return input.emitOpError() << "expects a name of its own, got a second input '" << input.getName() << "'";
  auto buffer = input.getBuffer().getDefiningOp<BufferOp>();
  if (buffer.getBlock()) // function_c10
    return input.emitOpError() << "gives " << nameOf(buffer) << ", which has room for a block alone";
  written.insert(buffer);
  touch(buffer);
  return success();
}

LogicalResult FunctionCheck::checkOutput(OutputOp output) {
  if (!outputs.insert(output.getNameAttr()).second) // function_c8
    return output.emitOpError() << "expects a name of its own, got a second output '" << output.getName() << "'";
  auto buffer = output.getBuffer().getDefiningOp<BufferOp>();
  if (buffer.getBlock()) // function_c10
    return output.emitOpError() << "gives " << nameOf(buffer) << ", which has room for a block alone";
  if (!written.contains(buffer)) // function_c6
    return output.emitOpError() << "gives " << nameOf(buffer) << ", which no step has written";
  touch(buffer);
  return success();
}

void FunctionCheck::touch(BufferOp buffer) {
  int64_t now = buffer.getScope() == Scope::Shared ? epoch : index;
  lifetimes.insert({buffer, {now, now}}).first->second.last = now;
}

LogicalResult FunctionCheck::checkBlocks(Operation *op) {
  if (stepSinceBarrier) // function_c9
    return op->emitOpError("expects a gemma.barrier between the step before and itself: threads do a block together");
  if (auto begin = dyn_cast<BlocksOp>(op))
    return beginBlocks(begin);
  return endBlocks(cast<EndBlocksOp>(op));
}

LogicalResult FunctionCheck::beginBlocks(BlocksOp op) {
  if (blocks) { // function_c9
    InFlightDiagnostic error = op.emitOpError("expects a gemma.end_blocks before it");
    error.attachNote(blocks.getLoc()) << "the blocks before";
    return error;
  }
  blocks = op;
  blocksEpoch = epoch;
  blocksIndex = index;
  return success();
}

/// What a later block reads must not be overwritten by an earlier one, nor what is read behind the blocks by any.
LogicalResult FunctionCheck::endBlocks(EndBlocksOp op) {
  if (!blocks) // function_c9
    return op.emitOpError("expects a gemma.blocks before it");
  for (auto &[buffer, life] : lifetimes) {
    bool isShared = buffer.getScope() == Scope::Shared;
    int64_t begin = isShared ? blocksEpoch : blocksIndex, end = isShared ? epoch - 1 : index - 1;
    if (buffer.getBlock() || life.last < begin)
      continue;
    life.first = std::min(life.first, begin);
    life.last = std::max(life.last, end);
  }
  blocks = {};
  return success();
}

LogicalResult FunctionCheck::checkInBlocks(StepInterface step, BufferOp buffer) {
  if (!buffer.getBlock())
    return success();
  Operation *&own = blocksOf.insert({buffer, blocks}).first->second;
  if (blocks && own == blocks && *buffer.getBlock() == blocks.getRows())
    return success();
  return step->emitOpError() << "touches " << nameOf(buffer) << " with room for a block of " // function_c10
                             << *buffer.getBlock() << " rows: expects to stand in a gemma.blocks of so many rows, the "
                             << "only one to touch it";
}

LogicalResult FunctionCheck::checkStep(StepInterface step) {
  if (blocks && !step.isRowWise()) // function_c9
    return step->emitOpError("stands between gemma.blocks and gemma.end_blocks, which expect steps whose rows depend "
                             "on nothing but the same rows");
  SmallVector<Value> reads = step.getReads(), writes = step.getWrites();
  for (auto [values, write] : {std::pair(&reads, false), std::pair(&writes, true)}) {
    for (Value value : *values) {
      auto buffer = value.getDefiningOp<BufferOp>(); // function_c1 and IsolatedFromAbove leave nothing else
      if (failed(checkInBlocks(step, buffer)))
        return failure();
      if (buffer.getScope() == Scope::Private
              ? failed(checkPrivate(step, buffer, write))
              : failed(checkRace(step, value.getAsOpaquePointer(), write, nameOf(buffer))))
        return failure();
      if (!write && !written.contains(buffer)) // function_c6
        return step->emitOpError() << "reads " << nameOf(buffer) << ", which no step has written";
      touch(buffer);
    }
  }
  for (Value value : writes) {
    auto buffer = value.getDefiningOp<BufferOp>();
    written.insert(buffer);
    if (buffer.getScope() == Scope::Private)
      continue;
    if (step.isReplicated()) // function_c3
      return step->emitOpError() << "is replicated and writes the shared " << nameOf(buffer)
                                 << ": expects a private one, or rows divided among threads";
    if (!step.dividesRows() && !step.updatesInPlace() && llvm::is_contained(reads, value)) // function_c2
      return step->emitOpError()
             << "expects to write another shared buffer than it reads: threads read rows that others write";
  }
  return checkCaches(step);
}

LogicalResult FunctionCheck::checkRing(StepInterface step, BufferOp buffer, bool write) {
  auto writer = ringWriters.find(buffer);
  bool isNext = write ? writer == ringWriters.end() : writer != ringWriters.end() && writer->second == index - 1;
  if (!isa<Conv2dStep>(step) || !isNext) // function_c11
    return step->emitOpError() << (write ? "writes " : "reads ") << nameOf(buffer)
                               << ", a ring: expects one gemma.step.conv2d to write it and the step behind to read it, "
                                  "another one";
  if (write)
    ringWriters[buffer] = index;
  return success();
}

LogicalResult FunctionCheck::checkPrivate(StepInterface step, BufferOp buffer, bool write) {
  if (buffer.getRing())
    return checkRing(step, buffer, write);
  if (step.dividesRows()) // function_c3
    return step->emitOpError() << "divides rows among threads and touches the private " << nameOf(buffer)
                               << ": expects `replicated`, or a shared buffer";
  if (write && step.getOwnBuffer() == buffer.getResult()) {
    if (written.contains(buffer) && !ownBuffers.contains(buffer)) // function_c3
      return step->emitOpError() << "keeps what each thread works on in " << nameOf(buffer)
                                 << ", which another step wrote: expects one that only such steps touch";
    ownBuffers.insert(buffer);
    return success();
  }
  if (ownBuffers.contains(buffer)) // function_c3
    return step->emitOpError() << "touches " << nameOf(buffer)
                               << ", in which another step keeps what each thread works on alone";
  if (write && !step.isReplicated()) // function_c3
    return step->emitOpError() << "divides its work among threads and writes the private " << nameOf(buffer)
                               << ": expects a shared one";
  return success();
}

/// Steps that divide rows do it alike, so they never meet in one row; all others may.
LogicalResult FunctionCheck::checkRace(StepInterface step, const void *memory, bool write, StringRef role) {
  Epoch &state = epochs[memory];
  if (state.number != epoch)
    state = Epoch{.number = epoch};
  bool byRows = step.dividesRows();
  auto other = [&](Operation *candidate) { return candidate && candidate != step.getOperation(); };
  Operation *rival = nullptr;
  bool rivalWrites = true;
  if (other(state.writtenOtherwise))
    rival = state.writtenOtherwise;
  else if (!byRows && other(state.writtenByRows))
    rival = state.writtenByRows;
  else if (write && other(state.readOtherwise))
    rival = state.readOtherwise, rivalWrites = false;
  else if (write && !byRows && other(state.readByRows))
    rival = state.readByRows, rivalWrites = false;
  if (rival) { // function_c2, function_c5
    InFlightDiagnostic error = step->emitOpError()
                               << (write ? "writes " : "reads ") << role << " in the same epoch as a step that "
                               << (rivalWrites ? "writes" : "reads") << " it: expects a gemma.barrier between them";
    error.attachNote(rival->getLoc()) << "the other step";
    return error;
  }
  (write ? (byRows ? state.writtenByRows : state.writtenOtherwise)
         : (byRows ? state.readByRows : state.readOtherwise)) = step;
  return success();
}

LogicalResult FunctionCheck::checkCaches(StepInterface step) {
  std::optional<CacheUse> use = step.getCacheUse();
  if (!use || use->access == CacheAccess::Shape)
    return success();
  return checkRace(step, use->cache.getAsOpaquePointer(), use->access == CacheAccess::Write,
                   ("cache @" + use->cache.getValue()).str()); // function_c5
}

LogicalResult FunctionCheck::checkPlacement(Scope scope, std::optional<int64_t> limit) {
  struct Placed {
    int64_t offset, end;
    Lifetime life;
    BufferOp buffer;
  };
  SmallVector<Placed> placed;
  for (auto [buffer, life] : lifetimes) {
    if (buffer.getScope() != scope)
      continue;
    std::optional<int64_t> offset = buffer.getOffset();
    if (!offset && limit) // function_c4
      return buffer.emitOpError() << "expects an offset: the function has "
                                  << (scope == Scope::Shared ? "arena" : "scratch") << "_bytes";
    if (!offset)
      continue;
    int64_t end = *offset + buffer.getStorageBytes();
    if (limit && end > *limit) // function_c4
      return buffer.emitOpError() << "expects to end within the function's " << *limit << " bytes, got " << end;
    placed.push_back({*offset, end, life, buffer});
  }
  llvm::sort(placed, [](const Placed &a, const Placed &b) { return a.offset < b.offset; });
  for (auto [i, a] : llvm::enumerate(placed))
    for (size_t j = i + 1; j < placed.size() && placed[j].offset < a.end; ++j) {
      const Placed &b = placed[j];
      if (a.life.first > b.life.last || b.life.first > a.life.last)
        continue;
      InFlightDiagnostic error = b.buffer->emitOpError() // function_c4
                                 << "at " << b.offset << " overlaps " << nameOf(a.buffer) << " at " << a.offset
                                 << " .. " << a.end << ", which lives at the same time";
      error.attachNote(a.buffer.getLoc()) << "the other buffer";
      return error;
    }
  return success();
}

LogicalResult FunctionOp::verifyRegions() { return FunctionCheck(*this).run(); }

int64_t FunctionOp::countBarriers() {
  int64_t count = 0, times = 1;
  for (Operation &op : getBody().front()) {
    if (auto blocks = dyn_cast<BlocksOp>(op))
      times = llvm::divideCeil(getMaxRows(), blocks.getRows());
    else if (isa<EndBlocksOp>(op))
      times = 1;
    count += isa<BarrierOp>(op) ? times : 0;
  }
  return count;
}

bool FunctionOp::isEncoder() {
  return getSymName().starts_with(GEMMAC_ENCODE_IMAGE) || getSymName() == GEMMAC_ENCODE_AUDIO;
}

bool FunctionOp::isForText() {
  return llvm::is_contained({GEMMAC_DECODE, GEMMAC_VERIFY, GEMMAC_PREFILL}, getSymName());
}
