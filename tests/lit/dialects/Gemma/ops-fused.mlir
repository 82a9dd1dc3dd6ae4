// Level 1: every op, with and without what is optional, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @head : tensor<4xf32> from <"m", 32, 16>
gemma.weight @scalar : tensor<1xf32> from <"m", 48, 4>
gemma.weight @q : tensor<16x8xf32> from <"m", 64, 512>
gemma.weight @k : tensor<4x8xf32> from <"m", 576, 128>
gemma.weight @o : tensor<8x16xf32> from <"m", 1024, 512>
gemma.weight @gate : tensor<6x8xf32> from <"m", 2048, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 2240, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 4096, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 4192, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 4608, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 5632, 480>
gemma.weight @ple_table : tensor<7x12xf32> from <"m", 8192, 336>
gemma.weight @ple_proj : tensor<12x8xf32> from <"m", 8528, 384>
gemma.weight @ple_gate : tensor<4x8xf32> from <"m", 9216, 128>
gemma.weight @ple_out : tensor<8x4xf32> from <"m", 9344, 128>
gemma.weight @table : tensor<11x8xf32> from <"m", 10240, 352>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6

// CHECK-LABEL: func @qkv
func.func @qkv(%x: tensor<?x8xf32>, %positions: tensor<?xi32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  // CHECK: gemma.qkv %{{.*}}, %{{.*}} {cache = @kv.0, eps = 5.000000e-01 : f64, head_dim = 4 : i64,
  // CHECK-SAME: heads = 4 : i64, k = @k, k_norm = @head, norm = @width, q = @q, q_norm = @head,
  // CHECK-SAME: rope = #gemma.rope<theta = 1.000000e+04 : f64, pairs = 2, factor = 1.000000e+00 : f64>, v = @k}
  // CHECK-SAME: : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  %0 = gemma.qkv %x, %positions {norm = @width, q = @q, k = @k, v = @k, q_norm = @head, k_norm = @head, cache = @kv.0,
    heads = 4 : i64, head_dim = 4 : i64, rope = #gemma.rope<theta = 10000.0, pairs = 2, factor = 1.0>, eps = 0.5 : f64}
    : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  // Values as projected, and a scaled query.
  // CHECK: gemma.qkv {{.*}}, query_scale = 6.250000e-02 : f64, raw_values, rope = {{.*}}, v = @k} :
  %3 = gemma.qkv %x, %positions {norm = @width, q = @q, k = @k, v = @k, q_norm = @head, k_norm = @head, cache = @kv.0,
    heads = 4 : i64, head_dim = 4 : i64, rope = #gemma.rope<theta = 10000.0, pairs = 2, factor = 1.0>, eps = 0.5 : f64,
    query_scale = 0.0625, raw_values} : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  // Keys are values.
  // CHECK: gemma.qkv {{.*}}cache = @kv.0{{.*}}, k = @k, k_norm = @head, norm = @width, q = @q, q_norm = @head,
  // CHECK-SAME: rope = #gemma.rope<{{[^>]*}}>} :
  %1 = gemma.qkv %x, %positions {norm = @width, q = @q, k = @k, q_norm = @head, k_norm = @head, cache = @kv.0,
    heads = 4 : i64, head_dim = 4 : i64, rope = #gemma.rope<theta = 10000.0, pairs = 1, factor = 8.0>, eps = 0.5 : f64}
    : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  // A layer that reads another layer's cache.
  // CHECK: gemma.qkv {{.*}}{eps = 5.000000e-01 : f64, head_dim = 4 : i64, heads = 4 : i64, norm = @width, q = @q,
  // CHECK-SAME: q_norm = @head,
  %2 = gemma.qkv %x, %positions {norm = @width, q = @q, q_norm = @head, heads = 4 : i64,
    head_dim = 4 : i64, rope = #gemma.rope<theta = 10000.0, pairs = 2, factor = 1.0>, eps = 0.5 : f64}
    : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  return %0, %1, %2 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}

// CHECK-LABEL: func @layer
func.func @layer(%query: tensor<?x16xf32>, %x: tensor<?x8xf32>, %positions: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK: gemma.attend %{{.*}}, %{{.*}}, %{{.*}} {cache = @kv.0, eps = 5.000000e-01 : f64, heads = 4 : i64, o = @o,
  // CHECK-SAME: post_norm = @width} : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?xi32>
  %0 = gemma.attend %query, %x, %positions {cache = @kv.0, heads = 4 : i64, o = @o, post_norm = @width, eps = 0.5 : f64}
    : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?xi32>
  // CHECK: gemma.ffn %{{.*}} {down = @down, eps = 5.000000e-01 : f64, gate = @gate, post_norm = @width,
  // CHECK-SAME: pre_norm = @width, up = @gate} : tensor<?x8xf32>
  %1 = gemma.ffn %0 {pre_norm = @width, gate = @gate, up = @gate, down = @down, post_norm = @width, eps = 0.5 : f64}
    : tensor<?x8xf32>
  // CHECK: gemma.ffn %{{.*}}, layer_scale = @scalar,
  %2 = gemma.ffn %1 {pre_norm = @width, gate = @gate, up = @gate, down = @down, post_norm = @width, eps = 0.5 : f64,
    layer_scale = @scalar} : tensor<?x8xf32>
  // CHECK: gemma.moe %{{.*}} {down = @down, eps = 5.000000e-01 : f64, experts_down = @experts_down, gate = @gate,
  // CHECK-SAME: gate_up = @gate_up, layer_scale = @scalar, per_expert_scale = @per_expert, post_norm = @width,
  // CHECK-SAME: post_norm_1 = @width, post_norm_2 = @width, pre_norm = @width, pre_norm_2 = @width,
  // CHECK-SAME: router_factor = 2.500000e-01 : f64, router_proj = @router, router_scale = @width, top_k = 2 : i64,
  // CHECK-SAME: up = @gate} : tensor<?x8xf32>
  %3 = gemma.moe %2 {pre_norm = @width, gate = @gate, up = @gate, down = @down, post_norm_1 = @width,
    router_proj = @router, router_scale = @width, per_expert_scale = @per_expert, top_k = 2 : i64,
    router_factor = 0.25 : f64, pre_norm_2 = @width, gate_up = @gate_up, experts_down = @experts_down,
    post_norm_2 = @width, post_norm = @width, eps = 0.5 : f64, layer_scale = @scalar} : tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// CHECK-LABEL: func @per_layer_embedding
func.func @per_layer_embedding(%ids: tensor<?xi32>, %x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: gemma.ple_input %{{.*}}, %{{.*}} {context_scale = 2.500000e-01 : f64,
  // CHECK-SAME: eps = 5.000000e-01 : f64, groups = 3 : i64, norm = @head, proj = @ple_proj,
  // CHECK-SAME: result_scale = 5.000000e-01 : f64, table = @ple_table, token_scale = 2.000000e+00 : f64}
  // CHECK-SAME: : tensor<?xi32>, tensor<?x8xf32> -> tensor<?x12xf32>
  %ple = gemma.ple_input %ids, %x {table = @ple_table, proj = @ple_proj, norm = @head, groups = 3 : i64,
    token_scale = 2.0 : f64, context_scale = 0.25 : f64, result_scale = 0.5 : f64, eps = 0.5 : f64}
    : tensor<?xi32>, tensor<?x8xf32> -> tensor<?x12xf32>
  // CHECK: gemma.ple_mix %{{.*}}, %{{.*}} {eps = 5.000000e-01 : f64, gate = @ple_gate, layer_scale = @scalar,
  // CHECK-SAME: offset = 8 : i64, post_norm = @width, proj = @ple_out} : tensor<?x8xf32>, tensor<?x12xf32>
  %y = gemma.ple_mix %x, %ple {offset = 8 : i64, gate = @ple_gate, proj = @ple_out, post_norm = @width, eps = 0.5 : f64,
    layer_scale = @scalar} : tensor<?x8xf32>, tensor<?x12xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @final
func.func @final(%x: tensor<1x8xf32>) -> (tensor<1x11xf32>, tensor<1x11xf32>) {
  // CHECK: gemma.head %{{.*}} {eps = 5.000000e-01 : f64, norm = @width, softcap = 3.000000e+01 : f64, table = @table}
  // CHECK-SAME: : tensor<1x8xf32> -> tensor<1x11xf32>
  %0 = gemma.head %x {norm = @width, table = @table, eps = 0.5 : f64, softcap = 30.0 : f64}
    : tensor<1x8xf32> -> tensor<1x11xf32>
  // CHECK: gemma.head %{{.*}} {eps = 5.000000e-01 : f64, norm = @width, table = @table}
  // CHECK-SAME: : tensor<1x8xf32> -> tensor<1x11xf32>
  %1 = gemma.head %x {norm = @width, table = @table, eps = 0.5 : f64} : tensor<1x8xf32> -> tensor<1x11xf32>
  return %0, %1 : tensor<1x11xf32>, tensor<1x11xf32>
}
