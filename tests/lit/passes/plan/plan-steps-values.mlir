// What a function takes from its caller and gives to it.
// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s
// RUN: gemmac-opt %s --gemma-plan-steps --gemma-place-buffers --split-input-file | FileCheck %s --check-prefix=PLACED

// Arguments with a name are shared buffers of max_rows * per_row rows, which stand before all steps, tables of sines
// among them. Integers stay integers; widths are padded.
// CHECK:       gemma.function @encode max_rows 70
// CHECK-NEXT:    %[[PATCHES:.*]] = gemma.buffer shared : <630 x 64, f32>
// CHECK-NEXT:    gemma.input "patches" %[[PATCHES]] : <630 x 64, f32>
// CHECK-NEXT:    %[[PLACES:.*]] = gemma.buffer shared : <630 x 32, i32>
// CHECK-NEXT:    gemma.input "places" %[[PLACES]] : <630 x 32, i32>
// CHECK-NEXT:    %[[SOFT:.*]] = gemma.buffer shared : <70 x 32, f32>
// CHECK-NEXT:    gemma.input "soft" %[[SOFT]] : <70 x 32, f32>
// CHECK:         gemma.step.rope_table
// CHECK:         gemma.step.add_norm
// CHECK-SAME:      -> %[[Y:[0-9]+]] weight
// CHECK:         gemma.output "soft_tokens" %[[Y]]
// CHECK-NEXT:    gemma.output "patches" %[[PATCHES]] : <630 x 64, f32>
module {
  gemma.program context 64 slots 1 slot_bytes 4096
  gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0 as f16 capacity 32 bytes 4096 at 0
  gemma.weight @n : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @w : tensor<32x32xf32> as f32 from <"f", 0, 4096>
  func.func @encode(%ids: tensor<?xi32>, %p: tensor<?xi32>,
                    %patches: tensor<?x64xf32> {gemma.name = "patches", gemma.per_row = 9 : i64},
                    %places: tensor<?x2xi32> {gemma.name = "places", gemma.per_row = 9 : i64},
                    %soft: tensor<?x32xf32> {gemma.name = "soft"})
      -> (tensor<?x32xf32> {gemma.name = "soft_tokens"}, tensor<?x64xf32> {gemma.name = "patches"})
      attributes {gemma.max_rows = 70 : i64} {
    %q = gemma.qkv %soft, %p norm @n eps 0.5
        heads 1 head_dim 32 rope <theta = 1.0e2, pairs = 16, factor = 1.0>
        q @w q_norm @n
        k @w k_norm @n
        cache @kv.0
        : tensor<?x32xf32>, tensor<?xi32> -> tensor<?x32xf32>
    %y = gemma.ffn %q pre_norm @n eps 0.5
        geglu(@w, @w) down @w
        post_norm @n : tensor<?x32xf32>
    return %y, %patches : tensor<?x32xf32>, tensor<?x64xf32>
  }
}

// -----

// One row: what row steps write would be each thread's own, but here it is given to the caller.
// CHECK:       gemma.function @embed max_rows 1
// CHECK:         %[[X:.*]] = gemma.buffer shared label "x" : <1 x 32, f32>
// CHECK-NEXT:    gemma.step.embed %[[X]], @p.table scale 2.0 : <1 x 32, f32>
// CHECK-NEXT:    gemma.output "embedding" %[[X]] : <1 x 32, f32>
// PLACED:      gemma.function @embed max_rows 1
// PLACED-SAME:   arena_bytes 128 scratch_bytes 0
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @embed(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> (tensor<?x32xf32> {gemma.name = "embedding"})
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}
