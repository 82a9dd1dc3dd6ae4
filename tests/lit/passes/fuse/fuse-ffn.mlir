// RUN: gemmac-opt %s --gemma-fuse-ffn --split-input-file --remarks-filter-missed=gemma-fuse-ffn --verify-diagnostics \
// RUN:   | FileCheck %s

gemma.weight @pre : tensor<4xf32> from <"m", 0, 16>
gemma.weight @gate : tensor<6x4xf32> from <"m", 16, 96>
gemma.weight @up : tensor<6x4xf32> from <"m", 112, 96>
gemma.weight @down : tensor<4x6xf32> from <"m", 208, 96>
gemma.weight @post : tensor<4xf32> from <"m", 304, 16>
gemma.weight @scalar : tensor<1xf32> from <"m", 320, 4>

// CHECK-LABEL: func @ffn
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>)
func.func @ffn(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.ffn %[[X]] pre_norm @pre eps 0.5
  // CHECK-NEXT:   geglu(@gate, @up) down @down
  // CHECK-NEXT:   post_norm @post : tensor<?x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @with_layer_scale
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>)
func.func @with_layer_scale(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.ffn %[[X]]
  // CHECK-NEXT:   geglu
  // CHECK-NEXT:   post_norm @post layer_scale @scalar :
  // CHECK-NEXT: return %[[Y]]
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %r = gemma.add %x, %n : tensor<?x4xf32>
  %s = gemma.layer_scale %r, @scalar : tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// The unscaled stream is read too, so the scale stays an op of its own.
// CHECK-LABEL: func @layer_scale_stays
func.func @layer_scale_stays(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // CHECK-NEXT: %[[Y:.*]] = gemma.ffn
  // CHECK:        post_norm @post : tensor<?x4xf32>
  // CHECK-NEXT: gemma.layer_scale %[[Y]], @scalar
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %r = gemma.add %x, %n : tensor<?x4xf32>
  // expected-remark @below {{its input has another reader}}
  %s = gemma.layer_scale %r, @scalar : tensor<?x4xf32>
  return %s, %r : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

gemma.weight @pre : tensor<4xf32> from <"m", 0, 16>
gemma.weight @gate : tensor<6x4xf32> from <"m", 16, 96>
gemma.weight @up : tensor<6x4xf32> from <"m", 112, 96>
gemma.weight @down : tensor<4x6xf32> from <"m", 208, 96>
gemma.weight @post : tensor<4xf32> from <"m", 304, 16>

// CHECK-LABEL: func @norm_read_elsewhere
// CHECK-NOT:   gemma.ffn %
func.func @norm_read_elsewhere(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{'gemma.rms_norm' has another reader, 'func.return'}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r, %y : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @unlike_eps
// CHECK-NOT:   gemma.ffn %
func.func @unlike_eps(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.25 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the norms have unlike eps}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @other_stream
// CHECK-NOT:   gemma.ffn %
func.func @other_stream(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %y, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the MLP's norm does not read the residual stream}}
  %r = gemma.add %z, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @unlike_inputs
// CHECK-NOT:   gemma.ffn %
func.func @unlike_inputs(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.rms_norm %x, @pre groups 1 eps 0.5 : tensor<?x4xf32>
  %g = gemma.linear %y, @gate : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = gemma.linear %x, @up : tensor<?x4xf32> -> tensor<?x6xf32>
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  %d = gemma.linear %m, @down : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %d, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{gate and up are not two projections of one value}}
  %r = gemma.add %x, %n : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @no_residual
// CHECK-NOT:   gemma.ffn %
func.func @no_residual(%g: tensor<?x6xf32>, %u: tensor<?x6xf32>) -> tensor<?x6xf32> {
  // expected-remark @below {{no residual add of a normed projection reads it}}
  %m = gemma.geglu %g, %u : tensor<?x6xf32>
  return %m : tensor<?x6xf32>
}
