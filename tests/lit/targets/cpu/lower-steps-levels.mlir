// One module for each ISA level of the target, or only for those that are asked for.
// RUN: gemmac-opt %s --gemma-lower-steps=target=x86_64-linux | FileCheck %s --check-prefix=ALL
// RUN: gemmac-opt %s --gemma-lower-steps="target=x86_64-linux levels=avx512" | FileCheck %s --check-prefix=ONE
// RUN: gemmac-opt %s --gemma-lower-steps | FileCheck %s --check-prefix=NATIVE
// RUN: not gemmac-opt %s --gemma-lower-steps="target=x86_64-linux levels=sse" 2>&1 | FileCheck %s --check-prefix=NONE

// ALL: module @avx2
// ALL: module @avx512
// Without options: the machine that lowers.
// NATIVE: module @{{avx2|neon}}
// ONE-NOT: module @avx2
// ONE: module @avx512
// NONE: error: target 'x86_64-linux' has no ISA level 'sse'

gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 0 scratch_bytes 0
