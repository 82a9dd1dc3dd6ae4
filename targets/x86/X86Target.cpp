// x86-64: AVX2 as the base, AVX-VNNI and AVX-512 with VNNI above it. One weight layout for all.
#include "gemmac/program.h"
#include "targets/Targets.h"
#include "targets/x86/X86TileOps.h"

#include <numeric>

using namespace mlir;

namespace gemmac {

Value broadcastQuad(KernelBuilder &b, Value pointer, int64_t bytes) {
  Value quad = b.load(b.getI32Type(), pointer, 1);
  return b.bitcast(b.broadcast(quad, b.vec(bytes / 4, b.getI32Type())), b.vec(bytes, b.getI8Type()));
}

Value joinHalves(KernelBuilder &b, Value low, Value high) {
  SmallVector<int64_t> order(16);
  std::iota(order.begin(), order.end(), 0);
  return vector::ShuffleOp::create(b, low, high, order);
}

// fast-dpwssd: sums of int16 products that follow each other stay vpdpwssd. LLVM else makes every second one two
// instructions, to shorten chains of which there are enough.
std::unique_ptr<CpuTarget> createX86LinuxTarget() {
  std::vector<IsaLevel> isaLevels;
  isaLevels.push_back({.name = "avx2",
                       .features = GEMMAC_CPU_X86_AVX2,
                       .cpu = "x86-64-v3",
                       .llvmFeatures = "",
                       .tune = "znver3", // newer ones of Intel have VNNI
                       .rowTile = 4,
                       .unpackedPanels = 2,
                       .byteTile = {2, 2},
                       .wordTile = {4, 1},
                       .floatTile = {6, 1},
                       .unpackedGroups = 16,
                       .floatGroups = 4,
                       .panelStreams = 4,
                       .tileSums = 0,
                       .vectorLanes = 8,
                       .vectorSums = 8,
                       .keptSums = 3,
                       .tileOps = createAvx2TileOps()});
  isaLevels.push_back({.name = "avxvnni",
                       .features = GEMMAC_CPU_X86_AVX2 | GEMMAC_CPU_X86_AVX_VNNI,
                       .cpu = "x86-64-v3",
                       .llvmFeatures = "+avxvnni,+fast-dpwssd",
                       .tune = "",
                       .rowTile = 4,
                       .unpackedPanels = 1,
                       .byteTile = {4, 1},
                       .wordTile = {4, 1},
                       .floatTile = {6, 1},
                       .unpackedGroups = 32,
                       .floatGroups = 4,
                       .panelStreams = 4,
                       .tileSums = 0,
                       .vectorLanes = 8,
                       .vectorSums = 8,
                       .keptSums = 3,
                       .tileOps = createVnniTileOps(32)});
  isaLevels.push_back({.name = "avx512",
                       .features = GEMMAC_CPU_X86_AVX2 | GEMMAC_CPU_X86_AVX512_VNNI,
                       .cpu = "x86-64-v4",
                       .llvmFeatures = "+avx512vnni,-prefer-256-bit,+fast-dpwssd",
                       .tune = "",
                       .rowTile = 8,
                       .unpackedPanels = 2,
                       .byteTile = {8, 2},
                       .wordTile = {8, 2},
                       .floatTile = {8, 1},
                       .unpackedGroups = 32,
                       .floatGroups = 4,
                       .panelStreams = 4,
                       .tileSums = 0,
                       .vectorLanes = 16,
                       .vectorSums = 16,
                       .keptSums = 16,
                       .tileOps = createVnniTileOps(64)});
  return std::make_unique<CpuTarget>("x86_64-linux", "x86_64-unknown-linux-gnu", std::move(isaLevels));
}

} // namespace gemmac
