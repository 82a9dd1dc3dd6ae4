// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/../Inputs/decode.mlir -o %t.mlir
// RUN: gemmac-emit --target x86_64-linux --level avx2 %t.mlir -o %t.avx2.s
// RUN: FileCheck %s --check-prefix=AVX2 < %t.avx2.s
// RUN: python3 %S/../../tools/loop_spills.py decode x86_64-linux avx2 < %t.avx2.s
// RUN: gemmac-emit --target x86_64-linux --level avx512 %t.mlir -o %t.avx512.s
// RUN: FileCheck %s --check-prefix=AVX512 < %t.avx512.s
// RUN: python3 %S/../../tools/loop_spills.py decode x86_64-linux avx512 < %t.avx512.s
// The instructions of the decode loops. Four panels are read abreast, which AVX2's 16 registers do not hold
// without a few spills: the loop waits for memory, and four streams bring more of it. AVX-512 keeps the products
// of all formats in registers; what it spills are addresses, around the loops over groups.
// Attention spills addresses and bounds around its innermost loops, not in them.

// The phase function alone is visible from outside.
// AVX2:       .globl gemmac_decode_avx2
// AVX2-NOT:   .globl
// AVX2-LABEL: matmul_f32_k256_none:
// AVX2:         vfmadd{{.*}}%ymm
// AVX2-LABEL: matmul_f16_k256_none:
// AVX2:         vcvtph2ps {{.*}}, %ymm
// AVX2:         vfmadd{{.*}}%ymm
// AVX2-LABEL: matmul_bf16_k256_none:
// AVX2:         vpmovzxwd {{.*}}, %ymm
// AVX2:         vpslld $16
// AVX2-LABEL: matmul_q8_k256_none:
// AVX2:         vpabsb
// AVX2:         vpsignb
// AVX2:         vpmaddubsw
// AVX2:         vpmaddwd
// one group is 8 loads of weights; int16 sums are widened once
// AVX2-LABEL: matmul_q4_k256_none:
// AVX2:         Inner Loop Header
// AVX2-COUNT-16: vpmaddubsw
// AVX2-COUNT-2: vpmaddwd
// AVX2-NOT:     vpmaddwd
// AVX2:         vcvtdq2ps
// AVX2:         vfmadd
// four products of six bits fit an int16: sums are widened for each pair of quads
// AVX2-LABEL: matmul_q6_k256_none:
// AVX2:         Inner Loop Header
// AVX2-COUNT-16: vpmaddubsw
// AVX2:         vcvtdq2ps
// AVX2-LABEL: matmul_q3_k256_none:
// AVX2:         Inner Loop Header
// AVX2-COUNT-16: vpmaddubsw
// AVX2:         vpmaddwd
// AVX2:         vcvtdq2ps
// AVX2-LABEL: matmul_q2_k256_none:
// AVX2:         Inner Loop Header
// AVX2-COUNT-16: vpmaddubsw
// AVX2:         vpmaddwd
// AVX2:         vcvtdq2ps
// AVX2-LABEL: attention_splits_f16_h1_d64_c544_w512_q1:
// AVX2:         vcvtph2ps
// AVX2-NOT:   %zmm

// AVX512:       .globl gemmac_decode_avx512
// AVX512-LABEL: matmul_f32_k256_none:
// AVX512:         vfmadd{{.*}}{1to16}{{.*}}%zmm
// AVX512-LABEL: matmul_f16_k256_none:
// AVX512:         vcvtph2ps {{.*}}, %zmm
// AVX512-LABEL: matmul_bf16_k256_none:
// AVX512:         vpmovzxwd {{.*}}, %zmm
// AVX512-LABEL: matmul_q8_k256_none:
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-32: vpdpbusd {{.*}}, %zmm{{.*}}, %zmm
// AVX512-NOT:     vpdpbusd
// AVX512:         vfmadd
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-16: vpdpbusd {{.*}}, %zmm{{.*}}, %zmm
// AVX512-NOT:     vpdpbusd
// AVX512:         vfmadd
// a single panel: activations are broadcast by the multiplication itself
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-8: vpdpbusd {{.*}}{1to16}, %zmm{{.*}}, %zmm
// AVX512-LABEL: matmul_q4_k256_none:
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-32: vpdpbusd {{.*}}, %zmm{{.*}}, %zmm
// AVX512-NOT:     vpdpbusd
// AVX512:         vfmadd
// a group of q6 is six loads of values, of q3 three, of q2 two
// AVX512-LABEL: matmul_q6_k256_none:
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-32: vpdpbusd {{.*}}, %zmm{{.*}}, %zmm
// AVX512-NOT:     vpdpbusd
// AVX512:         vfmadd
// AVX512-LABEL: matmul_q3_k256_none:
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-32: vpdpbusd {{.*}}, %zmm{{.*}}, %zmm
// AVX512-LABEL: matmul_q2_k256_none:
// AVX512:         This Loop Header: Depth=2
// AVX512-COUNT-32: vpdpbusd {{.*}}, %zmm{{.*}}, %zmm
