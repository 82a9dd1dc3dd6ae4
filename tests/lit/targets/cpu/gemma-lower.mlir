// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/lower-steps.mlir | FileCheck %s
// RUN: gemmac-opt --gemma-lower=target=x86_64-linux %S/lower-steps.mlir | gemmac-opt | FileCheck %s
// The whole phase: nested modules are LLVM dialect and nothing else, the gemma ops beside them are
// untouched. It can be read back.

// CHECK:     gemma.packed @a
// CHECK:     gemma.function @decode
// CHECK:     module @avx2 {
// CHECK-NOT: {{[ "](func|scf|arith|math|vector|cf|builtin|gemma)\.[a-z]}}
// CHECK:     llvm.func @gemmac_barrier(!llvm.ptr, i64)
// CHECK-NOT: {{[ "](func|scf|arith|math|vector|cf|builtin|gemma)\.[a-z]}}
// CHECK:     llvm.func @gemmac_decode_avx2(
// CHECK-NOT: {{[ "](func|scf|arith|math|vector|cf|builtin|gemma)\.[a-z]}}
// CHECK:     module @avx512 {
// CHECK-NOT: {{[ "](func|scf|arith|math|vector|cf|builtin|gemma)\.[a-z]}}
// CHECK:     llvm.func @gemmac_decode_avx512(
// CHECK-NOT: {{[ "](func|scf|arith|math|vector|cf|builtin|gemma)\.[a-z]}}
