// What the fusion passes share: a group of ops that become one, and remarks on groups that stay as they are.
#ifndef GEMMAC_PASSES_FUSE_GROUP_H
#define GEMMAC_PASSES_FUSE_GROUP_H

#include "dialects/Gemma/GemmaDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <array>
#include <optional>
#include <utility>

namespace gemmac::fuse {

/// Remarks of one run of one pass. Each group has a key op, which no other group can hold (an attention, a geglu, ...).
class Report {
public:
  explicit Report(llvm::StringRef passName) : pass(passName) {}

  /// Leaves a missed remark at `last`, the last op of a group that stays, and notes that its key op is accounted for.
  mlir::LogicalResult missed(mlir::Operation *last, mlir::Operation *key, const llvm::Twine &why);

  /// The same for a key op from which no group was found at all; silent when it has been accounted for.
  void missedKey(mlir::Operation *key, const llvm::Twine &why);

  /// For ops whose group has been reported under another key.
  void account(mlir::Operation *op) { accounted.insert(op); }
  bool isAccounted(mlir::Operation *op) const { return accounted.contains(op); }

private:
  llvm::StringRef pass;
  llvm::SmallPtrSet<mlir::Operation *, 8> accounted;
};

/// The ops of a match, first the one whose result the fused op replaces.
struct Group {
  mlir::Operation *last; ///< remarks stand here
  mlir::Operation *key;
  llvm::SmallVector<mlir::Operation *, 16> ops;

  Group(mlir::Operation *last, mlir::Operation *key, std::initializer_list<mlir::Operation *> rest);
  void add(std::initializer_list<mlir::Operation *> more) { ops.append(more); }

  /// Fails with a remark unless all ops lie in one block and every result but that of `last` is read inside only.
  mlir::LogicalResult isClosed(Report &report) const;

  /// Puts `fused` in the place of `last` and erases the group. `fused` may have no result if `last` has none.
  void replace(mlir::RewriterBase &rewriter, mlir::Operation *fused) const;
};

/// Collected before rewriting, in order of the function.
template <typename OpTy> llvm::SmallVector<OpTy> opsOf(mlir::func::FuncOp function) {
  llvm::SmallVector<OpTy> ops;
  function.walk([&](OpTy op) { ops.push_back(op); });
  return ops;
}

/// A sum's operands as (branch, other), in both orders: addition of two values is exact under exchange.
inline std::array<std::pair<mlir::Value, mlir::Value>, 2> operandOrders(gemma::AddOp add) {
  return {{{add.getA(), add.getB()}, {add.getB(), add.getA()}}};
}

/// `residual + rms_norm(linear(key))`: how attention, the MLP and the per-layer embeddings end.
template <typename KeyOp> struct Branch {
  mlir::Value residual;
  gemma::RmsNormOp norm;
  gemma::LinearOp linear;
  KeyOp key;
};

template <typename KeyOp> std::optional<Branch<KeyOp>> matchBranch(gemma::AddOp add) {
  for (auto [value, residual] : operandOrders(add)) {
    auto norm = value.getDefiningOp<gemma::RmsNormOp>();
    auto linear = norm ? norm.getInput().getDefiningOp<gemma::LinearOp>() : gemma::LinearOp();
    if (auto key = linear ? linear.getInput().getDefiningOp<KeyOp>() : KeyOp())
      return Branch<KeyOp>{residual, norm, linear, key};
  }
  return std::nullopt;
}

/// Whether `op` reads or writes a cache: ops name the cache that they use.
bool touchesCache(mlir::Operation *op, mlir::FlatSymbolRefAttr cache);
bool writesCache(mlir::Operation *op, mlir::FlatSymbolRefAttr cache);

/// A norm over whole rows with a weight, which is what every fused op has but for its heads.
bool isRowNorm(gemma::RmsNormOp norm);

/// All norms have one eps, as a fused op has one.
bool equalEps(llvm::ArrayRef<gemma::RmsNormOp> norms);

/// The layer_scale that is the only reader of `sum`; null if there is none. One that shares its input with other
/// readers stays and gets a remark.
gemma::LayerScaleOp followingScale(gemma::AddOp sum, Report &report);

/// `linear(geglu(linear(y), linear(y)))` with `y = rms_norm(input)`.
struct Mlp {
  gemma::RmsNormOp preNorm;
  gemma::LinearOp gate, up, down;
  gemma::GegluOp geglu;
};

/// Matches the MLP that ends in `down` and starts from `input`. On failure `why` tells what is different.
std::optional<Mlp> matchMlp(gemma::LinearOp down, gemma::GegluOp geglu, mlir::Value input, llvm::StringRef &why);

} // namespace gemmac::fuse

#endif // GEMMAC_PASSES_FUSE_GROUP_H
