// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/../Inputs/verify.mlir -o %t.mlir
// RUN: gemmac-emit --target x86_64-linux --level avx2 %t.mlir -o %t.avx2.s && FileCheck %s --check-prefix=AVX2 < %t.avx2.s
// RUN: gemmac-emit --target x86_64-linux --level avx512 %t.mlir -o %t.avx512.s && FileCheck %s --check-prefix=AVX512 < %t.avx512.s
// RUN: python3 %S/../../tools/loop_spills.py matmul_f32=206 matmul_f16=202 matmul_bf16=202 matmul_q8=342 matmul_q4=396 < %t.avx2.s
// RUN: python3 %S/../../tools/loop_spills.py matmul_f32=292 matmul_f16=274 matmul_bf16=274 matmul_q8=521 matmul_q4=493 < %t.avx512.s
// Row tiles: weights are read once per tile, several panels abreast. The integer sums of a group stay in registers. The float
// sums of a lot of panels and rows do not fit any: they move to memory and back once per group of 32 columns. On AVX-512 there
// are up to 64 (eight panels, eight rows), because eight streams bring more of memory than that costs; AVX2, which waits for its
// own arithmetic, keeps 8. The bounds on spills are measured, over all tiles of a kernel.

// AVX2-LABEL: matmul_q4_n64_k256_none_to64_rows:
// AVX2:         Inner Loop Header
// AVX2-NOT:     {{Spill|Reload}}
// AVX2:         vpmaddubsw
// AVX2-NOT:     {{Spill|Reload}}
// AVX2:         jne
// AVX2-NOT:   %zmm

// eight panels abreast, eight rows: each quad of weights is loaded once and multiplied eight times
// AVX512-LABEL: matmul_q8_n64_k256_none_to64_rows:
// AVX512:         Inner Loop Header
// AVX512-COUNT-512: vpdpbusd
// AVX512:         {{j[a-z]+}} .LBB
// AVX512:         Inner Loop Header
// AVX512-COUNT-256: vpdpbusd
