// RUN: gemmac-opt %s --gemma-fuse-attend --split-input-file --remarks-filter-missed=gemma-fuse-attend \
// RUN:   --verify-diagnostics | FileCheck %s

gemma.weight @o : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @post : tensor<4xf32> from <"m", 64, 16>
gemma.kv_cache @kv.0 heads 1 head_dim 2 window 0

// CHECK-LABEL: func @attend
// CHECK-SAME:  (%[[Q:.*]]: tensor<?x4xf32>, %[[X:.*]]: tensor<?x4xf32>, %[[P:.*]]: tensor<?xi32>)
func.func @attend(%q: tensor<?x4xf32>, %x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.attend %[[Q]], %[[P]], @kv.0 heads 2 o @o
  // CHECK-NEXT:   post_norm @post eps 0.5
  // CHECK-NEXT:   + %[[X]] : tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  %l = gemma.linear %a, @o : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %y = gemma.add %x, %n : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// The sum's operands may stand either way round.
// CHECK-LABEL: func @exchanged
// CHECK-SAME:  (%[[Q:.*]]: tensor<?x4xf32>, %[[X:.*]]: tensor<?x4xf32>, %[[P:.*]]: tensor<?xi32>)
func.func @exchanged(%q: tensor<?x4xf32>, %x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: gemma.attend %[[Q]], %[[P]]
  // CHECK-NEXT:   post_norm
  // CHECK-NEXT:   + %[[X]] :
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  %l = gemma.linear %a, @o : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %y = gemma.add %n, %x : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

gemma.weight @o : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @post : tensor<4xf32> from <"m", 64, 16>
gemma.kv_cache @kv.0 heads 1 head_dim 2 window 0

// CHECK-LABEL: func @another_reader
// CHECK-NOT:   gemma.attend %
func.func @another_reader(%q: tensor<?x4xf32>, %x: tensor<?x4xf32>, %p: tensor<?xi32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  %l = gemma.linear %a, @o : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{'gemma.linear' has another reader, 'func.return'}}
  %y = gemma.add %x, %n : tensor<?x4xf32>
  return %y, %l : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @no_residual
// CHECK-NOT:   gemma.attend %
func.func @no_residual(%q: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  // expected-remark @below {{no residual add of a normed projection reads it}}
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  %l = gemma.linear %a, @o : tensor<?x4xf32> -> tensor<?x4xf32>
  return %l : tensor<?x4xf32>
}

// CHECK-LABEL: func @norm_without_weight
// CHECK-NOT:   gemma.attend %
func.func @norm_without_weight(%q: tensor<?x4xf32>, %x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  %l = gemma.linear %a, @o : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the post norm is not a norm of whole rows with a weight}}
  %y = gemma.add %x, %n : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Moving the attention to the add would let it see the new keys.
// CHECK-LABEL: func @written_in_between
// CHECK-NOT:   gemma.attend %
func.func @written_in_between(%q: tensor<?x4xf32>, %x: tensor<?x4xf32>, %k: tensor<?x2xf32>, %p: tensor<?xi32>)
    -> tensor<?x4xf32> {
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  gemma.kv_write %k, %k, %p, @kv.0 : tensor<?x2xf32>, tensor<?xi32>
  %l = gemma.linear %a, @o : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the cache is written between the attention and the residual add}}
  %y = gemma.add %x, %n : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
