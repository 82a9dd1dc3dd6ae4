// Soft tokens of the caller go through prefill alone; rows see later ones of their block in prefill_block alone.
// RUN: gemmac-opt %s --gemma-split-functions="chunk=32 image-tokens=70" | FileCheck %s
// RUN: gemmac-opt %s --gemma-split-functions="chunk=32 image-tokens=70" --gemma-plan-caches="context=4096 chunk=32" \
// RUN:   | FileCheck %s --check-prefix=RINGS

// A ring keeps what the first row of a block still sees, when all of its rows are written.
// RINGS: gemma.kv_cache @kv.0 heads 1 head_dim 4 window 16
// RINGS-NEXT: as f16 capacity 96

gemma.weight @w : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @table : tensor<9x4xf32> from <"m", 0, 144>
gemma.weight @n : tensor<4xf32> from <"m", 0, 16>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 16
gemma.kv_cache @kv.1 heads 1 head_dim 4 window 0

// CHECK:       func.func @decode(%[[IDS:.*]]: tensor<?xi32>, %{{.*}}: tensor<?xi32>) -> tensor<?x9xf32>
// CHECK-NEXT:    gemma.embed %[[IDS]], @table scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
// CHECK:         gemma.attend %{{.*}}, @kv.0 heads 1 o @w
// CHECK:       func.func @verify(%[[IDS:.*]]: tensor<?xi32>, %{{.*}}: tensor<?xi32>) -> tensor<?x9xf32>
// CHECK-NEXT:    gemma.embed %[[IDS]], @table scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
// CHECK:       func.func @prefill(%[[IDS:.*]]: tensor<?xi32>, %{{.*}}: tensor<?xi32>,
// CHECK-SAME:      %[[SOFT:.*]]: tensor<?x4xf32> {gemma.name = "soft_tokens"}) attributes {gemma.max_rows = 32 : i64}
// CHECK-NEXT:    gemma.embed %[[IDS]], @table scale 2.0 soft %[[SOFT]]
// CHECK:         gemma.attend %{{.*}}, @kv.0 heads 1 o @w
// CHECK:       func.func @prefill_block(%[[IDS:.*]]: tensor<?xi32>, %{{.*}}: tensor<?xi32>,
// CHECK-SAME:      %[[SOFT:.*]]: tensor<?x4xf32> {gemma.name = "soft_tokens"}) attributes {gemma.max_rows = 70 : i64}
// CHECK-NEXT:    gemma.embed %[[IDS]], @table scale 2.0 soft %[[SOFT]]
// CHECK:         gemma.attend %{{.*}}, @kv.0 heads 1 blocks o @w
func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>, %soft: tensor<?x4xf32> {gemma.name = "soft_tokens"})
    -> tensor<?x9xf32> {
  %x = gemma.embed %ids, @table scale 2.0 soft %soft : tensor<?xi32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %q0 = gemma.qkv %x, %p norm @n eps 0.5
      heads 1 head_dim 4 rope <theta = 1.0e2, pairs = 2, factor = 1.0>
      q @w q_norm @n
      k @w k_norm @n
      cache @kv.0
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %a0 = gemma.attend %q0, %p, @kv.0 heads 1 blocks o @w
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
  %l = gemma.head %a1 norm @n eps 0.5 table @table : tensor<?x4xf32> -> tensor<?x9xf32>
  return %l : tensor<?x9xf32>
}
