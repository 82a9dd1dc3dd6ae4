// RUN: gemmac-opt --gemma-lower=target=aarch64-linux %S/../Inputs/decode.mlir -o %t.mlir
// RUN: gemmac-emit --target aarch64-linux --level neon %t.mlir -o %t.neon.s \
// RUN:   && FileCheck %s --check-prefix=NEON < %t.neon.s
// RUN: gemmac-emit --target aarch64-linux --level dotprod %t.mlir -o %t.dotprod.s \
// RUN:   && FileCheck %s --check-prefix=DOT < %t.dotprod.s
// RUN: python3 %S/../../tools/loop_spills.py decode aarch64-linux neon < %t.neon.s
// RUN: python3 %S/../../tools/loop_spills.py decode aarch64-linux dotprod < %t.dotprod.s
// The base has no dot product of bytes; dotprod takes four activations from a lane of a register. Two panels are
// read abreast.

// NEON-NOT:   {{[us]dot}}
// NEON:       .globl gemmac_decode_neon
// NEON-NOT:   .globl
// NEON-LABEL: matmul_f32_k256_none:
// NEON:         fmla {{.*}}.4s
// NEON-LABEL: matmul_f16_k256_none:
// NEON:         fcvtl {{.*}}.4s
// NEON-LABEL: matmul_bf16_k256_none:
// NEON:         shll
// NEON-LABEL: matmul_q8_k256_none:
// NEON:         smull {{.*}}.8h
// NEON:         {{sad(d|a)lp}} {{.*}}.4s
// NEON-LABEL: matmul_q4_k256_none:
// NEON:         smull {{.*}}.8h
// NEON-LABEL: matmul_q6_k256_none:
// NEON:         smull {{.*}}.8h
// NEON-LABEL: matmul_q2_k256_none:
// NEON:         smull {{.*}}.8h
// NEON-NOT:   {{[us]dot}}

// DOT:        .globl gemmac_decode_dotprod
// DOT-LABEL:  matmul_q8_k256_none:
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-64: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-32: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT-NOT:      sdot
// DOT-LABEL:  matmul_q4_k256_none:
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-64: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-32: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT-NOT:      sdot
// DOT-LABEL:  matmul_q6_k256_none:
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-64: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-32: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT-NOT:      sdot
// DOT-LABEL:  matmul_q3_k256_none:
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-64: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-32: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT-NOT:      sdot
// DOT-LABEL:  matmul_q2_k256_none:
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-64: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT:          This Loop Header: Depth=2
// DOT-COUNT-32: sdot {{v[0-9]+}}.4s, {{v[0-9]+}}.16b, {{v[0-9]+}}.4b[{{[0-3]}}]
// DOT-NOT:      sdot
