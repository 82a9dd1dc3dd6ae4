#include "targets/cpu/HostCpu.h"

#include "gemmac/program.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <vector>

namespace gemmac {

namespace {
struct Ability {
  uint64_t bit;
  std::vector<llvm::StringRef> llvmFeatures; ///< all of them
};
} // namespace

uint64_t hostCpuFeatures() {
  const Ability abilities[] = {
      {GEMMAC_CPU_X86_AVX2, {"avx2", "fma", "f16c", "bmi2"}},
      {GEMMAC_CPU_X86_AVX_VNNI, {"avxvnni"}},
      {GEMMAC_CPU_X86_AVX512_VNNI, {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd", "avx512vnni"}},
      {GEMMAC_CPU_ARM_NEON, {"neon"}},
      {GEMMAC_CPU_ARM_DOTPROD, {"dotprod"}},
      {GEMMAC_CPU_ARM_I8MM, {"i8mm"}},
  };
  const llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  uint64_t features = 0;
  for (const Ability &ability : abilities)
    if (llvm::all_of(ability.llvmFeatures, [&](llvm::StringRef name) { return host.lookup(name); }))
      features |= ability.bit;
  return features;
}

} // namespace gemmac
