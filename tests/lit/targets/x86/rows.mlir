// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/../Inputs/verify.mlir -o %t.mlir
// RUN: gemmac-emit --target x86_64-linux --level avx2 %t.mlir -o %t.avx2.s && FileCheck %s --check-prefix=AVX2 < %t.avx2.s
// RUN: gemmac-emit --target x86_64-linux --level avx512 %t.mlir -o %t.avx512.s && FileCheck %s --check-prefix=AVX512 < %t.avx512.s
// RUN: python3 %S/../../tools/loop_spills.py matmul_f32=17 matmul_f16=15 matmul_bf16=15 matmul_q8=54 matmul_q4=66 < %t.avx2.s
// RUN: python3 %S/../../tools/loop_spills.py matmul_f32=15 matmul_f16=15 matmul_bf16=15 matmul_q8=14 matmul_q4=2 < %t.avx512.s
// Row tiles: weights are read once per tile. Spills stay outside the innermost loops but for a few of AVX2, which has 16
// registers for 4 rows of 2 sums; the bounds (measured) only tighten.

// AVX2-LABEL: matmul_q4_n64_k256_none_to64_rows:
// AVX2:         vpmaddubsw
// AVX2-NOT:   %zmm

// eight rows: one load of weights, eight products with each nibble
// AVX512-LABEL: matmul_q8_n64_k256_none_to64_rows:
// AVX512:         Inner Loop Header
// AVX512-NOT:     {{Spill|Reload}}
// AVX512-COUNT-64: vpdpbusd
// AVX512-NOT:     {{Spill|Reload}}
// AVX512-COUNT-8: vfmadd
// AVX512:         jne
