// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/../Inputs/verify.mlir -o %t.mlir
// RUN: gemmac-emit --target x86_64-linux --level avx2 %t.mlir -o %t.avx2.s && FileCheck %s --check-prefix=AVX2 < %t.avx2.s
// RUN: gemmac-emit --target x86_64-linux --level avx512 %t.mlir -o %t.avx512.s && FileCheck %s --check-prefix=AVX512 < %t.avx512.s
// RUN: python3 %S/../../tools/loop_spills.py matmul_f32=230 matmul_f16=224 matmul_bf16=224 matmul_q8=392 matmul_q4=441 < %t.avx2.s
// RUN: python3 %S/../../tools/loop_spills.py matmul_f32=53 matmul_f16=53 matmul_bf16=53 matmul_q8=68 matmul_q4=49 < %t.avx512.s
// Row tiles: weights are read once per tile, several panels abreast. Sums of a group stay in registers; with AVX2's 16 those of
// the panel move to memory and back once per group of 32 columns, hidden behind its products. The bounds on spills (measured,
// over all tiles of a kernel, of which there are twice as many since panels are read abreast) only tighten from here.

// AVX2-LABEL: matmul_q4_n64_k256_none_to64_rows:
// AVX2:         Inner Loop Header
// AVX2-NOT:     {{Spill|Reload}}
// AVX2:         vpmaddubsw
// AVX2-NOT:     {{Spill|Reload}}
// AVX2:         jne
// AVX2-NOT:   %zmm

// up to four rows: two panels abreast; more: one load of weights, eight products with each quad
// AVX512-LABEL: matmul_q8_n64_k256_none_to64_rows:
// AVX512:         Inner Loop Header
// AVX512-COUNT-64: vpdpbusd
// AVX512:         {{j[a-z]+}} .LBB
// AVX512:         Inner Loop Header
// AVX512-COUNT-32: vpdpbusd
