// Models without encoders: patches between layer norms, and norms without weight before a projection.
// RUN: gemmac-opt %s --gemma-fuse-normed-patches --gemma-fuse-norm-project --split-input-file \
// RUN:   --remarks-filter-missed=gemma-fuse-.* --verify-diagnostics | FileCheck %s

gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @in_bias : tensor<12xf32> from <"m", 48, 48>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @bias : tensor<8xf32> from <"m", 512, 32>
gemma.weight @norm : tensor<8xf32> from <"m", 544, 32>
gemma.weight @shift : tensor<8xf32> from <"m", 576, 32>
gemma.weight @last : tensor<8xf32> from <"m", 608, 32>
gemma.weight @end : tensor<8xf32> from <"m", 640, 32>
gemma.weight @table : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @text : tensor<5x8xf32> from <"m", 2048, 160>

// CHECK-LABEL: func @picture
// CHECK-SAME:  (%[[P:.*]]: tensor<?x12xf32>, %[[AT:.*]]: tensor<?x2xi32>)
func.func @picture(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> tensor<?x5xf32> {
  // CHECK-NEXT: %[[X:.*]] = gemma.normed_patch_embed %[[P]] eps 0.25 norm @in bias @in_bias
  // CHECK-NEXT:   proj @proj bias @bias norm @norm bias @shift
  // CHECK-NEXT:   + %[[AT]] in @table, @table alternating norm @last bias @end
  // CHECK-NEXT:   :
  // CHECK-NEXT: %[[Y:.*]] = gemma.norm_project %[[X]] eps 0.5 proj @text
  // CHECK-NEXT: return %[[Y]]
  %0 = gemma.layer_norm %p, @in bias @in_bias groups 1 eps 0.25 : tensor<?x12xf32>
  %1 = gemma.linear %0, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  %2 = gemma.add_bias %1, @bias : tensor<?x8xf32>
  %3 = gemma.layer_norm %2, @norm bias @shift groups 1 eps 0.25 : tensor<?x8xf32>
  %4 = gemma.add_places %3, %at, @table, @table alternating : tensor<?x8xf32>, tensor<?x2xi32>
  %5 = gemma.layer_norm %4, @last bias @end groups 1 eps 0.25 : tensor<?x8xf32>
  %6 = gemma.rms_norm %5 groups 1 eps 0.5 : tensor<?x8xf32>
  %7 = gemma.linear %6, @text : tensor<?x8xf32> -> tensor<?x5xf32>
  return %7 : tensor<?x5xf32>
}

// CHECK-LABEL: func @sound
// CHECK-NEXT:  gemma.norm_project
// CHECK-NEXT:  return
func.func @sound(%x: tensor<?x8xf32>) -> tensor<?x5xf32> {
  %0 = gemma.rms_norm %x groups 1 eps 0.5 : tensor<?x8xf32>
  %1 = gemma.linear %0, @text : tensor<?x8xf32> -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// A norm with a weight is the head's, one of parts of a row that of heads.
// CHECK-LABEL: func @other_norms
// CHECK-NOT:   gemma.norm_project
func.func @other_norms(%x: tensor<?x8xf32>) -> (tensor<?x5xf32>, tensor<?x5xf32>) {
  %0 = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %1 = gemma.linear %0, @text : tensor<?x8xf32> -> tensor<?x5xf32>
  %2 = gemma.rms_norm %x groups 2 eps 0.5 : tensor<?x8xf32>
  %3 = gemma.linear %2, @text : tensor<?x8xf32> -> tensor<?x5xf32>
  return %1, %3 : tensor<?x5xf32>, tensor<?x5xf32>
}

// CHECK-LABEL: func @unlike_eps
// CHECK-NOT:   gemma.normed_patch_embed
func.func @unlike_eps(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %0 = gemma.layer_norm %p, @in bias @in_bias groups 1 eps 0.5 : tensor<?x12xf32>
  %1 = gemma.linear %0, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  %2 = gemma.add_bias %1, @bias : tensor<?x8xf32>
  %3 = gemma.layer_norm %2, @norm bias @shift groups 1 eps 0.25 : tensor<?x8xf32>
  // expected-remark @below {{its layer norms have unlike eps}}
  %4 = gemma.add_places %3, %at, @table, @table alternating : tensor<?x8xf32>, tensor<?x2xi32>
  %5 = gemma.layer_norm %4, @last bias @end groups 1 eps 0.25 : tensor<?x8xf32>
  return %5 : tensor<?x8xf32>
}

// CHECK-LABEL: func @without_bias
// CHECK-NOT:   gemma.normed_patch_embed
func.func @without_bias(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %0 = gemma.layer_norm %p, @in groups 1 eps 0.25 : tensor<?x12xf32>
  %1 = gemma.linear %0, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  %2 = gemma.add_bias %1, @bias : tensor<?x8xf32>
  %3 = gemma.layer_norm %2, @norm bias @shift groups 1 eps 0.25 : tensor<?x8xf32>
  // expected-remark @below {{its layer norms are not of whole rows with a bias, one of them behind the places}}
  %4 = gemma.add_places %3, %at, @table, @table alternating : tensor<?x8xf32>, tensor<?x2xi32>
  %5 = gemma.layer_norm %4, @last bias @end groups 1 eps 0.25 : tensor<?x8xf32>
  return %5 : tensor<?x8xf32>
}

// CHECK-LABEL: func @second_reader
// CHECK-NOT:   gemma.normed_patch_embed
func.func @second_reader(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = gemma.layer_norm %p, @in bias @in_bias groups 1 eps 0.25 : tensor<?x12xf32>
  %1 = gemma.linear %0, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  %2 = gemma.add_bias %1, @bias : tensor<?x8xf32>
  %3 = gemma.layer_norm %2, @norm bias @shift groups 1 eps 0.25 : tensor<?x8xf32>
  %4 = gemma.add_places %3, %at, @table, @table alternating : tensor<?x8xf32>, tensor<?x2xi32>
  // expected-remark @below {{'gemma.layer_norm' has another reader, 'func.return'}}
  %5 = gemma.layer_norm %4, @last bias @end groups 1 eps 0.25 : tensor<?x8xf32>
  return %5, %3 : tensor<?x8xf32>, tensor<?x8xf32>
}
