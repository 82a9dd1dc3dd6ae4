// RUN: gemmac-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @scale_by_one
// CHECK-SAME:    (%[[X:.*]]: tensor<4x8xf32>)
func.func @scale_by_one(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: return %[[X]]
  %y = gemma.scale %x by 1.0 : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----
// Two factors stay two products: one rounding less would change the bits.
// CHECK-LABEL: func @keeps_two_scales
func.func @keeps_two_scales(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK:      gemma.scale %{{.*}} by 3.0
  // CHECK-NEXT: gemma.scale %{{.*}} by 0.5
  %y = gemma.scale %x by 3.0 : tensor<4x8xf32>
  %z = gemma.scale %y by 0.5 : tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}

// -----
// CHECK-LABEL: func @slice_of_all_columns
// CHECK-SAME:    (%[[X:.*]]: tensor<4x8xf32>)
func.func @slice_of_all_columns(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: return %[[X]]
  %y = gemma.slice %x at 0 : tensor<4x8xf32> -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----
// CHECK-LABEL: func @keeps_slice_of_some
func.func @keeps_slice_of_some(%x: tensor<4x8xf32>) -> tensor<4x4xf32> {
  // CHECK: gemma.slice %{{.*}} at 4
  %y = gemma.slice %x at 4 : tensor<4x8xf32> -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 8 window 0
// An unread attention goes, a cache write stays.
// CHECK-LABEL: func @dead_code
func.func @dead_code(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // CHECK-NEXT: gemma.kv_write
  // CHECK-NEXT: return
  gemma.kv_write %x, %x, %p, @kv.0 : tensor<4x8xf32>, tensor<4xi32>
  %y = gemma.attention %x, %p, @kv.0 heads 1 : tensor<4x8xf32>, tensor<4xi32>
  %z = gemma.add %y, %x : tensor<4x8xf32>
  return
}
