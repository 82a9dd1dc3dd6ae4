// How steps become code. Beside the kernel of a step stands what calls it:
//
//   LogicalResult lower(gemma::EmbedStep step, StepLowering &lowering)
#ifndef GEMMAC_TARGETS_CPU_KERNELS_STEPLOWERING_H
#define GEMMAC_TARGETS_CPU_KERNELS_STEPLOWERING_H

#include "dialects/Gemma/StepList.h"
#include "targets/cpu/kernels/Kernels.h"

namespace gemmac {

class StepLowering;

/// Declares lower() of a step; calls find it because StepLowering derives from this for every step of the dialect.
/// The linker names a step that no file lowers.
template <typename Step> struct Lowers {
  friend mlir::LogicalResult lower(Step step, StepLowering &lowering);
};
template <typename... Steps> struct LowersAll : Lowers<Steps>... {};

/// Emits what stands in one function of one level: addresses, shares of threads, calls of kernels.
class StepLowering : public gemma::OfAllSteps<LowersAll> {
public:
  using Value = mlir::Value;
  using Range = std::pair<Value, Value>;

  /// What the plan stage says of a program as a whole.
  struct ProgramBytes {
    int64_t scratch;  ///< from the scratch of one thread to that of the next
    int64_t tableRow; ///< from the table rows of one row of the call to those of the next
  };

  /// \param call, thread  the arguments of the function, in which `b` stands.
  StepLowering(ProgramBytes bytes, gemma::FunctionOp function, KernelLibrary &kernels, KernelBuilder &b,
               const mlir::SymbolTable &symbols, Value call, Value thread);

  KernelBuilder &b;
  KernelLibrary &kernels;
  Value thread, threads; ///< number of this thread, number of threads
  Value rowsAt, rows;    ///< the call's gemmac_row and how many, or those of a block
  Value runsAt, runs;    ///< its gemmac_run and how many
  Value cacheBase;       ///< first byte of all caches

  /// Emits `body` once, in a loop over all blocks of `blockRows` rows of the call. What is asked meanwhile is of the
  /// rows of a block.
  void inBlocks(int64_t blockRows, llvm::function_ref<void()> body);
  /// Most rows of a call of this function, or of a block.
  int64_t maxRows() const { return mostRows; }
  /// The rows of `buffer` in this call, or block: for each row of the call as many as for each of the function.
  Value rowsOf(Value buffer) { return b.mul(rows, perRow(buffer)); }
  int64_t maxRowsOf(Value buffer) { return mostRows * perRow(buffer); }
  int64_t tableRowBytes() const { return bytes.tableRow; }

  // ---- where things lie
  /// The first row of `buffer` that this call has, or this block.
  Value pointer(Value buffer);
  /// The first row of `buffer` that this call has, in a block too; and how many others lie before those of the block.
  Value wholePointer(Value buffer);
  Value rowsBefore(Value buffer) { return blockFirst ? b.mul(blockFirst, perRow(buffer)) : b.i64(0); }
  gemma::PackedOp packed(llvm::StringRef name) { return symbols.lookup<gemma::PackedOp>(name); }
  Value weight(llvm::StringRef name) { return b.at(data, static_cast<int64_t>(*packed(name).getOffset())); }
  /// Where a kernel finds the rows of a table: panels are mapped, tables read by row were read for the call's tokens.
  Value table(llvm::StringRef name);
  gemma::KvCacheOp cache(llvm::StringRef name) { return symbols.lookup<gemma::KvCacheOp>(name); }
  Value cachePointer(llvm::StringRef name) { return b.at(cacheBase, static_cast<int64_t>(*cache(name).getOffset())); }

  // ---- who does what
  /// This thread's part of `count` tiles.
  Range share(Value count);
  /// The rows of `buffer` that this thread does: all of them if the step is replicated.
  Range rowRange(bool replicated, Value buffer);

  // ---- calls
  mlir::LogicalResult callKernel(mlir::func::FuncOp kernel, mlir::ArrayRef<Value> arguments);
  /// Adds the static scale of a row step to what its kernel gets, if there is one.
  void addScale(mlir::SmallVectorImpl<Value> &arguments, std::optional<llvm::APFloat> scale);
  /// Adds the bounds that a row step clamps its values to, if there are some.
  void addBounds(mlir::SmallVectorImpl<Value> &arguments, std::optional<llvm::ArrayRef<double>> bounds);
  /// Adds what the sources of `weight` do to their products, for `count` of them: the scales of their grids, 0 for
  /// those beyond, then their bounds, each if there are some.
  void addOutputs(mlir::SmallVectorImpl<Value> &arguments, gemma::PackedOp weight, size_t count);

private:
  const mlir::SymbolTable &symbols;
  ProgramBytes bytes;
  int64_t mostRows;
  Value blockFirst; ///< of the rows of the call; null: no block is emitted
  Value data, arena, scratch, tableRows;

  static int64_t perRow(Value buffer) { return buffer.getDefiningOp<gemma::BufferOp>().getRowsPerRow(); }
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_STEPLOWERING_H
