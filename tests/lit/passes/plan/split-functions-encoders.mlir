// Encoders: a function for each budget of pictures, one for sounds.
// RUN: gemmac-opt %s --gemma-split-functions=image-tokens=140 | FileCheck %s

gemma.weight @table : tensor<9x4xf32> from <"m", 0, 144>
gemma.weight @n : tensor<4xf32> from <"m", 0, 16>
gemma.weight @out : tensor<4x4xf32> from <"m", 0, 64>

func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x9xf32> {
  %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  %y = gemma.head %x norm @n eps 0.5 table @table : tensor<?x4xf32> -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// CHECK-NOT:  func.func @encode_image(
// CHECK:      func.func @encode_image_70(
// CHECK-SAME:   attributes {gemma.max_rows = 70 : i64}
// CHECK-NEXT:   gemma.pool_project
// CHECK:      func.func @encode_image_140(
// CHECK-SAME:   attributes {gemma.max_rows = 140 : i64}
// CHECK-NOT:  func.func @encode_image_280(
func.func @encode_image(%x: tensor<?x4xf32> {gemma.name = "patches", gemma.per_row = 9 : i64})
    -> (tensor<?x4xf32> {gemma.name = "soft_tokens"}) {
  %y = gemma.pool_project %x by 9 factor 0.25
      eps 0.5 proj @out : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK:      func.func @encode_audio(
// CHECK-SAME:   attributes {gemma.max_rows = 750 : i64}
func.func @encode_audio(%x: tensor<?x4xf32> {gemma.name = "mel", gemma.per_row = 4 : i64})
    -> (tensor<?x4xf32> {gemma.name = "soft_tokens"}) {
  %y = gemma.pool_project %x by 4 factor 0.25
      eps 0.5 proj @out : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
