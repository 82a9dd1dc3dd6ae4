// Tile kernels: for every kind and shape of step one private function, made when first asked for. What kernels share
// stands here; a kernel itself stands in the file of its step.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_KERNELS_H
#define GEMMAC_TARGETS_CPU_KERNELS_KERNELS_H

#include "dialects/Gemma/GemmaDialect.h"
#include "dialects/formats/CacheLayout.h"
#include "dialects/formats/MomentLayout.h"
#include "targets/cpu/IsaLevel.h"
#include "targets/cpu/KernelBuilder.h"
#include "targets/cpu/kernels/SliceSums.h"

#include "gemmac/call.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <cstddef>
#include <optional>
#include <string>

namespace gemmac {

/// What a kernel must know of a packed weight.
struct PackedShape {
  Format format;
  Layout layout;
  int64_t batch, rows, cols;
  int64_t scaleBlocks; ///< row scales of one row
  bool interleave;
  bool staticInput = false; ///< its inputs are s8, with one scale for a whole row
  bool wideInput = false;   ///< its inputs are q16
  explicit PackedShape(gemma::PackedOp packed);
  /// The matrix of a step with that input.
  PackedShape(gemma::PackedOp packed, gemma::BufferType input) : PackedShape(packed) {
    staticInput = input.isStatic();
    wideInput = input.isWide();
  }
  int64_t panelBytes() const { return gemmac::panelBytes(format, rowsOf(layout), cols, scaleBlocks); }
  int64_t batchBytes() const { return rows / rowsOf(layout) * panelBytes(); }
  bool quantized() const { return formatInfo(format).quantized; }
  bool rowScales() const { return formatInfo(format).rowScales(); }
  /// Sums of products stay integers over all columns, because one scale holds for the whole row on either side.
  bool sumsIntegers() const { return staticInput && rowScales(); }
  /// Exact sums have one slice.
  Slices slices() const { return {cols / groupColumns, sumsIntegers() ? 1 : Slices{}.most}; }
  int64_t rowScalesOffset() const { return gemmac::rowScalesOffset(format, rowsOf(layout), cols); }
  std::string text() const;      ///< part of a kernel's name
  std::string panelText() const; ///< the same of a kernel that does not ask how many panels there are
};

/// What a kernel must know of a planned KV cache (layout: gemma.kv_cache).
struct CacheShape {
  Format format;
  int64_t heads, headDim, padded, capacity, window;
  bool rotated;
  int64_t turnedPairs;                ///< 0: whole keys are stored
  int64_t keyExponent, valueExponent; ///< keys and values are stored times two to the power of minus this
  int64_t paddedKey;                  ///< elements of a stored key
  explicit CacheShape(gemma::KvCacheOp cache);
  /// Keys and values in f32 without a window, of which only the kernel's caller knows how many there can be: nothing
  /// that follows from a capacity may be asked.
  CacheShape(int64_t heads, int64_t headDim);
  bool quantized() const { return formatInfo(format).quantized; }
  int64_t elementBytes() const { return formatInfo(format).bits / 8; } ///< of f32 and f16
  int64_t groupRowBytes() const { return valueBytes(format, 1); } ///< of a position's 32 values, without their scale
  int64_t scalesOffset() const { return valueBytes(format, cacheBlock); }       ///< in a group of a quantized cache
  int64_t groupBytes() const { return gemmac::groupBytes(format, cacheBlock); } ///< of 32 elements of a block
  int64_t keyBlockBytes() const { return cacheBlockBytes(format, paddedKey); }
  int64_t valueBlockBytes() const { return cacheBlockBytes(format, padded); }
  int64_t keyHeadBytes() const { return capacity / cacheBlock * keyBlockBytes(); }
  int64_t valueHeadBytes() const { return capacity / cacheBlock * valueBlockBytes(); }
  int64_t valuesOffset() const { return heads * keyHeadBytes(); }
  std::string text() const;
};

/// Columns of a panel that are unpacked at once: for each group of 32 one byte a weight, two for int16, then the scales
/// of the 16 rows in f32; of weights that are no integers f32 without scales.
struct UnpackedBlock {
  int64_t groups, groupBytes;
  UnpackedBlock(const IsaLevel &level, const PackedShape &weight);
  int64_t bytes() const { return groups * groupBytes; }
};

/// Whether rows and unpacked weights are int16 to the instructions that multiply.
inline bool multipliesWords(const IsaLevel &level, const PackedShape &weight) {
  return weight.wideInput && level.tileOps->multipliesWords(weight.format);
}

/// Functions of more rows than this unpack panels before they multiply.
inline constexpr int64_t mostPackedRows = 8;
/// Rows that are multiplied with a matrix at a time. More go block by block and read it once for each: their sums take
/// little stack, and functions of many rows share their kernels.
inline constexpr int64_t mostBlockRows = 512;

/// Some of the rows of a step.
struct RowBlock {
  mlir::Value first; ///< null: 0
  mlir::Value count;
  mlir::Value in(KernelBuilder &b, mlir::Value rows, int64_t rowBytes) const {
    return first ? b.at(rows, b.mul(first, rowBytes)) : rows;
  }
};
/// All blocks of `rows` rows, of which there are at most `most`.
void forRowBlocks(KernelBuilder &b, mlir::Value rows, int64_t most, llvm::function_ref<void(const RowBlock &)> body);

/// The rows of a call in emitted code: an array of gemmac_row.
class CallRows {
public:
  using Value = mlir::Value;
  CallRows(KernelBuilder &b, Value rows) : b(b), rows(rows) {}
  Value token(Value row) { return field(row, offsetof(gemmac_row, token)); }
  Value position(Value row) { return field(row, offsetof(gemmac_row, position)); }
  Value slot(Value row) { return field(row, offsetof(gemmac_row, slot)); }

private:
  KernelBuilder &b;
  Value rows;
  /// A field as i64.
  Value field(Value row, size_t offset);
};

/// The kernels of one nested module. Pointers are !llvm.ptr, counts i64; `first`, `last` bound the rows, panels, heads
/// or tiles that the calling thread does.
class KernelLibrary {
public:
  /// \param slotBytes  from the KV cache of one slot to that of the next.
  KernelLibrary(mlir::ModuleOp module, const IsaLevel &level, int64_t slotBytes)
      : module(module), level(level), slotBytes(slotBytes) {}

