// Level 0: one case per constraint, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

gemma.weight @table : tensor<11x16xf32> from <"m", 0, 704>
func.func @embed_c1_width(%ids: tensor<?xi32>) {
  // expected-error @below {{expects a table with 8 columns (width of the result), got 16}}
  %x = gemma.embed %ids, @table scale 1.0 : tensor<?xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @table : tensor<8xf32> from <"m", 0, 32>
func.func @embed_c1_rank(%ids: tensor<?xi32>) {
  // expected-error @below {{expects table of rank 2, got 'tensor<8xf32>'}}
  %x = gemma.embed %ids, @table scale 1.0 : tensor<?xi32> -> tensor<?x8xf32>
  return
}

// -----
func.func @embed_c1_missing(%ids: tensor<?xi32>) {
  // expected-error @below {{expects table to name a gemma.weight, got @table, which is not in the module}}
  %x = gemma.embed %ids, @table scale 1.0 : tensor<?xi32> -> tensor<?x8xf32>
  return
}

// -----
func.func @embed_c2(%ids: tensor<2xi32>) {
  // expected-error @below {{expects result with 2 rows, as ids has, got 3}}
  %x = gemma.embed %ids, @table scale 1.0 : tensor<2xi32> -> tensor<3x8xf32>
  return
}

// -----
func.func @embed_c3(%ids: tensor<2xi32>) {
  // expected-error @below {{attribute 'scale' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %x = gemma.embed %ids, @table scale 0x7FF0000000000000 : tensor<2xi32> -> tensor<2x8xf32>
  return
}

// -----
func.func @embed_c4(%ids: tensor<?xi32>, %soft: tensor<?x4xf32>) {
  // expected-error @below {{expects soft rows of the type of the result, 'tensor<?x8xf32>', got 'tensor<?x4xf32>'}}
  %x = gemma.embed %ids, @table scale 1.0 soft %soft : tensor<?xi32>, tensor<?x4xf32> -> tensor<?x8xf32>
  return
}

// -----
func.func @rows_width(%x: tensor<?x?xf32>) {
  // expected-error @below {{must be [rows, static width] tensor of 32-bit float values, but got 'tensor<?x?xf32>'}}
  %y = gemma.scale %x by 2.0 : tensor<?x?xf32>
  return
}

// -----
func.func @rms_norm_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.rms_norm"(%x) <{groups = 1 : i64, eps = 0.5 : f64}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @rms_norm_c2(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects groups to divide the width 8, got 3}}
  %y = gemma.rms_norm %x groups 3 eps 0.5 : tensor<4x8xf32>
  return
}

// -----
func.func @rms_norm_c2_positive(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'groups' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %y = gemma.rms_norm %x groups 0 eps 0.5 : tensor<4x8xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<7xf32> from <"m", 0, 28>
func.func @rms_norm_c3(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects weight of shape [8] (width / groups), got [7]}}
  %y = gemma.rms_norm %x, @w groups 1 eps 0.5 : tensor<4x8xf32>
  return
}

// -----
func.func @rms_norm_c4(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.rms_norm %x groups 1 eps 0.0 : tensor<4x8xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<8x16xf32> from <"m", 0, 512>
func.func @linear_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects weight of shape [16, 8] (result width, input width), got [8, 16]}}
  %y = gemma.linear %x, @w : tensor<4x8xf32> -> tensor<4x16xf32>
  return
}

// -----
func.func @linear_c2(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects result with 4 rows, as input has, got 5}}
  %y = gemma.linear %x, @w : tensor<4x8xf32> -> tensor<5x16xf32>
  return
}

// -----
func.func @rope_c1(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.rope"(%x, %p) <{heads = 1 : i64, rope = #gemma.rope<theta = 100.0, pairs = 1, factor = 1.0>}>
    : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @rope_c2_heads(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects heads to divide the width 8, got 3}}
  %y = gemma.rope %x, %p heads 3 <theta = 100.0, pairs = 1, factor = 1.0> : tensor<4x8xf32>, tensor<4xi32>
  return
}

// -----
func.func @rope_c2_even(%x: tensor<4x6xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects an even head size, got 3}}
  %y = gemma.rope %x, %p heads 2 <theta = 100.0, pairs = 1, factor = 1.0> : tensor<4x6xf32>, tensor<4xi32>
  return
}

// -----
func.func @rope_c2_pairs(%x: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects at most 2 rope pairs (half the head size), got 3}}
  %y = gemma.rope %x, %p heads 2 <theta = 100.0, pairs = 3, factor = 1.0> : tensor<4x8xf32>, tensor<4xi32>
  return
}

