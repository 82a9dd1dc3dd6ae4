#include "engine/Cpu.h"

#include "base/Text.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace gemmac::runtime {

#if defined(__x86_64__)

static bool has(uint32_t word, std::initializer_list<unsigned> bits) {
  for (unsigned bit : bits)
    if (!(word >> bit & 1))
      return false;
  return true;
}

uint64_t cpuFeatures() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  // Leaf 1, ecx: FMA 12, XSAVE enabled by the system 27, AVX 28, F16C 29.
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, {12, 27, 28, 29}))
    return 0;
  uint32_t saved, savedHigh;
  asm volatile("xgetbv" : "=a"(saved), "=d"(savedHigh) : "c"(0));
  const bool ymm = has(saved, {1, 2}), zmm = ymm && has(saved, {5, 6, 7});
  if (!ymm || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
    return 0;
  uint64_t features = 0;
  if (has(b, {5, 8})) // AVX2, BMI2
    features |= GEMMAC_CPU_X86_AVX2;
  if (zmm && has(b, {16, 17, 28, 30, 31}) && has(c, {11})) // F, DQ, CD, BW, VL; VNNI
    features |= GEMMAC_CPU_X86_AVX512_VNNI;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, {4}))
    features |= GEMMAC_CPU_X86_AVX_VNNI;
  return features;
}

#elif defined(__aarch64__)

uint64_t cpuFeatures() {
  constexpr unsigned long asimd = 1ul << 1, asimdDotProduct = 1ul << 20; // HWCAP_ASIMD, HWCAP_ASIMDDP
  constexpr unsigned long int8Matrices = 1ul << 13;                      // HWCAP2_I8MM
  unsigned long capabilities = getauxval(AT_HWCAP);
  uint64_t features = 0;
  if (capabilities & asimd)
    features |= GEMMAC_CPU_ARM_NEON;
  if (capabilities & asimdDotProduct)
    features |= GEMMAC_CPU_ARM_DOTPROD;
  if (getauxval(AT_HWCAP2) & int8Matrices)
    features |= GEMMAC_CPU_ARM_I8MM;
  return features;
}

#else
#error "the runtime knows x86-64 and AArch64"
#endif

std::string describeFeatures(uint64_t bits) {
  static constexpr struct {
    uint64_t bit;
    const char *name;
  } names[] = {{GEMMAC_CPU_X86_AVX2, "AVX2, FMA, F16C and BMI2"},
               {GEMMAC_CPU_X86_AVX_VNNI, "AVX-VNNI"},
               {GEMMAC_CPU_X86_AVX512_VNNI, "AVX-512 F, BW, DQ, VL, CD and VNNI"},
               {GEMMAC_CPU_ARM_NEON, "Advanced SIMD"},
               {GEMMAC_CPU_ARM_DOTPROD, "the dot product instructions"},
               {GEMMAC_CPU_ARM_I8MM, "the int8 matrix instructions"}};
  std::string text;
  for (auto &[bit, name] : names) {
    if (bits & bit)
      text += (text.empty() ? "" : ", ") + std::string(name);
    bits &= ~bit;
  }
  if (bits)
    text += (text.empty() ? "" : ", ") + std::string("an ability that this runtime does not know");
  return text;
}

Status chooseLevel(const gemmac_program &program, std::string_view name, uint64_t features, const gemmac_code *&level) {
  level = nullptr;
  std::string known;
  for (int64_t i = 0; i < program.code_count; ++i) {
    const gemmac_code &candidate = program.code[i];
    known += (i ? ", " : "") + std::string(candidate.name);
    const uint64_t missing = candidate.features & ~features;
    if (name.empty() && missing == 0)
      level = &candidate;
    if (name.empty() || name != candidate.name)
      continue;
    if (missing)
      return {ExitCode::cpu, format("--isa %s: this processor (or its operating system) lacks %s", candidate.name,
                                    describeFeatures(missing).c_str())};
    level = &candidate;
  }
  if (level)
    return {};
  if (!name.empty())
    return {ExitCode::usage, format("--isa %.*s: no such level; this program has %s", static_cast<int>(name.size()),
                                    name.data(), known.c_str())};
  return {ExitCode::cpu, format("this processor (or its operating system) lacks %s, which this program needs",
                                describeFeatures(program.code[0].features & ~features).c_str())};
}

} // namespace gemmac::runtime
