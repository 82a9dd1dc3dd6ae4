// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s

// Activation scales of weights go to the packed matrices. Rows for a quantized one are stored on its grid, rows for
// floats as values of the grid; matrices without a scale get q8.
// CHECK:     gemma.packed @p.l.gate_up.weight from [@l.gate.weight, @l.up.weight]
// CHECK-SAME:  as c4 {{.*}} {input_scale = 2.000000e-01 : f64, output_scales = array<f64: 3.000000e-01, 0.000000e+00>}
// CHECK:     gemma.packed @p.l.down.weight from [@l.down.weight] as bf16 {{.*}} {input_scale = 4.000000e-01 : f64}
// CHECK:     gemma.packed @p.table from [@table] as q8 {{.*}} {output_scales = array<f64: 5.000000e-01>}
// CHECK:     gemma.phase @decode
// CHECK:       %[[Y:.*]] = gemma.buffer private : <1 x 64, s8>
// CHECK-NEXT:  gemma.step.norm %{{.*}} -> %[[Y]] weight @p.pre factor 1.000000e+00 eps 5.000000e-01 count 40
// CHECK-SAME:    static 2.000000e-01 replicated
// CHECK:       gemma.step.matmul %[[Y]], @p.l.gate_up.weight -> %[[HIDDEN:.*]] geglu : <1 x 64, s8>
// CHECK-NEXT:  %[[GRID:.*]] = gemma.buffer private : <1 x 128, f32>
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.quantize %[[HIDDEN]] -> %[[GRID]] static 4.000000e-01 replicated
// CHECK:       gemma.step.matmul %[[GRID]], @p.l.down.weight -> %{{.*}} none : <1 x 128, f32>
// CHECK:       %[[LAST:.*]] = gemma.buffer private : <1 x 64, q8>
// CHECK-NEXT:  gemma.step.norm %{{.*}} -> %[[LAST]] weight @p.post factor 1.000000e+00 eps 5.000000e-01
// CHECK-SAME:    count 40 replicated
// CHECK:       gemma.step.matmul %[[LAST]], @p.table
module {
  gemma.weight @pre : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @l.gate.weight : tensor<100x40xf32> from <"f", 0, 16000>
    {format = #gemma.format<c4>, input_activation_scale = 0.2, output_activation_scale = 0.3}
  gemma.weight @l.up.weight
    : tensor<100x40xf32> from <"f", 0, 16000> {format = #gemma.format<c4>, input_activation_scale = 0.2}
  gemma.weight @l.down.weight
    : tensor<40x100xf32> from <"f", 0, 16000> {format = #gemma.format<bf16>, input_activation_scale = 0.4}
  gemma.weight @post : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @table : tensor<6x40xf32> from <"f", 0, 960> {format = #gemma.format<q8>, output_activation_scale = 0.5}

  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x6xf32>
      attributes {gemma.phase = #gemma.phase_kind<decode>, gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %y = gemma.ffn %x {pre_norm = @pre, gate = @l.gate.weight, up = @l.up.weight, down = @l.down.weight,
      post_norm = @post, eps = 0.5} : tensor<?x40xf32>
    %z = gemma.head %y {norm = @post, table = @table, eps = 0.5} : tensor<?x40xf32> -> tensor<?x6xf32>
    return %z : tensor<?x6xf32>
  }
}

// -----

// One row: the merge of attention stores the grid of the output projection; several rows: a step of their own.
// CHECK:     gemma.packed @p.q_k_v from [@q, @k, @v] as c4 {{.*}} {input_scale = 2.000000e-01 : f64,
// CHECK-SAME:  output_scales = array<f64: 2.500000e-01, 5.000000e-01, 1.000000e+00>}
// CHECK:     gemma.phase @decode
// CHECK:       gemma.step.attention_merge %{{.*}}, @kv.0 -> %[[MIXED:.*]] heads 2 static 4.000000e-01 replicated
// CHECK-SAME:    : <2 x 96, f32> -> <1 x 64, s8>
// CHECK:       gemma.step.matmul %[[MIXED]], @p.o
// CHECK:     gemma.phase @prefill
// CHECK:       gemma.step.attention %{{.*}}, @kv.0 -> %[[MANY:.*]] heads 2 : <4 x 64, f32> -> <4 x 64, f32>
// CHECK:       gemma.step.quantize %[[MANY]] -> %[[STEPS:.*]] static 4.000000e-01 : <4 x 64, f32> -> <4 x 64, s8>
// CHECK:       gemma.step.matmul %[[STEPS]], @p.o
module {
  gemma.weight @in : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @q : tensor<16x40xf32> from <"f", 0, 2560>
    {format = #gemma.format<c4>, input_activation_scale = 0.2, output_activation_scale = 0.25}
  gemma.weight @k : tensor<8x40xf32> from <"f", 0, 1280>
    {format = #gemma.format<c4>, input_activation_scale = 0.2, output_activation_scale = 0.5}
  gemma.weight @v : tensor<8x40xf32> from <"f", 0, 1280>
    {format = #gemma.format<c4>, input_activation_scale = 0.2, output_activation_scale = 1.0}
  gemma.weight @hn : tensor<8xf32> from <"f", 0, 32>
  gemma.weight @o : tensor<40x16xf32> from <"f", 0, 2560> {format = #gemma.format<c4>, input_activation_scale = 0.4}
  gemma.weight @table : tensor<6x40xf32> from <"f", 0, 960> {format = #gemma.format<q8>}
  gemma.kv_cache @kv.0 heads 1 head_dim 8 window 4
    {format = #gemma.format<f16>, capacity = 16 : i64, offset = 0 : i64, bytes = 2048 : i64}
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.phase = #gemma.phase_kind<decode>, gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p {norm = @in, q = @q, k = @k, v = @v, q_norm = @hn, k_norm = @hn, cache = @kv.0,
      heads = 2 : i64, head_dim = 8 : i64, rope = #gemma.rope<theta = 1.0e4, pairs = 4, factor = 1.0>, eps = 0.5}
      : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %y = gemma.attend %q, %x, %p {cache = @kv.0, heads = 2 : i64, o = @o, post_norm = @in, eps = 0.5}
      : tensor<?x16xf32>, tensor<?x40xf32>, tensor<?xi32>
    return
  }
  func.func @prefill(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.phase = #gemma.phase_kind<prefill>, gemma.max_rows = 4 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p {norm = @in, q = @q, k = @k, v = @v, q_norm = @hn, k_norm = @hn, cache = @kv.0,
      heads = 2 : i64, head_dim = 8 : i64, rope = #gemma.rope<theta = 1.0e4, pairs = 4, factor = 1.0>, eps = 0.5}
      : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %y = gemma.attend %q, %x, %p {cache = @kv.0, heads = 2 : i64, o = @o, post_norm = @in, eps = 0.5}
      : tensor<?x16xf32>, tensor<?x40xf32>, tensor<?xi32>
    return
  }
}
