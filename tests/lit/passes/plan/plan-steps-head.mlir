// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s --check-prefix=BARRIERS
// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s
// How often threads meet.
// BARRIERS:       gemma.function @decode
// BARRIERS-NOT:   gemma.barrier
// BARRIERS:       gemma.function @decode
// BARRIERS-NOT:   gemma.barrier

// A tied table has one packing, that of the head, and the embedding reads it.
// CHECK:       gemma.packed @p.table
// CHECK-NEXT:    from [@table]
// CHECK-NEXT:    as q8 panels batch 1 rows 64 <50 -> 64> cols 32 <32 -> 32>
// CHECK-SAME:    bytes 2304 at 128
// CHECK-NOT:   gemma.packed
// CHECK:       gemma.function @decode max_rows 1
// CHECK-SAME:    weight_bytes 2468 multiply_adds 1600 {
// CHECK:         gemma.step.embed %[[X:.*]], @p.table scale 2.0 replicated
// CHECK:         gemma.step.norm %[[X]] -> %[[Y:[0-9]+]] weight @p.norm
// CHECK-NEXT:      factor
// CHECK-NEXT:    %[[LOGITS:.*]] = gemma.buffer shared : <1 x 64, f32>
// CHECK-NEXT:    gemma.step.matmul %[[Y]], @p.table -> %[[LOGITS]] softcap cap 30.0
// CHECK-SAME:      : <1 x 32, q8> -> <1 x 64, f32>
// CHECK-NEXT:    gemma.output "logits" %[[LOGITS]] : <1 x 64, f32>
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @norm : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x50xf32>
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    %z = gemma.head %x norm @norm eps 0.5 table @table softcap 30.0
        : tensor<?x32xf32> -> tensor<?x50xf32>
    return %z : tensor<?x50xf32>
  }
}

// -----

// An untied one is read by row, lies last, and a call reads one row of it.
// CHECK:       gemma.packed @p.head
// CHECK-NEXT:    from [@head]
// CHECK-NEXT:    as f32 panels batch 1 rows 64 <50 -> 64> cols 32 <32 -> 32>
// CHECK-SAME:    bytes 8192 at 128
// CHECK:       gemma.packed @p.table
// CHECK-NEXT:    from [@table]
// CHECK-NEXT:    as q8 table batch 1 rows 50 <50 -> 64> cols 32 <32 -> 32>
// CHECK-SAME:    bytes 1728 at 8320 row_at 0
// CHECK:       gemma.function @decode max_rows 1
// CHECK-SAME:    weight_bytes 8354 multiply_adds 1600 {
// CHECK:         gemma.step.embed %[[X:.*]], @p.table
// CHECK:         gemma.step.matmul %{{.*}}, @p.head -> %{{.*}} none : <1 x 32, f32> -> <1 x 64, f32>
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @norm : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  gemma.weight @head : tensor<50x32xf32> as f32 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x50xf32>
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    %z = gemma.head %x norm @norm eps 0.5 table @head
        : tensor<?x32xf32> -> tensor<?x50xf32>
    return %z : tensor<?x50xf32>
  }
}
