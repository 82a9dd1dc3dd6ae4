// RUN: gemmac-opt %s --gemma-fuse-ple --split-input-file --remarks-filter-missed=gemma-fuse-ple --verify-diagnostics \
// RUN:   | FileCheck %s

gemma.weight @table : tensor<9x6xf32> from <"m", 0, 216>
gemma.weight @proj : tensor<6x4xf32> from <"m", 216, 96>
gemma.weight @norm : tensor<3xf32> from <"m", 312, 12>

// CHECK-LABEL: func @input
// CHECK-SAME:  (%[[IDS:.*]]: tensor<?xi32>, %[[X:.*]]: tensor<?x4xf32>)
func.func @input(%ids: tensor<?xi32>, %x: tensor<?x4xf32>) -> tensor<?x6xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.ple_input %[[X]] proj @proj context_scale 0.5
  // CHECK-NEXT:   norm @norm groups 2 eps 0.25
  // CHECK-NEXT:   + @table[%[[IDS]]] token_scale 1.5 result_scale 0.75
  // CHECK-NEXT:   : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x6xf32>
  // CHECK-NEXT: return %[[Y]]
  %t = gemma.embed %ids, @table scale 1.5 : tensor<?xi32> -> tensor<?x6xf32>
  %l = gemma.linear %x, @proj : tensor<?x4xf32> -> tensor<?x6xf32>
  %c = gemma.scale %l by 0.5 : tensor<?x6xf32>
  %n = gemma.rms_norm %c, @norm groups 2 eps 0.25 : tensor<?x6xf32>
  %a = gemma.add %n, %t : tensor<?x6xf32>
  %r = gemma.scale %a by 0.75 : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

gemma.weight @table : tensor<9x6xf32> from <"m", 0, 216>
gemma.weight @proj : tensor<6x4xf32> from <"m", 216, 96>
gemma.weight @norm : tensor<3xf32> from <"m", 312, 12>

// CHECK-LABEL: func @input_another_reader
// CHECK-NOT:   gemma.ple_input %
func.func @input_another_reader(%ids: tensor<?xi32>, %x: tensor<?x4xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %t = gemma.embed %ids, @table scale 1.5 : tensor<?xi32> -> tensor<?x6xf32>
  %l = gemma.linear %x, @proj : tensor<?x4xf32> -> tensor<?x6xf32>
  %c = gemma.scale %l by 0.5 : tensor<?x6xf32>
  %n = gemma.rms_norm %c, @norm groups 2 eps 0.25 : tensor<?x6xf32>
  %a = gemma.add %n, %t : tensor<?x6xf32>
  // expected-remark @below {{'gemma.embed' has another reader, 'func.return'}}
  %r = gemma.scale %a by 0.75 : tensor<?x6xf32>
  return %r, %t : tensor<?x6xf32>, tensor<?x6xf32>
}

