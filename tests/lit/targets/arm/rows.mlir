// RUN: gemmac-opt --gemma-lower=target=aarch64-linux %S/../Inputs/verify.mlir -o %t.mlir
// RUN: gemmac-emit --target aarch64-linux --level neon %t.mlir -o %t.neon.s \
// RUN:   && FileCheck %s --check-prefix=NEON < %t.neon.s
// RUN: gemmac-emit --target aarch64-linux --level dotprod %t.mlir -o %t.dotprod.s \
// RUN:   && FileCheck %s --check-prefix=DOT < %t.dotprod.s
// RUN: python3 %S/../../tools/loop_spills.py verify aarch64-linux neon < %t.neon.s
// RUN: python3 %S/../../tools/loop_spills.py verify aarch64-linux dotprod < %t.dotprod.s
// Row tiles. The bounds on spills (measured, over all tiles of a kernel, of which there are twice as many since a
// half tile reads panels abreast) only tighten from here.

// NEON-LABEL: matmul_q4_k256_none_rows:
// NEON:         smull {{.*}}.8h
// NEON-NOT:   {{[us]dot}}
// DOT-LABEL: matmul_q4_k256_none_rows:
// DOT:         sdot
