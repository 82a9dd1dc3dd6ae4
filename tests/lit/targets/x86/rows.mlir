// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/../Inputs/verify.mlir -o %t.mlir
// RUN: gemmac-emit --target x86_64-linux --level avx2 %t.mlir -o %t.avx2.s \
// RUN:   && FileCheck %s --check-prefix=AVX2 < %t.avx2.s
// RUN: gemmac-emit --target x86_64-linux --level avx512 %t.mlir -o %t.avx512.s \
// RUN:   && FileCheck %s --check-prefix=AVX512 < %t.avx512.s
// RUN: python3 %S/../../tools/loop_spills.py verify x86_64-linux avx2 < %t.avx2.s
// RUN: python3 %S/../../tools/loop_spills.py verify x86_64-linux avx512 < %t.avx512.s
// Row tiles: weights are read once per tile, several panels abreast. The integer sums of a group stay in registers. The
// float sums move to memory and back once per group of 32 columns: on AVX2, which has registers for a few, hidden
// behind the products; on AVX-512 by design, since a loop over eight panels brings more of memory than that costs, and
// is less code. The bounds on spills (measured, over all tiles of a kernel) only tighten from here. Loops
// over groups spill the addresses between which the sums of a slice move; those over panels do not.

// AVX2-LABEL: matmul_q4_k256_none_rows:
// AVX2:         Inner Loop Header
// AVX2-NOT:     {{Spill|Reload}}
// AVX2:         vpmaddubsw
// AVX2-NOT:     {{Spill|Reload}}
// AVX2:         jne
// AVX2-NOT:   %zmm

// eight rows: each quad of weights is loaded once and multiplied eight times
// AVX512-LABEL: matmul_q8_k256_none_rows:
// AVX512:         Inner Loop Header
// AVX512-COUNT-64: vpdpbusd
// AVX512:         {{j[a-z]+}} .LBB
// AVX512:         Inner Loop Header
// AVX512-COUNT-32: vpdpbusd
