#include "features/FeatureKernels.h"

#include "base/Text.h"
#include "engine/Cpu.h"
#include "gemmac/program.h"

#if defined(__x86_64__)
#include "gemmac_frame_avx2.h"
#include "gemmac_frame_avx512.h"
#include "gemmac_mel_avx2.h"
#include "gemmac_mel_avx512.h"
#include "gemmac_patches_avx2.h"
#include "gemmac_patches_avx512.h"
#include "gemmac_resample_avx2.h"
#include "gemmac_resample_avx512.h"
#elif defined(__aarch64__)
#include "gemmac_frame_neon.h"
#include "gemmac_mel_neon.h"
#include "gemmac_patches_neon.h"
#include "gemmac_resample_neon.h"
#endif

namespace gemmac::runtime {

namespace {
struct Level {
  uint64_t features;
  FeatureKernels kernels;
};
} // namespace

// The best last.
#if defined(__x86_64__)
static constexpr Level levels[] = {
    {GEMMAC_CPU_X86_AVX2, {"avx2", gemmac_patches_avx2, gemmac_frame_avx2, gemmac_mel_avx2, gemmac_resample_avx2}},
    {GEMMAC_CPU_X86_AVX2 | GEMMAC_CPU_X86_AVX512_VNNI,
     {"avx512", gemmac_patches_avx512, gemmac_frame_avx512, gemmac_mel_avx512, gemmac_resample_avx512}}};
#elif defined(__aarch64__)
static constexpr Level levels[] = {
    {GEMMAC_CPU_ARM_NEON, {"neon", gemmac_patches_neon, gemmac_frame_neon, gemmac_mel_neon, gemmac_resample_neon}}};
#endif

Status findFeatureKernels(uint64_t features, const FeatureKernels *&kernels) {
  kernels = nullptr;
  for (const Level &level : levels)
    if ((level.features & ~features) == 0)
      kernels = &level.kernels;
  if (kernels)
    return {};
  return {ExitCode::cpu, format("pictures and sounds: this processor (or its operating system) lacks %s",
                                describeFeatures(levels[0].features & ~features).c_str())};
}

} // namespace gemmac::runtime
