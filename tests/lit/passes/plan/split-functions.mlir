// RUN: gemmac-opt %s --gemma-split-functions | FileCheck %s --check-prefixes=CHECK,DEFAULT
// RUN: gemmac-opt %s --gemma-split-functions="chunk=32 verify-rows=4" | FileCheck %s --check-prefixes=CHECK,OPTIONS

gemma.weight @w : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @table : tensor<9x4xf32> from <"m", 0, 144>
gemma.weight @n : tensor<4xf32> from <"m", 0, 16>
gemma.weight @ple : tensor<9x8xf32> from <"m", 0, 288>
gemma.weight @proj : tensor<8x4xf32> from <"m", 0, 128>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0
gemma.kv_cache @kv.1 heads 1 head_dim 4 window 0

// CHECK-NOT: @forward

// CHECK:       func.func @decode({{.*}}) -> tensor<?x9xf32>
// CHECK-SAME:    attributes {gemma.max_rows = 1 : i64}
// CHECK-COUNT-3: gemma.qkv
// CHECK:       %[[LOGITS:.*]] = gemma.head
// CHECK-NEXT:    :
// CHECK-NEXT:  return %[[LOGITS]]

// DEFAULT:     func.func @verify({{.*}}) -> tensor<?x9xf32>
// DEFAULT-SAME:  attributes {gemma.max_rows = 8 : i64}
// OPTIONS:     func.func @verify({{.*}}) -> tensor<?x9xf32>
// OPTIONS-SAME:  attributes {gemma.max_rows = 4 : i64}
// CHECK-COUNT-3: gemma.qkv
// CHECK:       gemma.head

// Layer 2 reads the cache of layer 1 and comes last: nobody needs it, nor what follows the last cache write.
// DEFAULT:     func.func @prefill(%[[IDS:.*]]: tensor<?xi32>, %[[P:.*]]: tensor<?xi32>)
// DEFAULT-SAME:  attributes {gemma.max_rows = 128 : i64}
// OPTIONS:     func.func @prefill(%[[IDS:.*]]: tensor<?xi32>, %[[P:.*]]: tensor<?xi32>)
// OPTIONS-SAME:  attributes {gemma.max_rows = 32 : i64}
// CHECK-NEXT:  %[[X:.*]] = gemma.embed %[[IDS]]
// CHECK-NEXT:  %[[Q:.*]] = gemma.qkv %[[X]], %[[P]]
// CHECK:         cache @kv.0
// CHECK:       %[[A:.*]] = gemma.attend %[[Q]], %[[P]], @kv.0
// CHECK:         + %[[X]] :
// CHECK-NEXT:  gemma.qkv %[[A]], %[[P]]
// CHECK:         cache @kv.1
// CHECK-NEXT:    :
// CHECK-NEXT:  return{{$}}
func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x9xf32> {
  %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  %ple = gemma.ple_input %x proj @proj context_scale 1.0
      norm @n groups 2 eps 0.5
      + @ple[%ids] token_scale 1.0 result_scale 1.0
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %q0 = gemma.qkv %x, %p norm @n eps 0.5
      heads 1 head_dim 4 rope <theta = 1.0e2, pairs = 2, factor = 1.0>
      q @w q_norm @n
      k @w k_norm @n
      cache @kv.0
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %a0 = gemma.attend %q0, %p, @kv.0 heads 1 o @w
      post_norm @n eps 0.5
      + %x : tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>
  %q1 = gemma.qkv %a0, %p norm @n eps 0.5
      heads 1 head_dim 4 rope <theta = 1.0e2, pairs = 2, factor = 1.0>
      q @w q_norm @n
      k @w k_norm @n
      cache @kv.1
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %a1 = gemma.attend %q1, %p, @kv.1 heads 1 o @w
      post_norm @n eps 0.5
      + %a0 : tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>
  %m1 = gemma.ple_mix %a1 gelu(@w) * %ple at 0
      proj @w
      post_norm @n eps 0.5
      : tensor<?x4xf32>, tensor<?x8xf32>
  %q2 = gemma.qkv %m1, %p norm @n eps 0.5
      heads 1 head_dim 4 rope <theta = 1.0e2, pairs = 2, factor = 1.0>
      q @w q_norm @n
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %a2 = gemma.attend %q2, %p, @kv.1 heads 1 o @w
      post_norm @n eps 0.5
      + %m1 : tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>
  %f2 = gemma.ffn %a2 pre_norm @n eps 0.5
      geglu(@w, @w) down @w
      post_norm @n : tensor<?x4xf32>
  %l = gemma.head %f2 norm @n eps 0.5 table @table
      : tensor<?x4xf32> -> tensor<?x9xf32>
  return %l : tensor<?x9xf32>
}
