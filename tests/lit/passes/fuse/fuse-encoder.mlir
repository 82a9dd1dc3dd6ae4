// The vision tower: each group becomes one op, and a group that is something else stays, with a reason.
// RUN: gemmac-opt %s --gemma-fuse-patches --gemma-fuse-encoder-attention --gemma-fuse-pool --split-input-file \
// RUN:   --remarks-filter-missed=gemma-fuse-.* --verify-diagnostics | FileCheck %s

gemma.weight @proj : tensor<8x12xf32> from <"m", 0, 384>
gemma.weight @columns : tensor<64x8xf32> from <"m", 0, 2048>
gemma.weight @rows : tensor<64x8xf32> from <"m", 0, 2048>
gemma.weight @vector : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @head_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @out : tensor<12x8xf32> from <"m", 0, 384>

// CHECK-LABEL: func @patches
// CHECK-SAME:  (%[[P:.*]]: tensor<?x12xf32>, %[[AT:.*]]: tensor<?x2xi32>)
func.func @patches(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[X:.*]] = gemma.patch_embed %[[P]] by 2.0 plus -1.0 proj @proj
  // CHECK-NEXT:   + %[[AT]] in @columns, @rows
  // CHECK-NEXT: return %[[X]]
  %a = gemma.affine %p by 2.0 plus -1.0 : tensor<?x12xf32>
  %l = gemma.linear %a, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  %x = gemma.add_places %l, %at, @columns, @rows : tensor<?x8xf32>, tensor<?x2xi32>
  return %x : tensor<?x8xf32>
}

// CHECK-LABEL: func @no_factor
// CHECK-NOT:   gemma.patch_embed %
func.func @no_factor(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %l = gemma.linear %p, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  // expected-remark @below {{what places are added to is not a projection of patches times a factor}}
  %x = gemma.add_places %l, %at, @columns, @rows : tensor<?x8xf32>, tensor<?x2xi32>
  return %x : tensor<?x8xf32>
}

// CHECK-LABEL: func @attention
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>, %[[AT:.*]]: tensor<?x2xi32>)
func.func @attention(%x: tensor<?x8xf32>, %at: tensor<?x2xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.encoder_attention %[[X]], %[[AT]] norm @vector eps 0.5
  // CHECK-NEXT:   heads 4 kv_heads 2 head_dim 4 theta 100.0
  // CHECK-NEXT:   q @q q_norm @head_norm
  // CHECK-NEXT:   k @k k_norm @head_norm
  // CHECK-NEXT:   v @k
  // CHECK-NEXT:   o @o post_norm @vector
  // CHECK-NEXT: return %[[Y]]
  %y = gemma.rms_norm %x, @vector groups 1 eps 0.5 : tensor<?x8xf32>
  %q = gemma.linear %y, @q : tensor<?x8xf32> -> tensor<?x16xf32>
  %qn = gemma.rms_norm %q, @head_norm groups 4 eps 0.5 : tensor<?x16xf32>
  %qr = gemma.rope_places %qn, %at heads 4 theta 100.0 : tensor<?x16xf32>, tensor<?x2xi32>
  %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %kn = gemma.rms_norm %k, @head_norm groups 2 eps 0.5 : tensor<?x8xf32>
  %kr = gemma.rope_places %kn, %at heads 2 theta 100.0 : tensor<?x8xf32>, tensor<?x2xi32>
  %v = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %vn = gemma.rms_norm %v groups 2 eps 0.5 : tensor<?x8xf32>
  %a = gemma.attention_all %qr, %kr, %vn heads 4 kv_heads 2 : tensor<?x16xf32>, tensor<?x8xf32>
  %l = gemma.linear %a, @o : tensor<?x16xf32> -> tensor<?x8xf32>
  %n = gemma.rms_norm %l, @vector groups 1 eps 0.5 : tensor<?x8xf32>
  %s = gemma.add %x, %n : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// CHECK-LABEL: func @unlike_turns
// CHECK-NOT:   gemma.encoder_attention %
func.func @unlike_turns(%x: tensor<?x8xf32>, %at: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %y = gemma.rms_norm %x, @vector groups 1 eps 0.5 : tensor<?x8xf32>
  %q = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %qn = gemma.rms_norm %q, @head_norm groups 2 eps 0.5 : tensor<?x8xf32>
  %qr = gemma.rope_places %qn, %at heads 2 theta 50.0 : tensor<?x8xf32>, tensor<?x2xi32>
  %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %kn = gemma.rms_norm %k, @head_norm groups 2 eps 0.5 : tensor<?x8xf32>
  %kr = gemma.rope_places %kn, %at heads 2 theta 100.0 : tensor<?x8xf32>, tensor<?x2xi32>
  %v = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %vn = gemma.rms_norm %v groups 2 eps 0.5 : tensor<?x8xf32>
  %a = gemma.attention_all %qr, %kr, %vn heads 2 kv_heads 2 : tensor<?x8xf32>, tensor<?x8xf32>
  %l = gemma.linear %a, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %n = gemma.rms_norm %l, @vector groups 1 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{queries and keys are not turned alike}}
  %s = gemma.add %x, %n : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// CHECK-LABEL: func @pooled
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>)
func.func @pooled(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.pool_project %[[X]] by 9 factor 0.25 standardize @vector, @vector
  // CHECK-NEXT:   eps 0.5 proj @out
  // CHECK-NEXT: return %[[Y]]
  %p = gemma.pool %x by 9 factor 0.25 : tensor<?x8xf32> -> tensor<?x8xf32>
  %s = gemma.standardize %p, @vector, @vector : tensor<?x8xf32>
  %n = gemma.rms_norm %s groups 1 eps 0.5 : tensor<?x8xf32>
  %y = gemma.linear %n, @out : tensor<?x8xf32> -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// CHECK-LABEL: func @not_standardized
func.func @not_standardized(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-NEXT: gemma.pool_project %{{.*}} by 4 factor 0.25{{$}}
  %p = gemma.pool %x by 4 factor 0.25 : tensor<?x8xf32> -> tensor<?x8xf32>
  %n = gemma.rms_norm %p groups 1 eps 0.5 : tensor<?x8xf32>
  %y = gemma.linear %n, @out : tensor<?x8xf32> -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// CHECK-LABEL: func @weighted_norm
// CHECK-NOT:   gemma.pool_project %
func.func @weighted_norm(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // expected-remark @below {{no projection of its norm, a norm of whole rows without a weight, reads it}}
  %p = gemma.pool %x by 4 factor 0.25 : tensor<?x8xf32> -> tensor<?x8xf32>
  %n = gemma.rms_norm %p, @vector groups 1 eps 0.5 : tensor<?x8xf32>
  %y = gemma.linear %n, @out : tensor<?x8xf32> -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}
