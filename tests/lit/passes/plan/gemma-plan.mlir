// RUN: gemmac-opt %s --gemma-plan="context=64 chunk=4 verify-rows=2 format=f32" | FileCheck %s
// RUN: gemmac-opt %s --gemma-split-functions="chunk=4 verify-rows=2" \
// RUN:   | gemmac-opt --gemma-plan-caches="context=64 chunk=4 verify-rows=2 format=f32" \
// RUN:   | gemmac-opt --gemma-plan-steps | gemmac-opt --gemma-place-buffers | FileCheck %s
// RUN: gemmac-opt %s --gemma-plan="context=64 chunk=4 marks=true verify-rows=2" | FileCheck %s --check-prefix=MARKS
// RUN: not gemmac-opt %s --gemma-plan="context=64 chunks=4" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not gemmac-opt %s --gemma-plan="context=64 format=fp8" 2>&1 | FileCheck %s --check-prefix=VALUE

// MARKS: gemma.mark
// UNKNOWN: error: no such option 'chunks': it takes marks, observe and those of its passes
// VALUE: for the --format option: 'fp8' is no storage format

// The whole stage on a model of one layer: prefill fills the cache and stops there; the packed weights are shared; the
// second run shows that passes hand over through the text alone.
// CHECK: gemma.program context 64 slots 1 slot_bytes 16384 activation_bits 8
// CHECK-NEXT: data_bytes [[DATA:[1-9][0-9]*]] mapped_bytes [[DATA]] table_row_bytes 0
// CHECK-NEXT: arena_bytes {{[1-9][0-9]*}} scratch_bytes 4096
module attributes {gemma.model = {context = 100 : i64}} {
  gemma.weight @n : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @q : tensor<32x32xf32> as q8 from <"f", 0, 4096>
  gemma.weight @k : tensor<16x32xf32> as q8 from <"f", 0, 2048>
  gemma.weight @hn : tensor<16xf32> from <"f", 0, 64>
  gemma.weight @o : tensor<32x32xf32> as q8 from <"f", 0, 4096>
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  // CHECK: gemma.kv_cache @kv.0 heads 1 head_dim 16 window 0
  // CHECK-NEXT: as f32 capacity 64 bytes 16384 at 0
  gemma.kv_cache @kv.0 heads 1 head_dim 16 window 0

  // CHECK-NOT: func.func
  // CHECK:     gemma.packed @p.q_k{{$}}
  // CHECK-NOT: gemma.packed @p.q_k
  // CHECK:     gemma.function @decode max_rows 1
  // CHECK-SAME:  arena_bytes {{[0-9]+}}
  // CHECK:       gemma.output "logits" %{{[0-9]+}} : <1 x 64, f32>
  // CHECK:     gemma.function @verify max_rows 2
  // CHECK-SAME:  arena_bytes {{[0-9]+}}
  // CHECK:       gemma.output "logits" %{{[0-9]+}} : <2 x 64, f32>
  // CHECK:     gemma.function @prefill max_rows 4
  // CHECK-SAME:  arena_bytes {{[0-9]+}}
  // CHECK:       gemma.step.qkv
  // CHECK-NOT:   gemma.step
  // CHECK-NOT:   gemma.output
  func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x50xf32> {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    %q = gemma.qkv %x, %p norm @n eps 0.5
        heads 2 head_dim 16 rope <theta = 1.0e4, pairs = 8, factor = 1.0>
        q @q q_norm @hn
        k @k k_norm @hn
        cache @kv.0
        : tensor<?x32xf32>, tensor<?xi32> -> tensor<?x32xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 2 o @o
        post_norm @n eps 0.5
        + %x : tensor<?x32xf32>, tensor<?xi32>, tensor<?x32xf32>
    %z = gemma.head %y norm @n eps 0.5 table @table
        : tensor<?x32xf32> -> tensor<?x50xf32>
    return %z : tensor<?x50xf32>
  }
}
