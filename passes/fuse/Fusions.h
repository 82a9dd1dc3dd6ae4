// The fusions, and the order in which they run.
#ifndef GEMMAC_PASSES_FUSE_FUSIONS_H
#define GEMMAC_PASSES_FUSE_FUSIONS_H

#include "passes/fuse/Group.h"

namespace gemmac::fuse {

/// A kind of group that becomes one op of level 1. Each is a pass of its own.
struct Fusion {
  llvm::StringLiteral pass, summary;
  /// Whether only groups of this fusion hold such an op; fusions are asked in order. What is left of level 0 is told to
  /// be this one's by it (gemma-check-fused).
  bool (*owns)(mlir::Operation *op);
  /// Replaces all groups of the function; reports those that stay.
  void (*run)(mlir::func::FuncOp function, mlir::IRRewriter &rewriter, Report &report);
};

/// Each is defined in the file of its name, FuseQkv.cpp and so on.
extern const Fusion qkv, attend, moe, ffn, ple, head, patches, encoderAttention, pool, audio, normedPatches,
    normProject;

/// The experts go before the MLP, because their dense branch looks like one; pooling and the output of audio before a
/// norm and a projection alone, and these before the head, which takes what a function returns for logits; patches
/// between layer norms before others, whose places they look like.
inline constexpr const Fusion *fusions[] = {&qkv,     &attend,           &moe,  &ffn,   &ple,         &normedPatches,
                                            &patches, &encoderAttention, &pool, &audio, &normProject, &head};

} // namespace gemmac::fuse

#endif // GEMMAC_PASSES_FUSE_FUSIONS_H
