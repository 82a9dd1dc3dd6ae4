// What the tile operations of x86 levels share, and their makers.
#ifndef GEMMAC_TARGETS_X86_X86TILEOPS_H
#define GEMMAC_TARGETS_X86_X86TILEOPS_H

#include "targets/cpu/PackedBits.h"

#include <memory>

namespace gemmac {

/// AVX2 alone.
std::shared_ptr<TileOps> createAvx2TileOps();
/// VNNI with registers of 32 (AVX-VNNI) or 64 bytes (AVX-512).
std::shared_ptr<TileOps> createVnniTileOps(int64_t bytes);

/// Four activations, the same in every lane of four bytes.
mlir::Value broadcastQuad(KernelBuilder &b, mlir::Value pointer, int64_t bytes);

/// Two vectors of 8 as one of 16.
mlir::Value joinHalves(KernelBuilder &b, mlir::Value low, mlir::Value high);

/// Registers of `bytes` hold a part of a quad; x86 shifts words, not bytes.
class QuadLoader : public QuadReader {
  int64_t bytes;

public:
  QuadLoader(KernelBuilder &b, const WeightGroup &weights, int64_t bytes)
      : QuadReader(b, weights, b.vec(bytes, b.getI8Type()), b.vec(bytes / 2, b.getI16Type())), bytes(bytes) {}
  template <typename Index> Pair load(Index j, int64_t part) const { return QuadReader::load(j, part * bytes); }
  std::pair<Words, Words> loadWords(mlir::Value j, int64_t part) const {
    return QuadReader::loadWords(j, part * bytes);
  }
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_X86_X86TILEOPS_H
