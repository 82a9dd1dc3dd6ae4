// RUN: gemmac-opt %s --gemma-plan-caches="context=100 chunk=20 format=f16" --split-input-file \
// RUN:   | FileCheck %s --check-prefixes=CHECK,CHUNK
// RUN: gemmac-opt %s --gemma-plan-caches="verify-rows=12 chunk=1 format=f32" --split-input-file \
// RUN:   | FileCheck %s --check-prefixes=CHECK,VERIFY

// All positions without a window (100 and 500, by blocks of 16). A ring of 8 + 20 - 1 or 8 + 12 - 1 positions. No ring
// is longer than the context. What nothing uses is gone.
// CHUNK: gemma.program context 100 slots 1 slot_bytes 55296
// VERIFY: gemma.program context 500 slots 1 slot_bytes 405504
module attributes {gemma.model = {context = 500 : i64}} {
  gemma.weight @n : tensor<8xf32> from <"f", 0, 32>
  // CHUNK:  gemma.kv_cache @kv.0 heads 2 head_dim 8 window 0
  // CHUNK-NEXT: as f16 capacity 112 bytes 28672 at 0{{$}}
  // VERIFY: gemma.kv_cache @kv.0 heads 2 head_dim 8 window 0
  // VERIFY-NEXT: as f32 capacity 512 bytes 262144 at 0{{$}}
  gemma.kv_cache @kv.0 heads 2 head_dim 8 window 0
  // CHECK-NOT: @kv.1
  gemma.kv_cache @kv.1 heads 2 head_dim 8 window 0
  // CHUNK:  gemma.kv_cache @kv.2 heads 1 head_dim 72 window 8
  // CHUNK-NEXT: as f16 capacity 32 bytes 12288 at 28672{{$}}
  // VERIFY: gemma.kv_cache @kv.2 heads 1 head_dim 72 window 8
  // VERIFY-NEXT: as f32 capacity 32 bytes 24576 at 262144{{$}}
  gemma.kv_cache @kv.2 heads 1 head_dim 72 window 8
  // CHUNK:  gemma.kv_cache @kv.3 heads 1 head_dim 2 window 450
  // CHUNK-NEXT: as {{f[0-9]+}} capacity 112 bytes 14336
  // VERIFY: gemma.kv_cache @kv.3 heads 1 head_dim 2 window 450
  // VERIFY-NEXT: as {{f[0-9]+}} capacity 464 bytes 118784
  gemma.kv_cache @kv.3 heads 1 head_dim 2 window 450
  func.func @decode(%k: tensor<?x16xf32>, %w: tensor<?x72xf32>, %s: tensor<?x2xf32>, %p: tensor<?xi32>) {
    gemma.kv_write %k, %k, %p, @kv.0 : tensor<?x16xf32>, tensor<?xi32>
    gemma.kv_write %w, %w, %p, @kv.2 : tensor<?x72xf32>, tensor<?xi32>
    gemma.kv_write %s, %s, %p, @kv.3 : tensor<?x2xf32>, tensor<?xi32>
    return
  }
}

// -----

// Nothing to cache is no error.
// CHECK: gemma.program {{.*}} slot_bytes 0
module attributes {gemma.model = {context = 500 : i64}} {
}