// -----
func.func @rope_c3(%x: tensor<4x8xf32>, %p: tensor<3xi32>) {
  // expected-error @below {{expects positions with 4 rows, as input has, got 3}}
  %y = gemma.rope %x, %p heads 2 <theta = 100.0, pairs = 1, factor = 1.0> : tensor<4x8xf32>, tensor<3xi32>
  return
}

// -----
func.func @kv_write_c1(%k: tensor<4x8xf32>, %v: tensor<4x4xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{failed to verify that all of {keys, values} have same type}}
  "gemma.kv_write"(%k, %v, %p) <{cache = @kv.0}> : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<4xi32>) -> ()
  return
}

// -----
gemma.kv_cache @kv.0 heads 2 head_dim 8 window 0
func.func @kv_write_c2(%k: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects keys of width 16 (2 heads of 8 in @kv.0), got 8}}
  gemma.kv_write %k, %k, %p, @kv.0 : tensor<4x8xf32>, tensor<4xi32>
  return
}

// -----
// expected-note @below {{defined here}}
gemma.weight @w : tensor<8xf32> from <"m", 0, 32>
func.func @kv_write_c2_kind(%k: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects cache to name a gemma.kv_cache, got @w, a gemma.weight}}
  gemma.kv_write %k, %k, %p, @w : tensor<4x8xf32>, tensor<4xi32>
  return
}

// -----
func.func @kv_write_c3(%k: tensor<4x8xf32>, %p: tensor<3xi32>) {
  // expected-error @below {{expects positions with 4 rows, as keys has, got 3}}
  gemma.kv_write %k, %k, %p, @kv.0 : tensor<4x8xf32>, tensor<3xi32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 8 window 0
func.func @attention_c4(%q: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects a cache with a window, since it has blocks, got @kv.0 without one}}
  %y = gemma.attention %q, %p, @kv.0 heads 1 blocks : tensor<4x8xf32>, tensor<4xi32>
  return
}

// -----
func.func @attention_c1(%q: tensor<4x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{failed to verify that all of {query, result} have same type}}
  %y = "gemma.attention"(%q, %p) <{cache = @kv.0, heads = 2 : i64}>
    : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 2 head_dim 8 window 0
func.func @attention_c2_heads(%q: tensor<4x24xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects heads to be a multiple of the 2 heads of @kv.0, got 3}}
  %y = gemma.attention %q, %p, @kv.0 heads 3 : tensor<4x24xf32>, tensor<4xi32>
  return
}

// -----
gemma.kv_cache @kv.0 heads 2 head_dim 8 window 0
func.func @attention_c2_width(%q: tensor<4x24xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expects a query of width 32 (4 heads of 8, the head size of @kv.0), got 24}}
  %y = gemma.attention %q, %p, @kv.0 heads 4 : tensor<4x24xf32>, tensor<4xi32>
  return
}

// -----
func.func @attention_c3(%q: tensor<4x8xf32>, %p: tensor<3xi32>) {
  // expected-error @below {{expects positions with 4 rows, as query has, got 3}}
  %y = gemma.attention %q, %p, @kv.0 heads 1 : tensor<4x8xf32>, tensor<3xi32>
  return
}

// -----
func.func @geglu_c1(%a: tensor<4x8xf32>, %b: tensor<4x4xf32>) {
  // expected-error @below {{failed to verify that all of {gate, up, result} have same type}}
  %y = "gemma.geglu"(%a, %b) : (tensor<4x8xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return
}

// -----
func.func @add_c1(%a: tensor<4x8xf32>, %b: tensor<4x4xf32>) {
  // expected-error @below {{failed to verify that all of {a, b, result} have same type}}
  %y = "gemma.add"(%a, %b) : (tensor<4x8xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return
}

// -----
func.func @scale_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.scale"(%x) <{factor = 2.0 : f64}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @scale_c2(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.scale %x by 0x7FF8000000000000 : tensor<4x8xf32>
  return
}

// -----
func.func @layer_scale_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.layer_scale"(%x) <{weight = @w}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<8xf32> from <"m", 0, 32>
func.func @layer_scale_c2(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects weight of shape [1] (one scalar), got [8]}}
  %y = gemma.layer_scale %x, @w : tensor<4x8xf32>
  return
}

// -----
func.func @slice_c1_columns(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects columns inside the input's 8, got 6 .. 6 + 3}}
  %y = gemma.slice %x at 6 : tensor<4x8xf32> -> tensor<4x3xf32>
  return
}

