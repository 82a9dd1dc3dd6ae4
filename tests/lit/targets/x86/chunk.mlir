// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/../Inputs/chunk.mlir -o %t.mlir
// RUN: gemmac-emit --target x86_64-linux --level avx2 %t.mlir -o %t.avx2.s \
// RUN:   && FileCheck %s --check-prefix=AVX2 < %t.avx2.s
// RUN: gemmac-emit --target x86_64-linux --level avxvnni %t.mlir -o %t.avxvnni.s \
// RUN:   && FileCheck %s --check-prefix=AVXVNNI < %t.avxvnni.s
// RUN: gemmac-emit --target x86_64-linux --level avx512 %t.mlir -o %t.avx512.s \
// RUN:   && FileCheck %s --check-prefix=AVX512 < %t.avx512.s
// Chunks of a prompt: a block of columns is unpacked once, then a loop over four columns at a time
// multiplies it with a tile of rows. With VNNI its sums all stay in registers: four rows by two halves of a
// panel, or eight rows by two panels.

// AVX2-LABEL: matmul_q4_k2048_none_chunk64:
// AVX2:         Inner Loop Header: Depth=3
// AVX2:         prefetcht1
// AVX2:         Inner Loop Header: Depth=6
// AVX2:         vpmaddubsw
// AVX2:         vpaddw
// AVX2:         vpmaddwd

// AVXVNNI-LABEL: matmul_q4_k2048_none_chunk64:
// AVXVNNI:         Inner Loop Header: Depth=6
// AVXVNNI-NOT:     {{Spill|Reload}}
// AVXVNNI-COUNT-8: vpdpbusd {{.*}}%ymm
// AVXVNNI-NOT:     {{vpdpbusd|Spill|Reload}}
// AVXVNNI:         jne

// AVX512-LABEL: matmul_q8_k2048_none_chunk64:
// AVX512:         Inner Loop Header: Depth=6
// AVX512-NOT:     {{Spill|Reload}}
// AVX512-COUNT-16: vpdpbusd {{.*}}%zmm
// AVX512-NOT:     {{vpdpbusd|Spill|Reload}}
// AVX512:         jne
// AVX512-LABEL: matmul_q4_k2048_none_chunk64:
// AVX512:         Inner Loop Header: Depth=6
// AVX512-NOT:     {{Spill|Reload}}
// AVX512-COUNT-16: vpdpbusd {{.*}}%zmm
// AVX512-NOT:     {{vpdpbusd|Spill|Reload}}
// AVX512:         jne
