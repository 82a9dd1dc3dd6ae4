// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s

// Activation scales of weights go to the packed matrices. Rows for a quantized one are stored on its grid, rows for
// floats as values of the grid; matrices without a scale get q8.
// CHECK:     gemma.packed @p.l.gate_up.weight
// CHECK-NEXT:   from [@l.gate.weight, @l.up.weight]
// CHECK-NEXT:   as c4
// CHECK-NEXT:   input_scale 0.2
// CHECK-NEXT:   output_scales [0.3, 0.0]
// CHECK:     gemma.packed @p.l.down.weight
// CHECK-NEXT:   from [@l.down.weight]
// CHECK-NEXT:   as bf16
// CHECK-NEXT:   input_scale 0.4
// CHECK:     gemma.packed @p.table
// CHECK-NEXT:   from [@table]
// CHECK-NEXT:   as q8
// CHECK-NEXT:   output_scales [0.5]
// CHECK:     gemma.function @decode
// CHECK:       %[[Y:.*]] = gemma.buffer private : <1 x 64, s8>
// CHECK-NEXT:  gemma.step.norm %{{.*}} -> %[[Y]] weight @p.pre
// CHECK-NEXT:    factor 1.0 eps 0.5 count 40
// CHECK-SAME:    static 0.2 replicated
// CHECK:       gemma.step.matmul %[[Y]], @p.l.gate_up.weight -> %[[HIDDEN:.*]] geglu : <1 x 64, s8>
// CHECK-NEXT:  %[[GRID:.*]] = gemma.buffer private : <1 x 128, f32>
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.quantize %[[HIDDEN]] -> %[[GRID]] static 0.4 replicated
// CHECK:       gemma.step.matmul %[[GRID]], @p.l.down.weight -> %{{.*}} none : <1 x 128, f32>
// CHECK:       %[[LAST:.*]] = gemma.buffer private : <1 x 64, q8>
// CHECK-NEXT:  gemma.step.norm %{{.*}} -> %[[LAST]] weight @p.post
// CHECK-NEXT:    factor 1.0 eps 0.5
// CHECK-SAME:    count 40 replicated
// CHECK:       gemma.step.matmul %[[LAST]], @p.table
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @pre : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @l.gate.weight : tensor<100x40xf32> as c4 from <"f", 0, 16000>
    input_activation_scale 0.2 output_activation_scale 0.3
  gemma.weight @l.up.weight
    : tensor<100x40xf32> as c4 from <"f", 0, 16000> input_activation_scale 0.2
  gemma.weight @l.down.weight
    : tensor<40x100xf32> as bf16 from <"f", 0, 16000> input_activation_scale 0.4
  gemma.weight @post : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @table : tensor<6x40xf32> as q8 from <"f", 0, 960> output_activation_scale 0.5

  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x6xf32>
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %y = gemma.ffn %x pre_norm @pre eps 0.5
        geglu(@l.gate.weight, @l.up.weight) down @l.down.weight
        post_norm @post : tensor<?x40xf32>
    %z = gemma.head %y norm @post eps 0.5 table @table
        : tensor<?x40xf32> -> tensor<?x6xf32>
    return %z : tensor<?x6xf32>
  }
}

// -----

// One row: the merge of attention stores the grid of the output projection; several rows: a step of their own.
// CHECK:     gemma.packed @p.q_k_v
// CHECK-NEXT:   from [@q, @k, @v]
// CHECK-NEXT:   as c4
// CHECK-NEXT:   input_scale 0.2
// CHECK-NEXT:   output_scales [0.25, 0.5, 1.0]
// CHECK:     gemma.function @decode
// CHECK:       gemma.step.attention_merge %{{.*}}, @kv.0 -> %[[MIXED:.*]] heads 2 static 0.4 replicated
// CHECK-SAME:    : <2 x 96, f32> -> <1 x 64, s8>
// CHECK:       gemma.step.matmul %[[MIXED]], @p.o
// CHECK:     gemma.function @prefill
// CHECK:       gemma.step.attention %{{.*}}, @kv.0 -> %[[MANY:.*]] heads 2 : <4 x 64, f32> -> <4 x 64, f32>
// CHECK:       gemma.step.quantize %[[MANY]] -> %[[STEPS:.*]] static 0.4 : <4 x 64, f32> -> <4 x 64, s8>
// CHECK:       gemma.step.matmul %[[STEPS]], @p.o
module {
  gemma.program context 64 slots 1 slot_bytes 2048
  gemma.weight @in : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @q : tensor<16x40xf32> as c4 from <"f", 0, 2560>
    input_activation_scale 0.2 output_activation_scale 0.25
  gemma.weight @k : tensor<8x40xf32> as c4 from <"f", 0, 1280>
    input_activation_scale 0.2 output_activation_scale 0.5
  gemma.weight @v : tensor<8x40xf32> as c4 from <"f", 0, 1280>
    input_activation_scale 0.2 output_activation_scale 1.0
  gemma.weight @hn : tensor<8xf32> from <"f", 0, 32>
  gemma.weight @o : tensor<40x16xf32> as c4 from <"f", 0, 2560> input_activation_scale 0.4
  gemma.weight @table : tensor<6x40xf32> as q8 from <"f", 0, 960>
  gemma.kv_cache @kv.0 heads 1 head_dim 8 window 4
    as f16 capacity 16 bytes 2048 at 0
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p norm @in eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e4, pairs = 4, factor = 1.0>
        q @q q_norm @hn
        k @k k_norm @hn
        v @v
        cache @kv.0
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 2 o @o
        post_norm @in eps 0.5
        + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x40xf32>
    return
  }
  func.func @prefill(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 4 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p norm @in eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e4, pairs = 4, factor = 1.0>
        q @q q_norm @hn
        k @k k_norm @hn
        v @v
        cache @kv.0
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 2 o @o
        post_norm @in eps 0.5
        + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x40xf32>
    return
  }
}
