// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file --verify-diagnostics | FileCheck %s

// Attention over a cache with turned pairs gets the weight that makes keys of values: that of the layer which writes
// the cache, also in a layer that reads it with a query of its own.
// CHECK: gemma.step.qkv
// CHECK-NEXT:  q_norm @p.qn k_norm @p.kn eps 0.5
// CHECK-NEXT:  cache @kv.0 keys_are_values{{$}}
// CHECK: gemma.step.attention_splits %{{.*}}, @kv.0 -> %{{.*}} heads 1
// CHECK-NEXT:  key_norm @p.kn :
// CHECK: gemma.step.attention_merge %{{.*}}, @kv.0 -> %{{.*}} heads 1 replicated
// CHECK: gemma.step.qkv
// CHECK-NEXT:  q_norm @p.qn eps 0.5
// CHECK-NEXT:  :
// CHECK: gemma.step.attention_splits %{{.*}}, @kv.0 -> %{{.*}} heads 1
// CHECK-NEXT:  key_norm @p.kn :
module {
  gemma.program context 64 slots 1 slot_bytes 3072
  gemma.weight @n : tensor<64xf32> from <"f", 0, 256>
  gemma.weight @qn : tensor<64xf32> from <"f", 0, 256>
  gemma.weight @kn : tensor<64xf32> from <"f", 0, 256>
  gemma.weight @w : tensor<64x64xf32> as f32 from <"f", 0, 16384>
  gemma.weight @table : tensor<6x64xf32> as q8 from <"f", 0, 1536>
  gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
    as f16 capacity 16 bytes 3072 at 0 turned_pairs 8
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x64xf32>
    %q = gemma.qkv %x, %p norm @n eps 0.5
        heads 1 head_dim 64 rope <theta = 1.0e4, pairs = 8, factor = 1.0>
        q @w q_norm @qn
        k @w k_norm @kn
        cache @kv.0
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 1 o @w
        post_norm @n eps 0.5
        + %x : tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>
    %q2 = gemma.qkv %y, %p norm @n eps 0.5
        heads 1 head_dim 64 rope <theta = 1.0e4, pairs = 8, factor = 1.0>
        q @w q_norm @qn
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    %z = gemma.attend %q2, %p, @kv.0 heads 1 o @w
        post_norm @n eps 0.5
        + %y : tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 3072
  gemma.weight @n : tensor<64xf32> from <"f", 0, 256>
  gemma.weight @w : tensor<64x64xf32> as f32 from <"f", 0, 16384>
  gemma.weight @table : tensor<6x64xf32> as q8 from <"f", 0, 1536>
  gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
    as f16 capacity 16 bytes 3072 at 0 turned_pairs 8
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x64xf32>
    // expected-error @below {{reads @kv.0, whose keys are made of its values, before a gemma.qkv writes it}}
    %y = gemma.attend %x, %p, @kv.0 heads 1 o @w
        post_norm @n eps 0.5
        + %x : tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>
    return
  }
}
