// Level 1: one case per constraint, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

func.func @qkv_c1_cache(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects k, k_norm and cache together or not at all}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c1_k_norm(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects k, k_norm and cache together or not at all}}
  %y = "gemma.qkv"(%x, %p) <{norm = @width, q = @q, k = @k, v = @k, q_norm = @head, cache = @kv.0, heads = 4 : i64,
    head_dim = 4 : i64, rope = #gemma.rope<theta = 100.0, pairs = 2, factor = 1.0>, eps = 0.5 : f64}>
    : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c1_v(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects v only with k}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      v @k
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
// expected-note @below {{@short is defined here}}
gemma.weight @short : tensor<7xf32> from <"m", 0, 28>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6
func.func @qkv_c2_norm(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects norm of shape [8] (input width), got [7]}}
  %y = gemma.qkv %x, %p norm @short eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@k is defined here}}
gemma.weight @k : tensor<4x8xf32> from <"m", 0, 128>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6
func.func @qkv_c2_q(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects q of shape [16, 8] (heads x head_dim, input width), got [4, 8]}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @k q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@q is defined here}}
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<4x8xf32> from <"m", 0, 128>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6
func.func @qkv_c2_v(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects v of shape [4, 8] (cache heads x head_dim, input width), got [16, 8]}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @q
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<4x8xf32> from <"m", 0, 128>
// expected-note @below {{@width is defined here}}
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6
func.func @qkv_c2_q_norm(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects q_norm of shape [4] (head_dim), got [8]}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @width
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c3_width(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects a query of width 16 (heads x head_dim), got 12}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 8 window 6
func.func @qkv_c3_head_dim(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects head_dim 8, that of @kv.0, got 4}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 3 head_dim 4 window 6
func.func @qkv_c3_heads(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects heads to be a multiple of the 3 heads of @kv.0, got 4}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c4(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects at most 2 rope pairs (half the head size), got 3}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 3, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c4_even(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects an even head size, got 3}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 3 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
func.func @qkv_c5(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects query with 4 rows, as input has, got 3}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<3x16xf32>
  return
}

// -----
func.func @qkv_c6(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.qkv %x, %p norm @width eps 0.0
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c7(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{attribute 'query_scale' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.qkv %x, %p norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
      q @q q_norm @head query_scale 0.0
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x16xf32>
  return
}

// -----
func.func @qkv_c8(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects raw_values only with a cache}}
  %y = "gemma.qkv"(%x, %p) <{norm = @width, q = @q, q_norm = @head, heads = 4 : i64, head_dim = 4 : i64,
    rope = #gemma.rope<theta = 100.0, pairs = 2, factor = 1.0>, eps = 0.5 : f64, raw_values}>
    : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x16xf32>
  return
}

// -----
func.func @attend_c1(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{failed to verify that all of {residual, result} have same type}}
  %y = "gemma.attend"(%q, %r, %p) <{cache = @kv.0, heads = 4 : i64, o = @o, post_norm = @width, eps = 0.5 : f64}>
    : (tensor<4x16xf32>, tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 3 head_dim 4 window 6
func.func @attend_c2_heads(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects heads to be a multiple of the 3 heads of @kv.0, got 4}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 o @o
      post_norm @width eps 0.5
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<4x8xf32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 8 window 6
func.func @attend_c2_width(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects a query of width 32 (4 heads of 8, the head size of @kv.0), got 16}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 o @o
      post_norm @width eps 0.5
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<4x8xf32>
  return
}

// -----
// expected-note @below {{@q is defined here}}
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6
func.func @attend_c3_o(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects o of shape [8, 16] (residual width, query width), got [16, 8]}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 o @q
      post_norm @width eps 0.5
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<4x8xf32>
  return
}

// -----
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
// expected-note @below {{@short is defined here}}
gemma.weight @short : tensor<7xf32> from <"m", 0, 28>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6
func.func @attend_c3_post_norm(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects post_norm of shape [8] (residual width), got [7]}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 o @o
      post_norm @short eps 0.5
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<4x8xf32>
  return
}

