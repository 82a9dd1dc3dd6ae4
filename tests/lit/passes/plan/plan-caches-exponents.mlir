// RUN: gemmac-opt %s --gemma-plan-caches="context=16 format=f16" | FileCheck %s --check-prefixes=CHECK,F16
// RUN: gemmac-opt %s --gemma-plan-caches="context=16 format=q8" | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: gemmac-opt %s --gemma-plan-caches="context=16 format=f32" | FileCheck %s --check-prefix=F32

// Bounds beyond what f16 numbers hold, or below what they hold with full precision, give exponents; those of ordinary
// models do not. A row that is rotated may have all of its length in one element: 4 bits more for 256.
// F32-NOT: exponent
// CHECK: @ordinary
// CHECK-NOT: exponent
// CHECK: @large
// F16: key_exponent 5 value_exponent 18
// Q8:  key_exponent 9 value_exponent 22
// CHECK: @small
// F16: value_exponent -20
module {
  gemma.kv_cache @ordinary heads 1 head_dim 256 window 0 key_bound 300.0 value_bound 16.0
  gemma.kv_cache @large heads 1 head_dim 256 window 0 key_bound 1.0e6 value_bound 8.0e9
  gemma.kv_cache @small heads 1 head_dim 256 window 0 key_bound 1.0 value_bound 0.0009
  func.func @decode(%k: tensor<?x256xf32>, %p: tensor<?xi32>) {
    gemma.kv_write %k, %k, %p, @ordinary : tensor<?x256xf32>, tensor<?xi32>
    gemma.kv_write %k, %k, %p, @large : tensor<?x256xf32>, tensor<?xi32>
    gemma.kv_write %k, %k, %p, @small : tensor<?x256xf32>, tensor<?xi32>
    return
  }
}
