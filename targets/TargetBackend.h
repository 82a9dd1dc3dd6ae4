// What the compiler knows of a target. Passes and the driver ask for abilities, never for a name. One folder per family:
// x86/, arm/; cpu/ holds what CPUs share.
#ifndef GEMMAC_TARGETS_TARGETBACKEND_H
#define GEMMAC_TARGETS_TARGETBACKEND_H

#include "compiler/formats/WeightFormat.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac {

class KernelBuilder; // targets/cpu/KernelBuilder.h

/// One group of 32 int8 activations: where they lie, and -8 times their sum (i32), from which every zero point follows.
struct ActivationGroup {
  mlir::Value values;
  mlir::Value bias;
  bool wholeRange = false; ///< values may be -128; else they stay within 127
};

/// One group of weights: 32 columns of the 16 rows of a panel, in the layout of gemma.packed or, unpacked, as one byte a
/// weight. The scales of the rows follow the weights: f16 when packed, f32 when unpacked.
struct WeightGroup {
  WeightFormat format;
  mlir::Value pointer;
  bool unpacked = false;
};

/// The few vector operations that differ between ISA levels.
class TileOps {
public:
  static constexpr int64_t unpackedBytes = panelRows * groupColumns; ///< of a group, scales excluded
  virtual ~TileOps() = default;
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
  /// Writes the weights of a packed group to `target`, 64-byte aligned, in the form that dot() reads fastest.
  virtual void unpack(KernelBuilder &b, const WeightGroup &weights, mlir::Value target) const = 0;
};

/// One ISA level of a CPU target.
struct IsaLevel {
  std::string name;         ///< "avx2"; also the suffix of its functions
  uint64_t features;        ///< GEMMAC_CPU_* that the machine must have
  std::string cpu;          ///< LLVM -mcpu
  std::string llvmFeatures; ///< LLVM -mattr
  std::string tune;         ///< LLVM -mtune: whose latencies the scheduler assumes; empty: those of cpu
  int64_t rowTile;          ///< activation rows that one pass over a packed panel serves
  int64_t unpackedRowTile;  ///< activation rows that one pass over unpacked panels serves
  int64_t unpackedPanels;   ///< unpacked panels that one pass serves, 1 or 2
  int64_t panelStreams;     ///< packed panels (of geglu: pairs) that a product of one row reads abreast, a power of two
  int64_t tileSums;         ///< sums of 16 floats that a product of several rows with packed panels keeps at once;
                            ///< 0: they lie in memory, for twice the streams
  int64_t vectorLanes;      ///< floats of a vector as attention writes them: 16, or 8 where fewer registers are spent so
  int64_t vectorSums;       ///< such vectors that can be kept as running sums in registers
  std::shared_ptr<TileOps> tileOps;
};

/// Turns a lowered module into code for one kind of machine. One per compilation, no global state.
class TargetBackend {
public:
  virtual ~TargetBackend() = default;
  virtual llvm::StringRef name() const = 0;   ///< as on the command line: "x86_64-linux"
  virtual llvm::StringRef triple() const = 0; ///< LLVM's
  virtual llvm::StringRef lldEmulation() const = 0; ///< "elf_x86_64"
  virtual llvm::ArrayRef<IsaLevel> levels() const = 0; ///< base first
};

/// All targets of this build, by name.
class TargetRegistry {
public:
  void add(std::unique_ptr<TargetBackend> backend) { backends.push_back(std::move(backend)); }
  /// Null when there is no such target. "native" is the machine gemmac runs on.
  const TargetBackend *find(llvm::StringRef name) const;
  std::vector<std::string> names() const;

private:
  std::vector<std::unique_ptr<TargetBackend>> backends;
};

void registerAllTargets(TargetRegistry &registry);

/// What emitCode returns.
enum class CodeKind { llvmIr, assembly, object };

/// Translates the module of one ISA level (func, scf, arith, vector, math, llvm dialects, after gemma-lower-steps and the
/// conversion pipeline) and optimizes it. Object and assembly depend on nothing but the module and the level.
llvm::Expected<std::string> emitCode(mlir::ModuleOp module, const TargetBackend &target, const IsaLevel &level, CodeKind kind);

} // namespace gemmac

#endif // GEMMAC_TARGETS_TARGETBACKEND_H
