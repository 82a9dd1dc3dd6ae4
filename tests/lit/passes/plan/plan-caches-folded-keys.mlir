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
  // FOLD-NEXT: bytes 3456 at {{[0-9]+}} rotated turned_pairs 8
  // WHOLE: gemma.kv_cache @part heads 1 head_dim 64 window 0
  // WHOLE-NEXT: bytes 32768 at 0
  gemma.kv_cache @part heads 1 head_dim 64 window 0
  // FOLD:  gemma.kv_cache @own heads 1 head_dim 64 window 0
  // FOLD-NEXT: bytes 4608 at {{[0-9]+}} rotated{{$}}
  gemma.kv_cache @own heads 1 head_dim 64 window 0
  // FOLD:  gemma.kv_cache @all heads 1 head_dim 64 window 0
  // FOLD-NEXT: bytes 4608 at {{[0-9]+}} rotated{{$}}
  gemma.kv_cache @all heads 1 head_dim 64 window 0
  // FOLD:  gemma.kv_cache @small heads 1 head_dim 8 window 0
  // FOLD-NEXT: bytes 2304 at {{[0-9]+}} rotated{{$}}
  gemma.kv_cache @small heads 1 head_dim 8 window 0
  func.func @decode(%x: tensor<?x64xf32>, %p: tensor<?xi32>) {
    %0 = gemma.qkv %x, %p norm @n eps 0.5
        heads 1 head_dim 64 rope <theta = 1.0e6, pairs = 8, factor = 1.0>
        q @w q_norm @n
        k @w k_norm @n
        cache @part
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %1 = gemma.qkv %x, %p norm @n eps 0.5
        heads 1 head_dim 64 rope <theta = 1.0e6, pairs = 8, factor = 1.0>
        q @w q_norm @n
        k @w k_norm @n
        v @w
        cache @own
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %2 = gemma.qkv %x, %p norm @n eps 0.5
        heads 1 head_dim 64 rope <theta = 1.0e6, pairs = 32, factor = 1.0>
        q @w q_norm @n
        k @w k_norm @n
        cache @all
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %3 = gemma.qkv %x, %p norm @n eps 0.5
        heads 1 head_dim 8 rope <theta = 1.0e6, pairs = 1, factor = 1.0>
        q @w8 q_norm @n8
        k @w8 k_norm @n8
        cache @small
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x8xf32>
    return
  }
}