// -----
func.func @attend_c4(%q: tensor<4x16xf32>, %r: tensor<3x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects residual with 4 rows, as query has, got 3}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 o @o
      post_norm @width eps 0.5
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<3x8xf32>
  return
}

// -----
func.func @attend_c5(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 o @o
      post_norm @width eps 0.0
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<4x8xf32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0
func.func @attend_c6(%q: tensor<4x16xf32>, %r: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects a cache with a window, since it has blocks, got @kv.0 without one}}
  %y = gemma.attend %q, %p, @kv.0 heads 4 blocks o @o
      post_norm @width eps 0.5
      + %r : tensor<4x16xf32>, tensor<4xi32>, tensor<4x8xf32>
  return
}

// -----
func.func @ffn_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.ffn"(%x) <{pre_norm = @width, gate = @gate, up = @gate, down = @down, post_norm = @width,
    eps = 0.5 : f64}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@gate is defined here}}
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @seven : tensor<8x7xf32> from <"m", 0, 224>
func.func @ffn_c2_gate(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects gate of shape [7, 8] (columns of down, input width), got [6, 8]}}
  %y = gemma.ffn %x pre_norm @width eps 0.5
      geglu(@gate, @gate) down @seven
      post_norm @width : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
// expected-note @below {{@tall is defined here}}
gemma.weight @tall : tensor<12x8xf32> from <"m", 0, 384>
func.func @ffn_c2_up(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects up of shape [6, 8] (columns of down, input width), got [12, 8]}}
  %y = gemma.ffn %x pre_norm @width eps 0.5
      geglu(@gate, @tall) down @down
      post_norm @width : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@gate is defined here}}
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
func.func @ffn_c2_down(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects down of shape [8, 8] (input width, F), got [6, 8]}}
  %y = gemma.ffn %x pre_norm @width eps 0.5
      geglu(@gate, @gate) down @gate
      post_norm @width : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
// expected-note @below {{@short is defined here}}
gemma.weight @short : tensor<7xf32> from <"m", 0, 28>
func.func @ffn_c2_norm(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects post_norm of shape [8] (input width), got [7]}}
  %y = gemma.ffn %x pre_norm @width eps 0.5
      geglu(@gate, @gate) down @down
      post_norm @short : tensor<4x8xf32>
  return
}

// -----
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
// expected-note @below {{@width is defined here}}
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
func.func @ffn_c2_layer_scale(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects layer_scale of shape [1] (one scalar), got [8]}}
  %y = gemma.ffn %x pre_norm @width eps 0.5
      geglu(@gate, @gate) down @down
      post_norm @width layer_scale @width : tensor<4x8xf32>
  return
}

// -----
func.func @ffn_c3(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.ffn %x pre_norm @width eps 0.0
      geglu(@gate, @gate) down @down
      post_norm @width : tensor<4x8xf32>
  return
}

// -----
func.func @moe_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.moe"(%x) <{pre_norm = @width, gate = @gate, up = @gate, down = @down, post_norm_1 = @width,
    router_proj = @router, router_scale = @width, per_expert_scale = @per_expert, top_k = 2 : i64,
    router_factor = 0.25 : f64, pre_norm_2 = @width, gate_up = @gate_up, experts_down = @experts_down,
    post_norm_2 = @width, post_norm = @width, eps = 0.5 : f64}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 0, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 0, 480>
// expected-note @below {{@tall is defined here}}
gemma.weight @tall : tensor<12x8xf32> from <"m", 0, 384>
func.func @moe_c2_gate(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects gate of shape [6, 8] (columns of down, input width), got [12, 8]}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@tall, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @router
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate_up down @experts_down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@gate is defined here}}
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 0, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 0, 480>
func.func @moe_c2_router(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects router_proj of shape [3, 8] (experts of experts_down, input width), got [6, 8]}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @gate
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate_up down @experts_down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@gate is defined here}}
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 0, 480>
func.func @moe_c2_gate_up(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects gate_up of shape [3, 10, 8] (experts of experts_down, 2 expert F, input width), got [6, 8]}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @router
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate down @experts_down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 0, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 0, 480>
func.func @moe_c2_experts_down(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects experts_down of rank 3, got 'tensor<8x6xf32>'}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @router
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate_up down @down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 0, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 0, 480>
// expected-note @below {{@two is defined here}}
gemma.weight @two : tensor<2xf32> from <"m", 0, 8>
func.func @moe_c2_per_expert_scale(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects per_expert_scale of shape [3] (experts of experts_down), got [2]}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @router
        top_k 2 per_expert_scale @two
      experts pre_norm @width
        gate_up @gate_up down @experts_down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @gate : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 0, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 0, 480>