// -----
func.func @slice_c1_far(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects columns inside the input's 8, got 9223372036854775807 .. 9223372036854775807 + 3}}
  %y = gemma.slice %x at 9223372036854775807 : tensor<4x8xf32> -> tensor<4x3xf32>
  return
}

// -----
func.func @slice_c1_negative(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'offset' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %y = gemma.slice %x at -1 : tensor<4x8xf32> -> tensor<4x3xf32>
  return
}

// -----
func.func @slice_c1_rows(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects result with 4 rows, as input has, got 3}}
  %y = gemma.slice %x at 1 : tensor<4x8xf32> -> tensor<3x3xf32>
  return
}

// -----
// expected-note @below {{@proj is defined here}}
gemma.weight @proj : tensor<3x4xf32> from <"m", 0, 48>
func.func @router_c1_proj(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects proj of shape [3, 8] (experts, input width), got [3, 4]}}
  %w, %p = gemma.router %x scale @s factor 0.5 eps 0.5
      proj @proj top_k 2 per_expert_scale @e
      : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @proj : tensor<3x8xf32> from <"m", 0, 96>
// expected-note @below {{@e is defined here}}
gemma.weight @e : tensor<8xf32> from <"m", 96, 32>
func.func @router_c1_scale(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects per_expert_scale of shape [3] (experts, the rows of proj), got [8]}}
  %w, %p = gemma.router %x scale @e factor 0.5 eps 0.5
      proj @proj top_k 2 per_expert_scale @e
      : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @proj : tensor<3x8xf32> from <"m", 0, 96>
gemma.weight @s : tensor<8xf32> from <"m", 96, 32>
gemma.weight @e : tensor<3xf32> from <"m", 128, 12>
func.func @router_c2_experts(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects top_k of at most 3 (the experts of proj), got 4}}
  %w, %p = gemma.router %x scale @s factor 0.5 eps 0.5
      proj @proj top_k 4 per_expert_scale @e
      : tensor<4x8xf32> -> tensor<4x4xf32>, tensor<4x4xi32>
  return
}

// -----
func.func @router_c2_width(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects results of width 2 (top_k), got 3 and 2}}
  %w, %p = gemma.router %x scale @s factor 0.5 eps 0.5
      proj @proj top_k 2 per_expert_scale @e
      : tensor<4x8xf32> -> tensor<4x3xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @router_c2_rows(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects picks with 4 rows, as input has, got 3}}
  %w, %p = gemma.router %x scale @s factor 0.5 eps 0.5
      proj @proj top_k 2 per_expert_scale @e
      : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<3x2xi32>
  return
}

// -----
func.func @router_c3(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %w, %p = gemma.router %x scale @s factor 0.5 eps -0.5
      proj @proj top_k 2 per_expert_scale @e
      : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @experts_c1(%x: tensor<4x8xf32>, %w: tensor<4x2xf32>, %p: tensor<4x2xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.experts"(%x, %w, %p) <{gate_up = @gate_up, down = @down}>
    : (tensor<4x8xf32>, tensor<4x2xf32>, tensor<4x2xi32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.weight @down : tensor<3x8x6xf32> from <"m", 0, 576>
// expected-note @below {{@gate_up is defined here}}
gemma.weight @gate_up : tensor<3x6x8xf32> from <"m", 576, 576>
func.func @experts_c2(%x: tensor<4x8xf32>, %w: tensor<4x2xf32>, %p: tensor<4x2xi32>) {
  // expected-error @below {{expects gate_up of shape [3, 12, 8] (experts of down, 2 F, input width), got [3, 6, 8]}}
  %y = gemma.experts %x, %w, %p, @gate_up, @down : tensor<4x8xf32>, tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @experts_c3_width(%x: tensor<4x8xf32>, %w: tensor<4x2xf32>, %p: tensor<4x3xi32>) {
  // expected-error @below {{expects weights and picks of one width, got 2 and 3}}
  %y = gemma.experts %x, %w, %p, @gate_up, @down : tensor<4x8xf32>, tensor<4x2xf32>, tensor<4x3xi32>
  return
}

// -----
func.func @experts_c3_rows(%x: tensor<4x8xf32>, %w: tensor<5x2xf32>, %p: tensor<4x2xi32>) {
  // expected-error @below {{expects weights with 4 rows, as input has, got 5}}
  %y = gemma.experts %x, %w, %p, @gate_up, @down : tensor<4x8xf32>, tensor<5x2xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @softcap_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.softcap"(%x) <{cap = 2.0 : f64}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @softcap_c2(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'cap' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.softcap %x cap -30.0 : tensor<4x8xf32>
  return
}
