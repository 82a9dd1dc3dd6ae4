// The ISA levels of CPU targets, and the few vector operations in which they differ.
#ifndef GEMMAC_TARGETS_CPU_ISALEVEL_H
#define GEMMAC_TARGETS_CPU_ISALEVEL_H

#include "dialects/formats/Format.h"

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <string>

namespace gemmac {

class KernelBuilder;

/// One group of 32 int8 activations: where they lie, and where -8 times their sum does (i32), from which every zero
/// point follows.
struct ActivationGroup {
  mlir::Value values;
  mlir::Value bias;        ///< null: sums are those of the stored weights
  bool wholeRange = false; ///< values may be -128; else they stay within 127
  bool words = false;      ///< they are int16, of every four columns in the order 0, 2, 1, 3
};

/// One group of weights: 32 columns of the 16 rows of a panel, in the layout of gemma.packed or, unpacked, as one byte
/// a weight, two for activations of int16. The scales of the rows follow the weights: f16 when packed, f32 when
/// unpacked.
struct WeightGroup {
  Format format;
  mlir::Value pointer;
  bool unpacked = false;
  bool words = false; ///< for activations of int16
  int64_t groups = 1; ///< that follow each other, of unpacked words; whose sums int32 holds together
};

/// The few vector operations that differ between ISA levels.
class TileOps {
public:
  /// Of a group, scales excluded.
  static constexpr int64_t unpackedBytes(bool words) { return panelRows * groupColumns * (words ? 2 : 1); }
  virtual ~TileOps() = default;
  /// Whether rows of q16 are multiplied as int16 with weights of that format; else as their high and their low bytes.
  virtual bool multipliesWords(Format format) const { return formatInfo(format).inWords(); }
  /// Per activation row a vector<16xi32>: the exact dot products of the integer weights, zero point subtracted.
  virtual llvm::SmallVector<mlir::Value> dot(KernelBuilder &b, const WeightGroup &weights,
                                             llvm::ArrayRef<ActivationGroup> rows) const = 0;
  /// The same for one group of each of several panels, which all have one form; by panel, then by row.
  virtual llvm::SmallVector<mlir::Value> dotPanels(KernelBuilder &b, llvm::ArrayRef<WeightGroup> panels,
                                                   llvm::ArrayRef<ActivationGroup> rows) const {
    llvm::SmallVector<mlir::Value> dots;
    for (const WeightGroup &weights : panels)
      dots.append(dot(b, weights, rows));
    return dots;
  }
  /// Bytes of the registers in which int16 of an unpacked group lie (WordPlaces).
  virtual int64_t wordRegister() const = 0;
  /// Writes the weights of a packed group to `target`, 64-byte aligned, in the form that dot() reads fastest.
  virtual void unpack(KernelBuilder &b, const WeightGroup &weights, mlir::Value target) const = 0;
};

/// Products whose sums are kept in registers together.
struct UnpackedTile {
  int64_t rows;   ///< of activations
  int64_t panels; ///< at most as many as are unpacked
};

/// One ISA level of a CPU target.
struct IsaLevel {
  std::string name;         ///< "avx2"; also the suffix of its functions
  uint64_t features;        ///< GEMMAC_CPU_* that the machine must have
  std::string cpu;          ///< LLVM -mcpu
  std::string llvmFeatures; ///< LLVM -mattr
  std::string tune;         ///< LLVM -mtune: whose latencies the scheduler assumes; empty: those of cpu
  int64_t rowTile;          ///< activation rows that one pass over a packed panel serves
  int64_t unpackedPanels;   ///< panels that are unpacked for the same rows, 1 or 2
  UnpackedTile byteTile;    ///< with unpacked panels of bytes
  UnpackedTile wordTile;    ///< of int16
  UnpackedTile floatTile;   ///< of weights that are no integers, in f32
  int64_t unpackedGroups; ///< groups of 32 columns that are unpacked at once: such blocks stay in the first level cache
  int64_t floatGroups;    ///< the same of f32
  int64_t panelStreams;   ///< packed panels (of geglu: pairs) that a product of one row reads abreast, a power of two
  int64_t tileSums;       ///< sums of 16 floats that a product of several rows with packed panels keeps at once;
                          ///< 0: they lie in memory, for twice the streams
  int64_t vectorLanes;    ///< floats of a vector as attention writes them: 16, or 8 where fewer registers are spent so
  int64_t vectorSums;     ///< such vectors that can be kept as running sums in registers
  int64_t keptSums;       ///< sums of 16 floats that products with packed panels keep in registers; more lie in memory
  std::shared_ptr<TileOps> tileOps;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_ISALEVEL_H
