// RUN: gemmac-opt %s --gemma-plan-caches="context=64 format=q4" | FileCheck %s --check-prefixes=CHECK,FOLD
// RUN: gemmac-opt %s --gemma-plan-caches="context=64 format=f32 fold-keys=false" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,WHOLE

// Keys that are values and are turned in a part of their pairs: that part is stored, 16 of 64 elements padded to 32.
// The others have a projection of their own, are turned altogether, or would take as much room when padded.
// CHECK: module attributes
module attributes {gemma.model = {context = 500 : i64}} {
  gemma.weight @n : tensor<64xf32> from <"f", 0, 256>
  gemma.weight @w : tensor<64x64xf32> from <"f", 0, 16384>
  gemma.weight @n8 : tensor<8xf32> from <"f", 0, 32>
  gemma.weight @w8 : tensor<8x64xf32> from <"f", 0, 2048>
  // FOLD:  gemma.kv_cache @part heads 1 head_dim 64 window 0
  // FOLD-SAME: {bytes = 3456 : i64, {{.*}}, rotated, turned_pairs = 8 : i64}
  // WHOLE: gemma.kv_cache @part heads 1 head_dim 64 window 0 {bytes = 32768 : i64, {{.*}}offset = 0 : i64}
  gemma.kv_cache @part heads 1 head_dim 64 window 0
  // FOLD:  gemma.kv_cache @own heads 1 head_dim 64 window 0 {bytes = 4608 : i64, {{.*}}, rotated}
  gemma.kv_cache @own heads 1 head_dim 64 window 0
  // FOLD:  gemma.kv_cache @all heads 1 head_dim 64 window 0 {bytes = 4608 : i64, {{.*}}, rotated}
  gemma.kv_cache @all heads 1 head_dim 64 window 0
  // FOLD:  gemma.kv_cache @small heads 1 head_dim 8 window 0 {bytes = 2304 : i64, {{.*}}, rotated}
  gemma.kv_cache @small heads 1 head_dim 8 window 0
  func.func @decode(%x: tensor<?x64xf32>, %p: tensor<?xi32>) {
    %0 = gemma.qkv %x, %p {norm = @n, q = @w, k = @w, q_norm = @n, k_norm = @n, cache = @part, heads = 1 : i64,
      head_dim = 64 : i64, rope = #gemma.rope<theta = 1.0e6, pairs = 8, factor = 1.0>, eps = 0.5}
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %1 = gemma.qkv %x, %p {norm = @n, q = @w, k = @w, v = @w, q_norm = @n, k_norm = @n, cache = @own,
      heads = 1 : i64, head_dim = 64 : i64, rope = #gemma.rope<theta = 1.0e6, pairs = 8, factor = 1.0>, eps = 0.5}
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %2 = gemma.qkv %x, %p {norm = @n, q = @w, k = @w, q_norm = @n, k_norm = @n, cache = @all, heads = 1 : i64,
      head_dim = 64 : i64, rope = #gemma.rope<theta = 1.0e6, pairs = 32, factor = 1.0>, eps = 0.5}
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %3 = gemma.qkv %x, %p {norm = @n, q = @w8, k = @w8, q_norm = @n8, k_norm = @n8, cache = @small,
      heads = 1 : i64, head_dim = 8 : i64, rope = #gemma.rope<theta = 1.0e6, pairs = 1, factor = 1.0>, eps = 0.5}
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x8xf32>
    return
  }
}
