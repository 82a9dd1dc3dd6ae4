#include "targets/cpu/StackModel.h"

#include "targets/cpu/kernels/CacheRows.h"
#include "targets/cpu/kernels/RowTile.h"
#include "targets/cpu/kernels/WordAttention.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;
/// Frames of calls, what little the other kernels keep, and the C library's own.
static constexpr int64_t frames = 24 << 10;

/// Of the products of `rows` rows with one matrix: sums at their levels, blocks of unpacked panels, and what sorts rows
/// by the matrices that they picked.
static int64_t productStack(const IsaLevel &level, const PackedShape &weight, const gemma::WeightUse &use,
                            int64_t rows) {
  int64_t places = SliceSums::levels({weight.cols / groupColumns}) + 1; // and zeros
  int64_t streams = 2 * level.panelStreams, tile = rows > 1 ? level.rowTile : 1;
  int64_t sums = level.tileSums && rows > 1 ? 4 * level.tileSums : streams * tile;
  int64_t bytes = 2 * places * sums * vecBytes;
  if (rows > mostPackedRows) {
    int64_t tileRows = std::max({level.byteTile.rows, level.wordTile.rows, level.floatTile.rows});
    bytes += level.unpackedPanels * UnpackedBlock(level, weight).bytes() + 2 * places * (rows + tileRows) * vecBytes;
  }
  if (!use.picks)
    return bytes;
  int64_t picked = rows * use.entries;
  return bytes + weight.batch * 8 + picked * (8 + level.panelStreams * vecBytes);
}

/// Of attention: queries as the cache wants them, scores, sums and six statistics of a tile's pairs, and a row of the
/// result.
static int64_t attentionStack(const IsaLevel &level, const CacheShape &cache, int64_t heads) {
  return TileMemory(level, cache, heads / cache.heads).stackBytes() + heads * cache.padded * 4 + heads * 8;
}

/// Of attention of all rows to all.
static int64_t encoderStack(const IsaLevel &level, gemma::EncoderAttentionStep step) {
  int64_t headDim = step.getHeadDim();
  if (step.isInWords())
    return WordAttention::tileMemory(level, step.getHeads() / step.getKvHeads(), headDim).stackBytes();
  return attentionStack(level, CacheShape(step.getKvHeads(), headDim), step.getHeads());
}

/// Of relative attention: a query and a score for each row that may be seen.
static int64_t relativeAttentionStack(gemma::RelativeAttentionStep step) {
  int64_t slots = static_cast<int64_t>(step.getPast() + step.getFuture()), headDim = step.getHeadDim();
  return (roundUp(slots, panelRows) + roundUp(headDim, panelRows)) * 4;
}

static int64_t widestRow(gemma::StepInterface step) {
  int64_t width = 0;
  for (Value buffer : step.getReads())
    width = std::max(width, cast<gemma::BufferType>(buffer.getType()).getWidth());
  return width;
}

/// Rows that a product of `input` works on at once; of picks, `entries` belong to each.
static int64_t productRows(gemma::BufferType input, const gemma::WeightUse &use, int64_t callRows) {
  return use.picks ? callRows : std::min(input.getRows(), mostBlockRows);
}

/// \param rows  of the call that it does at once.
static int64_t stepStack(gemma::StepInterface step, const SymbolTable &symbols, const IsaLevel &level, int64_t rows) {
  if (auto encoder = dyn_cast<gemma::EncoderAttentionStep>(*step))
    return encoderStack(level, encoder);
  int64_t bytes = 0;
  for (const gemma::WeightUse &use : step.getWeightUses()) {
    auto packed = symbols.lookup<gemma::PackedOp>(use.weight.getValue());
    if (packed.getLayout() != Layout::Panels || !use.input)
      continue;
    auto input = cast<gemma::BufferType>(use.input.getType());
    bytes = std::max(bytes, productStack(level, PackedShape(packed, input), use, productRows(input, use, rows)));
  }
  if (auto encoder = dyn_cast<gemma::EncoderQkvStep>(*step))
    return bytes + 4 * paddedHeadDim(encoder.getHeadDim()) * 4;
  if (std::optional<gemma::CacheUse> use = step.getCacheUse()) {
    CacheShape cache(symbols.lookup<gemma::KvCacheOp>(use->cache.getValue()));
    bytes += bytes ? 4 * cache.padded * 4 : attentionStack(level, cache, widestRow(step) / cache.padded);
  }
  if (auto attention = dyn_cast<gemma::RelativeAttentionStep>(step.getOperation()))
    return relativeAttentionStack(attention);
  return bytes ? bytes : widestRow(step) * 4; // of scores, or as it was before it is rounded
}

static int64_t functionStack(gemma::FunctionOp function, const SymbolTable &symbols, const IsaLevel &level) {
  auto maxRows = static_cast<int64_t>(function.getMaxRows()), rows = maxRows;
  int64_t most = 0;
  for (Operation &op : function.getBody().front()) {
    if (auto blocks = dyn_cast<gemma::BlocksOp>(op))
      rows = static_cast<int64_t>(blocks.getRows());
    else if (isa<gemma::EndBlocksOp>(op))
      rows = maxRows;
    else if (auto step = dyn_cast<gemma::StepInterface>(op))
      most = std::max(most, stepStack(step, symbols, level, rows));
  }
  return most;
}

StackBytes stackBound(ModuleOp planned, const IsaLevel &level) {
  SymbolTable symbols(planned);
  StackBytes most;
  for (auto function : planned.getOps<gemma::FunctionOp>()) {
    int64_t bytes = functionStack(function, symbols, level);
    most.all = std::max(most.all, bytes);
    if (function.isForText())
      most.text = std::max(most.text, bytes);
  }
  return {most.text + frames, most.all + frames};
}

static int64_t chainOf(func::FuncOp function, const SymbolTable &symbols) {
  int64_t own = 0, called = 0;
  function.walk([&](Operation *op) {
    APInt bytes;
    if (auto place = dyn_cast<LLVM::AllocaOp>(op); place && matchPattern(place.getArraySize(), m_ConstantInt(&bytes)))
      own += bytes.getSExtValue();
    else if (auto call = dyn_cast<func::CallOp>(op))
      called = std::max(called, chainOf(symbols.lookup<func::FuncOp>(call.getCallee()), symbols));
  });
  return own + called;
}

int64_t stackTaken(ModuleOp level) {
  SymbolTable symbols(level);
  int64_t most = 0;
  for (auto function : level.getOps<func::FuncOp>())
    most = std::max(most, chainOf(function, symbols));
  return most;
}

} // namespace gemmac