func.func @moe_c3(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects top_k of at most 3 (the experts of experts_down), got 4}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @router
        top_k 4 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate_up down @experts_down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
func.func @moe_c4(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'router_factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.moe %x eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0x7FF0000000000000 proj @router
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate_up down @experts_down
        post_norm @width
      sum post_norm @width
      : tensor<4x8xf32>
  return
}

// -----
// expected-note @below {{@table is defined here}}
gemma.weight @table : tensor<11x8xf32> from <"m", 0, 352>
gemma.weight @ple_proj : tensor<12x8xf32> from <"m", 0, 384>
gemma.weight @head : tensor<4xf32> from <"m", 0, 16>
func.func @ple_input_c1_table(%ids: tensor<4xi32>, %x: tensor<4x8xf32>) {
  // expected-error @below {{expects table of shape [11, 12] (vocabulary, result width), got [11, 8]}}
  %y = gemma.ple_input %x proj @ple_proj context_scale 0.25
      norm @head groups 3 eps 0.5
      + @table[%ids] token_scale 2.0 result_scale 0.5
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
gemma.weight @ple_table : tensor<7x12xf32> from <"m", 0, 336>
// expected-note @below {{@ple_gate is defined here}}
gemma.weight @ple_gate : tensor<4x8xf32> from <"m", 0, 128>
gemma.weight @head : tensor<4xf32> from <"m", 0, 16>
func.func @ple_input_c1_proj(%ids: tensor<4xi32>, %x: tensor<4x8xf32>) {
  // expected-error @below {{expects proj of shape [12, 8] (result width, input width), got [4, 8]}}
  %y = gemma.ple_input %x proj @ple_gate context_scale 0.25
      norm @head groups 3 eps 0.5
      + @ple_table[%ids] token_scale 2.0 result_scale 0.5
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
gemma.weight @ple_table : tensor<7x12xf32> from <"m", 0, 336>
gemma.weight @ple_proj : tensor<12x8xf32> from <"m", 0, 384>
// expected-note @below {{@width is defined here}}
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
func.func @ple_input_c1_norm(%ids: tensor<4xi32>, %x: tensor<4x8xf32>) {
  // expected-error @below {{expects norm of shape [4] (result width / groups), got [8]}}
  %y = gemma.ple_input %x proj @ple_proj context_scale 0.25
      norm @width groups 3 eps 0.5
      + @ple_table[%ids] token_scale 2.0 result_scale 0.5
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
func.func @ple_input_c1_groups(%ids: tensor<4xi32>, %x: tensor<4x8xf32>) {
  // expected-error @below {{expects groups to divide the result's width 12, got 5}}
  %y = gemma.ple_input %x proj @ple_proj context_scale 0.25
      norm @head groups 5 eps 0.5
      + @ple_table[%ids] token_scale 2.0 result_scale 0.5
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
func.func @ple_input_c2(%ids: tensor<4xi32>, %x: tensor<4x8xf32>) {
  // expected-error @below {{expects result with 4 rows, as ids has, got 3}}
  %y = gemma.ple_input %x proj @ple_proj context_scale 0.25
      norm @head groups 3 eps 0.5
      + @ple_table[%ids] token_scale 2.0 result_scale 0.5
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<3x12xf32>
  return
}

// -----
func.func @ple_input_c3(%ids: tensor<4xi32>, %x: tensor<4x8xf32>) {
  // expected-error @+1 {{attribute 'token_scale' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.ple_input %x proj @ple_proj context_scale 0.25
      norm @head groups 3 eps 0.5
      + @ple_table[%ids] token_scale 0x7FF0000000000000 result_scale 0.5
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x12xf32>
  return
}

// -----
func.func @ple_mix_c1(%x: tensor<4x8xf32>, %ple: tensor<4x12xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.ple_mix"(%x, %ple) <{offset = 8 : i64, gate = @ple_gate, proj = @ple_out, post_norm = @width,
    eps = 0.5 : f64}> : (tensor<4x8xf32>, tensor<4x12xf32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.weight @ple_gate : tensor<4x8xf32> from <"m", 0, 128>
func.func @ple_mix_c2_offset(%x: tensor<4x8xf32>, %ple: tensor<4x12xf32>) {
  // expected-error @below {{expects an offset that is a multiple of 4 (rows of gate) and at most 8, got 12}}
  %y = gemma.ple_mix %x gelu(@ple_gate) * %ple at 12
      proj @ple_out
      post_norm @width eps 0.5
      : tensor<4x8xf32>, tensor<4x12xf32>
  return
}

// -----
gemma.weight @ple_gate : tensor<4x8xf32> from <"m", 0, 128>
func.func @ple_mix_c2_multiple(%x: tensor<4x8xf32>, %ple: tensor<4x12xf32>) {
  // expected-error @below {{expects an offset that is a multiple of 4 (rows of gate) and at most 8, got 2}}
  %y = gemma.ple_mix %x gelu(@ple_gate) * %ple at 2
      proj @ple_out
      post_norm @width eps 0.5
      : tensor<4x8xf32>, tensor<4x12xf32>
  return
}

// -----
gemma.weight @ple_gate : tensor<4x8xf32> from <"m", 0, 128>
// expected-note @below {{@down is defined here}}
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
func.func @ple_mix_c2_proj(%x: tensor<4x8xf32>, %ple: tensor<4x12xf32>) {
  // expected-error @below {{expects proj of shape [8, 4] (input width, rows of gate), got [8, 6]}}
  %y = gemma.ple_mix %x gelu(@ple_gate) * %ple at 8
      proj @down
      post_norm @width eps 0.5
      : tensor<4x8xf32>, tensor<4x12xf32>
  return
}

// -----
func.func @ple_mix_c3(%x: tensor<4x8xf32>, %ple: tensor<3x12xf32>) {
  // expected-error @below {{expects ple with 4 rows, as input has, got 3}}
  %y = gemma.ple_mix %x gelu(@ple_gate) * %ple at 8
      proj @ple_out
      post_norm @width eps 0.5
      : tensor<4x8xf32>, tensor<3x12xf32>
  return
}

// -----
func.func @ple_mix_c4(%x: tensor<4x8xf32>, %ple: tensor<4x12xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.ple_mix %x gelu(@ple_gate) * %ple at 8
      proj @ple_out
      post_norm @width eps 0.0
      : tensor<4x8xf32>, tensor<4x12xf32>
  return
}

// -----
// expected-note @below {{@short is defined here}}
gemma.weight @short : tensor<7xf32> from <"m", 0, 28>
gemma.weight @table : tensor<11x8xf32> from <"m", 0, 352>
func.func @head_c1_norm(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects norm of shape [8] (input width), got [7]}}
  %y = gemma.head %x norm @short eps 0.5 table @table softcap 30.0
      : tensor<4x8xf32> -> tensor<4x11xf32>
  return
}

// -----
gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@table is defined here}}
gemma.weight @table : tensor<11x8xf32> from <"m", 0, 352>
func.func @head_c1_table(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects table of shape [12, 8] (logits width, input width), got [11, 8]}}
  %y = gemma.head %x norm @width eps 0.5 table @table softcap 30.0
      : tensor<4x8xf32> -> tensor<4x12xf32>
  return
}

// -----
func.func @head_c2_softcap(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'softcap' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.head %x norm @width eps 0.5 table @table softcap 0.0
      : tensor<4x8xf32> -> tensor<4x11xf32>
  return
}

// -----
func.func @head_c2_eps(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.head %x norm @width eps -1.0 table @table softcap 30.0
      : tensor<4x8xf32> -> tensor<4x11xf32>
  return
}

// -----
func.func @head_c3(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects logits with 4 rows, as input has, got 3}}
  %y = gemma.head %x norm @width eps 0.5 table @table softcap 30.0
      : tensor<4x8xf32> -> tensor<3x11xf32>
  return
}