  using Body = llvm::function_ref<void(KernelBuilder &, mlir::ValueRange arguments)>;
  /// The kernel of that name; made of `pointers` pointers, `counts` i64 and `floats` f32 arguments by `body` when it is
  /// new.
  mlir::func::FuncOp get(const std::string &name, int64_t pointers, int64_t counts, Body body, int64_t floats = 0);

  mlir::ModuleOp getModule() const { return module; }
  const IsaLevel &getLevel() const { return level; }
  int64_t getSlotBytes() const { return slotBytes; }

  // PanelProducts.cpp, LotProducts.cpp, BlockProducts.cpp
  bool inWords(const PackedShape &weight) const { return multipliesWords(level, weight); }
  UnpackedBlock blockOf(const PackedShape &weight) const { return {level, weight}; }
  /// The rows of a tile, where `rows` of q8 would be: a wide row is two to the instructions that multiply bytes.
  int64_t tileOf(const PackedShape &weight, int64_t rows) const {
    return std::max<int64_t>(rows / (weight.wideInput && !inWords(weight) ? 2 : 1), 1);
  }
  UnpackedTile unpackedTileOf(const PackedShape &weight) const {
    if (!weight.quantized())
      return level.floatTile;
    return inWords(weight) ? level.wordTile : UnpackedTile{tileOf(weight, level.byteTile.rows), level.byteTile.panels};
  }
  /// Sums of the products of `rows` with packed panels, which are read abreast: per panel and row 16 floats.
  mlir::SmallVector<KernelBuilder::Values> dotPanels(KernelBuilder &b, const PackedShape &weight,
                                                     mlir::ArrayRef<mlir::Value> panels,
                                                     mlir::ArrayRef<mlir::Value> rows) const;
  KernelBuilder::Values dotPanel(KernelBuilder &b, const PackedShape &weight, mlir::Value panel,
                                 mlir::ArrayRef<mlir::Value> rows) const {
    return dotPanels(b, weight, panel, rows)[0];
  }
  /// Memory for the sums of a lot, of at most so many panels and rows: by level of SliceSums, from the last, the
  /// results', down to 0, 16 floats for each panel and row, in this order; then as many zeros, where slices begin.
  struct LotSums {
    int64_t panels, rows, levels;
    mlir::Value memory;
    LotSums(KernelBuilder &b, const PackedShape &weight, int64_t panels, int64_t rows);
    int64_t levelBytes() const { return panels * rows * panelRows * 4; }
    mlir::Value at(KernelBuilder &b, int64_t level) const { return b.at(memory, (levels - 1 - level) * levelBytes()); }
    mlir::Value zeros(KernelBuilder &b) const { return at(b, -1); }
  };
  /// The same for `count` panels that follow each other from `first` on, with sums in memory. Little code for many
  /// streams.
  void dotLot(KernelBuilder &b, const PackedShape &weight, mlir::Value first, mlir::Value count,
              mlir::ArrayRef<mlir::Value> rows, const LotSums &sums) const;
  /// Unpacks groups [first, last) of a panel into `block`, an UnpackedBlock.
  void unpackBlock(KernelBuilder &b, const PackedShape &weight, mlir::Value panel, mlir::Value first, mlir::Value last,
                   mlir::Value block) const;
  /// Groups [first, last) of panels that lie unpacked in `blocks`, whose first group is `begin`.
  struct UnpackedGroups {
    mlir::ArrayRef<mlir::Value> blocks;
    mlir::Value begin, first, last;
  };
  /// Adds to `totals`, by panel and row, the products of `rows` with those groups.
  KernelBuilder::Values dotBlocks(KernelBuilder &b, const PackedShape &weight, const UnpackedGroups &groups,
                                  mlir::ArrayRef<mlir::Value> rows, mlir::ValueRange totals) const;
  /// Whether so many sums of a tile lie in memory while it is made.
  bool inMemory(size_t sums) const { return static_cast<int64_t>(sums) > level.keptSums; }
  /// What dotBlocks summed up of a row and a panel as the value that it stands for.
  mlir::Value scaledSum(KernelBuilder &b, const PackedShape &weight, mlir::Value panel, mlir::Value row,
                        mlir::Value sum) const;

