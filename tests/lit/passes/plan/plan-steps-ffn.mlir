// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s --check-prefix=BARRIERS
// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s
// RUN: gemmac-opt %s --gemma-plan-steps=wide-towers | FileCheck %s
// RUN: gemmac-opt %s --gemma-plan-steps=wide-activations | FileCheck %s --check-prefix=WIDE
// How often threads meet.
// BARRIERS:       gemma.function @decode
// BARRIERS-COUNT-2: gemma.barrier
// BARRIERS-NOT:   gemma.barrier
// BARRIERS:       gemma.function @prefill
// BARRIERS-COUNT-3: gemma.barrier
// BARRIERS-NOT:   gemma.barrier

// Gate and up alternate in one matrix. With one row the row steps are replicated on private buffers; with more they
// divide the rows of shared ones, and matrices wait for them. The residual stream is updated in place.
// CHECK:     gemma.program context 64 slots 1 slot_bytes 0 activation_bits 8
// CHECK-NEXT:  data_bytes 26688 mapped_bytes 26240 table_row_bytes 128
// CHECK:       gemma.packed @p.scale
// CHECK-NEXT:    from [@scale]
// CHECK-NEXT:    as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <1 -> 32> bytes 128
// CHECK:       gemma.packed @p.l.gate_up.weight
// CHECK-NEXT:    from [@l.gate.weight, @l.up.weight]
// CHECK-NEXT:    as q4 panels batch 1 interleave
// CHECK-SAME:    rows 256 <100 -> 128> cols 64 <40 -> 64> bytes 9216
// CHECK:       gemma.packed @p.l.down.weight
// CHECK-NEXT:    from [@l.down.weight]
// CHECK-NEXT:    as bf16 panels batch 1
// CHECK-SAME:    rows 64 <40 -> 64> cols 128 <100 -> 128> bytes 16384
// CHECK:       gemma.packed @p.table
// CHECK-NEXT:    from [@table]
// CHECK-NEXT:    as q8 table
// CHECK-NOT:   gemma.packed
// CHECK:       gemma.function @decode max_rows 1
// CHECK-SAME:    weight_bytes 26308 multiply_adds 12000 {
// CHECK:         %[[Y:.*]] = gemma.buffer private : <1 x 64, q8>
// CHECK-NEXT:    gemma.step.norm %[[X:.*]] -> %[[Y]] weight @p.pre
// CHECK-NEXT:      {{.*}} replicated
// CHECK-NEXT:    %[[HIDDEN:.*]] = gemma.buffer shared : <1 x 128, f32>
// CHECK-NEXT:    gemma.step.matmul %[[Y]], @p.l.gate_up.weight -> %[[HIDDEN]] geglu
// CHECK-NEXT:    %[[BRANCH:.*]] = gemma.buffer shared : <1 x 64, f32>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.matmul %[[HIDDEN]], @p.l.down.weight -> %[[BRANCH]] none
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.add_norm %[[X]], %[[BRANCH]] -> %[[X]] weight @p.post
// CHECK-NEXT:      layer_scale @p.scale
// CHECK-NEXT:      eps 0.5 count 40 replicated
// CHECK:       gemma.function @prefill max_rows 4
// CHECK-NOT:   replicated
// CHECK:         gemma.step.embed
// CHECK:         gemma.step.norm
// CHECK:         gemma.barrier
// CHECK-NEXT:    gemma.step.matmul
// CHECK-NEXT:    gemma.buffer
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.matmul
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.add_norm %[[X2:.*]], %{{.*}} -> %[[X2]] weight
// With wide activations what quantized matrices read is q16; floats stay.
// WIDE:      gemma.program {{.*}} activation_bits 16
// WIDE:        gemma.function @decode
// WIDE:          %[[Y:.*]] = gemma.buffer private : <1 x 64, q16>
// WIDE-NEXT:     gemma.step.norm %{{.*}} -> %[[Y]] weight @p.pre
// WIDE:          gemma.step.matmul %[[Y]], @p.l.gate_up.weight -> %[[HIDDEN:.*]] geglu
// WIDE-SAME:       : <1 x 64, q16> -> <1 x 128, f32>
// WIDE:          gemma.step.matmul %[[HIDDEN]], @p.l.down.weight -> %{{.*}} none : <1 x 128, f32>
// WIDE-NOT:      , q8>
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @pre : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @l.gate.weight : tensor<100x40xf32> as q4 from <"f", 0, 16000>
  gemma.weight @l.up.weight : tensor<100x40xf32> as q4 from <"f", 0, 16000>
  gemma.weight @l.down.weight : tensor<40x100xf32> as bf16 from <"f", 0, 16000>
  gemma.weight @post : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @scale : tensor<1xf32> from <"f", 0, 4>
  gemma.weight @table : tensor<6x40xf32> as q8 from <"f", 0, 960>

  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %y = gemma.ffn %x pre_norm @pre eps 0.5
        geglu(@l.gate.weight, @l.up.weight) down @l.down.weight
        post_norm @post layer_scale @scale : tensor<?x40xf32>
    return
  }
  func.func @prefill(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 4 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %y = gemma.ffn %x pre_norm @pre eps 0.5
        geglu(@l.gate.weight, @l.up.weight) down @l.down.weight
        post_norm @post layer_scale @scale : tensor<?x40xf32>
    return
  }
}