// CHECK-LABEL: func @input_unscaled
// CHECK-NOT:   gemma.ple_input %
func.func @input_unscaled(%ids: tensor<?xi32>, %x: tensor<?x4xf32>) -> tensor<?x6xf32> {
  %t = gemma.embed %ids, @table scale 1.5 : tensor<?xi32> -> tensor<?x6xf32>
  %l = gemma.linear %x, @proj : tensor<?x4xf32> -> tensor<?x6xf32>
  %n = gemma.rms_norm %l, @norm groups 2 eps 0.25 : tensor<?x6xf32>
  %a = gemma.add %n, %t : tensor<?x6xf32>
  // expected-remark @below {{the norm does not read a scaled projection}}
  %r = gemma.scale %a by 0.75 : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// CHECK-LABEL: func @input_norm_without_weight
// CHECK-NOT:   gemma.ple_input %
func.func @input_norm_without_weight(%ids: tensor<?xi32>, %x: tensor<?x4xf32>) -> tensor<?x6xf32> {
  %t = gemma.embed %ids, @table scale 1.5 : tensor<?xi32> -> tensor<?x6xf32>
  %l = gemma.linear %x, @proj : tensor<?x4xf32> -> tensor<?x6xf32>
  %c = gemma.scale %l by 0.5 : tensor<?x6xf32>
  %n = gemma.rms_norm %c groups 2 eps 0.25 : tensor<?x6xf32>
  %a = gemma.add %n, %t : tensor<?x6xf32>
  // expected-remark @below {{the norm has no weight}}
  %r = gemma.scale %a by 0.75 : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// CHECK-LABEL: func @lone_scale
func.func @lone_scale(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-remark @below {{it is no part of the per-layer inputs}}
  %r = gemma.scale %x by 0.75 : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

gemma.weight @gate : tensor<3x4xf32> from <"m", 0, 48>
gemma.weight @proj : tensor<4x3xf32> from <"m", 48, 48>
gemma.weight @post : tensor<4xf32> from <"m", 96, 16>
gemma.weight @scalar : tensor<1xf32> from <"m", 112, 4>

// CHECK-LABEL: func @mix
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>, %[[PLE:.*]]: tensor<?x6xf32>)
func.func @mix(%x: tensor<?x4xf32>, %ple: tensor<?x6xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.ple_mix %[[X]] gelu(@gate) * %[[PLE]] at 3
  // CHECK-NEXT:   proj @proj
  // CHECK-NEXT:   post_norm @post eps 0.5 layer_scale @scalar
  // CHECK-NEXT:   : tensor<?x4xf32>, tensor<?x6xf32>
  // CHECK-NEXT: return %[[Y]]
  %g = gemma.linear %x, @gate : tensor<?x4xf32> -> tensor<?x3xf32>
  %s = gemma.slice %ple at 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  %m = gemma.geglu %g, %s : tensor<?x3xf32>
  %l = gemma.linear %m, @proj : tensor<?x3xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  %a = gemma.add %x, %n : tensor<?x4xf32>
  %r = gemma.layer_scale %a, @scalar : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

gemma.weight @gate : tensor<3x4xf32> from <"m", 0, 48>
gemma.weight @proj : tensor<4x3xf32> from <"m", 48, 48>
gemma.weight @post : tensor<4xf32> from <"m", 96, 16>

// CHECK-LABEL: func @mix_offset
// CHECK-NOT:   gemma.ple_mix %
func.func @mix_offset(%x: tensor<?x4xf32>, %ple: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %g = gemma.linear %x, @gate : tensor<?x4xf32> -> tensor<?x3xf32>
  %s = gemma.slice %ple at 1 : tensor<?x6xf32> -> tensor<?x3xf32>
  %m = gemma.geglu %g, %s : tensor<?x3xf32>
  %l = gemma.linear %m, @proj : tensor<?x3xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the slice's offset is no multiple of its width}}
  %a = gemma.add %x, %n : tensor<?x4xf32>
  return %a : tensor<?x4xf32>
}

// CHECK-LABEL: func @mix_other_stream
// CHECK-NOT:   gemma.ple_mix %
func.func @mix_other_stream(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>, %ple: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %g = gemma.linear %z, @gate : tensor<?x4xf32> -> tensor<?x3xf32>
  %s = gemma.slice %ple at 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  %m = gemma.geglu %g, %s : tensor<?x3xf32>
  %l = gemma.linear %m, @proj : tensor<?x3xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the gate does not read the residual stream}}
  %a = gemma.add %x, %n : tensor<?x4xf32>
  return %a : tensor<?x4xf32>
}

// CHECK-LABEL: func @mix_another_reader
// CHECK-NOT:   gemma.ple_mix %
func.func @mix_another_reader(%x: tensor<?x4xf32>, %ple: tensor<?x6xf32>) -> (tensor<?x4xf32>, tensor<?x3xf32>) {
  %g = gemma.linear %x, @gate : tensor<?x4xf32> -> tensor<?x3xf32>
  %s = gemma.slice %ple at 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  %m = gemma.geglu %g, %s : tensor<?x3xf32>
  %l = gemma.linear %m, @proj : tensor<?x3xf32> -> tensor<?x4xf32>
  %n = gemma.rms_norm %l, @post groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{'gemma.slice' has another reader, 'func.return'}}
  %a = gemma.add %x, %n : tensor<?x4xf32>
  return %a, %s : tensor<?x4xf32>, tensor<?x3xf32>
}

// CHECK-LABEL: func @mix_no_residual
func.func @mix_no_residual(%g: tensor<?x3xf32>, %ple: tensor<?x6xf32>) -> tensor<?x3xf32> {
  %s = gemma.slice %ple at 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  // expected-remark @below {{no residual add of a normed projection reads it}}
  %m = gemma.geglu %g, %s : tensor<?x3xf32>
  return %m : tensor<?x3xf32>
}