  // MatmulKernels.cpp
  struct Matmul {
    PackedShape weight;
    int64_t inputRowBytes;
    Epilogue epilogue = Epilogue::None;
    double cap = 0;
    /// Sums are rounded to static grids; their scales are two more arguments, of gate and up for geglu.
    bool outputGrids = false;
    /// Sums are clamped; the bounds are four more arguments, of gate and up for geglu.
    bool outputBounds = false;
    int64_t maxRows; ///< of a call
    /// Arguments that tell what `sources` sources do to their products (StepLowering::addOutputs).
    int64_t outputs(int64_t sources) const { return sources * ((outputGrids ? 1 : 0) + (outputBounds ? 2 : 0)); }
    /// A step's products with rows of `input`.
    Matmul(gemma::PackedOp weight, gemma::BufferType input);
  };
  mlir::func::FuncOp matmul(const Matmul &shape);

private:
  mlir::ModuleOp module;
  const IsaLevel &level;
  int64_t slotBytes;

  KernelBuilder::Values dotFloatBlocks(KernelBuilder &b, const PackedShape &weight, const UnpackedGroups &groups,
                                       mlir::ArrayRef<mlir::Value> rows, mlir::ValueRange totals) const;
  KernelBuilder::Values dotIntegerBlocks(KernelBuilder &b, const PackedShape &weight, const UnpackedGroups &groups,
                                         mlir::ArrayRef<mlir::Value> rows, mlir::ValueRange totals) const;
};

/// Part of a kernel's name that tells constants apart: the hexadecimal bits.
std::string bitsText(double value);

/// What becomes of values before they are used: they are multiplied by `scale`, then clamped to -limit .. limit where
/// there is one.
struct Premap {
  double scale = 1.0;
  std::optional<double> limit = std::nullopt;
  mlir::Value apply(KernelBuilder &b, mlir::Value x) const;
  std::string text() const; ///< part of a kernel's name
};

/// What a vector of a row adds to a running sum; it lies `place` bytes behind byte `turn` of the row.
using AddVector = llvm::function_ref<mlir::Value(mlir::Value turn, int64_t place, mlir::Value sum)>;

/// A sum over a row of `width` values, a multiple of 16, in the order of all norms.
mlir::Value stridedSum(KernelBuilder &b, int64_t width, AddVector addVector);

/// Zeros in place of the elements of a row from number `count` on. \param offset  of the vector in the row, in bytes.
mlir::Value firstElements(KernelBuilder &b, mlir::Value vector, mlir::Value offset, int64_t count);

/// 1 / sqrt(sum of squares / count + eps) in every lane, of `width` values, a multiple of 16, each mapped first.
mlir::Value inverseRms(KernelBuilder &b, mlir::Value row, int64_t width, int64_t count, double eps,
                       const Premap &premap = {});

/// What becomes of a row's values before they are stored. All are f32; null: nothing.
struct RowLimits {
  mlir::Value low, high;   ///< they are clamped to these
  mlir::Value staticScale; ///< then put on this grid
  RowLimits() = default;
  /// As the arguments of a kernel have them from `floats` on: the static scale, then both bounds, each if it is there.
  RowLimits(mlir::ValueRange floats, bool isStatic, bool bounded) {
    if (isStatic)
      staticScale = floats[0];
    if (bounded)
      low = floats[isStatic], high = floats[isStatic + 1];
  }
  static int64_t arguments(bool isStatic, bool bounded) { return (isStatic ? 1 : 0) + (bounded ? 2 : 0); }
};

/// Walks a row group by group: `make` gives the two vectors of a group at byte offset `offset` of f32; they are stored
/// as f32 or quantized, as `type` has it (layout: gemma.buffer).
void storeRow(KernelBuilder &b, mlir::Value row, gemma::BufferType type, const RowLimits &limits,
              llvm::function_ref<std::pair<mlir::Value, mlir::Value>(mlir::Value offset)> make);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_KERNELS_H
