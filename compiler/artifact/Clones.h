// Functions that are compiled once for each ISA level of x86 and chosen when gemmac starts. What they call must be
// GEMMAC_INLINE, so that each level vectorizes its own copy.
#ifndef GEMMAC_COMPILER_ARTIFACT_CLONES_H
#define GEMMAC_COMPILER_ARTIFACT_CLONES_H

#if defined(__x86_64__)
#define GEMMAC_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GEMMAC_CLONES
#endif

#endif // GEMMAC_COMPILER_ARTIFACT_CLONES_H
