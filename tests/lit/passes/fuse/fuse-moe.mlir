// RUN: gemmac-opt %s --gemma-fuse-moe --split-input-file --remarks-filter-missed=gemma-fuse-moe --verify-diagnostics \
// RUN:   | FileCheck %s

gemma.weight @pre : tensor<4xf32> from <"m", 0, 16>
gemma.weight @gate : tensor<6x4xf32> from <"m", 0, 96>
gemma.weight @up : tensor<6x4xf32> from <"m", 0, 96>
gemma.weight @down : tensor<4x6xf32> from <"m", 0, 96>
gemma.weight @post1 : tensor<4xf32> from <"m", 0, 16>
gemma.weight @rproj : tensor<3x4xf32> from <"m", 0, 48>
gemma.weight @rscale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @rper : tensor<3xf32> from <"m", 0, 12>
gemma.weight @pre2 : tensor<4xf32> from <"m", 0, 16>
gemma.weight @gate_up : tensor<3x10x4xf32> from <"m", 0, 480>
gemma.weight @edown : tensor<3x4x5xf32> from <"m", 0, 240>
gemma.weight @post2 : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post : tensor<4xf32> from <"m", 0, 16>
gemma.weight @scalar : tensor<1xf32> from <"m", 0, 4>

// CHECK-LABEL: func @moe
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>)
func.func @moe(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.moe %[[X]] eps 0.5
  // CHECK-NEXT:   dense pre_norm @pre
  // CHECK-NEXT:   geglu(@gate, @up) down @down
  // CHECK-NEXT:   post_norm @post1
  // CHECK-NEXT:   router scale @rscale factor 0.25 proj @rproj
  // CHECK-NEXT:   top_k 2 per_expert_scale @rper
  // CHECK-NEXT:   experts pre_norm @pre2
  // CHECK-NEXT:   gate_up @gate_up down @edown
  // CHECK-NEXT:   post_norm @post2
  // CHECK-NEXT:   sum post_norm @post layer_scale @scalar
  // CHECK-NEXT:   : tensor<?x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %dn = gemma.rms_norm %d, @post1 groups 1 eps 0.5 : tensor<?x4xf32>
  %w, %i = gemma.router %x scale @rscale factor 0.25 eps 0.5
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y2 = gemma.rms_norm %x, @pre2 groups 1 eps 0.5 : tensor<?x4xf32>
  %e = gemma.experts %y2, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %en = gemma.rms_norm %e, @post2 groups 1 eps 0.5 : tensor<?x4xf32>
  %s = gemma.add %dn, %en : tensor<?x4xf32>
  %n = gemma.rms_norm %s, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %r = gemma.add %x, %n : tensor<?x4xf32>
  %z = gemma.layer_scale %r, @scalar : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// The branches may stand either way round; without a layer scale.
// CHECK-LABEL: func @exchanged
func.func @exchanged(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.moe
  // CHECK:        sum post_norm @post{{$}}
  // CHECK-NEXT:   : tensor<?x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %w, %i = gemma.router %x scale @rscale factor 0.25 eps 0.5
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y2 = gemma.rms_norm %x, @pre2 groups 1 eps 0.5 : tensor<?x4xf32>
  %e = gemma.experts %y2, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %en = gemma.rms_norm %e, @post2 groups 1 eps 0.5 : tensor<?x4xf32>
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %dn = gemma.rms_norm %d, @post1 groups 1 eps 0.5 : tensor<?x4xf32>
  %s = gemma.add %en, %dn : tensor<?x4xf32>
  %n = gemma.rms_norm %s, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %r = gemma.add %n, %x : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @picks_read_elsewhere
// CHECK-NOT:   gemma.moe %
func.func @picks_read_elsewhere(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x2xi32>) {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %dn = gemma.rms_norm %d, @post1 groups 1 eps 0.5 : tensor<?x4xf32>
  %w, %i = gemma.router %x scale @rscale factor 0.25 eps 0.5
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y2 = gemma.rms_norm %x, @pre2 groups 1 eps 0.5 : tensor<?x4xf32>
  %e = gemma.experts %y2, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %en = gemma.rms_norm %e, @post2 groups 1 eps 0.5 : tensor<?x4xf32>
  %s = gemma.add %dn, %en : tensor<?x4xf32>
  %n = gemma.rms_norm %s, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{'gemma.router' has another reader, 'func.return'}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r, %i : tensor<?x4xf32>, tensor<?x2xi32>
}

// CHECK-LABEL: func @router_reads_the_norm
// CHECK-NOT:   gemma.moe %
func.func @router_reads_the_norm(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %dn = gemma.rms_norm %d, @post1 groups 1 eps 0.5 : tensor<?x4xf32>
  %y2 = gemma.rms_norm %x, @pre2 groups 1 eps 0.5 : tensor<?x4xf32>
  %w, %i = gemma.router %y2 scale @rscale factor 0.25 eps 0.5
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %e = gemma.experts %y2, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %en = gemma.rms_norm %e, @post2 groups 1 eps 0.5 : tensor<?x4xf32>
  %s = gemma.add %dn, %en : tensor<?x4xf32>
  %n = gemma.rms_norm %s, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{router and experts do not start from the residual stream}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @router_eps
// CHECK-NOT:   gemma.moe %
func.func @router_eps(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %dn = gemma.rms_norm %d, @post1 groups 1 eps 0.5 : tensor<?x4xf32>
  %w, %i = gemma.router %x scale @rscale factor 0.25 eps 0.25
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y2 = gemma.rms_norm %x, @pre2 groups 1 eps 0.5 : tensor<?x4xf32>
  %e = gemma.experts %y2, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %en = gemma.rms_norm %e, @post2 groups 1 eps 0.5 : tensor<?x4xf32>
  %s = gemma.add %dn, %en : tensor<?x4xf32>
  %n = gemma.rms_norm %s, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the norms have unlike eps}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @no_dense_branch
// CHECK-NOT:   gemma.moe %
func.func @no_dense_branch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w, %i = gemma.router %x scale @rscale factor 0.25 eps 0.5
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y2 = gemma.rms_norm %x, @pre2 groups 1 eps 0.5 : tensor<?x4xf32>
  %e = gemma.experts %y2, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %en = gemma.rms_norm %e, @post2 groups 1 eps 0.5 : tensor<?x4xf32>
  %s = gemma.add %x, %en : tensor<?x4xf32>
  %n = gemma.rms_norm %s, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the other branch is not a normed MLP}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @no_residual
// CHECK-NOT:   gemma.moe %
func.func @no_residual(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w, %i = gemma.router %x scale @rscale factor 0.25 eps 0.5
      proj @rproj top_k 2 per_expert_scale @rper
      : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // expected-remark @below {{no residual add of the normed sum with a dense MLP reads it}}
  %e = gemma.experts %x, %w, %i, @gate_up, @edown : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  return %e : tensor<?x4xf32>
}
