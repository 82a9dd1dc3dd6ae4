// Level 1: one op per thing a machine does at once. Made from level 0 by passes/fuse, each fusion exact: the
// same operations on the same values. Weights are symbols as in level 0; per-op constraints repeat those of
// the level-0 ops they stand for.
#ifndef GEMMA_FUSED_OPS_TD
#define GEMMA_FUSED_OPS_TD

include "dialects/Gemma/GemmaTensorOps.td"

def Gemma_QkvOp : Gemma_FusedOp<"qkv", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "input norm, projections, head norms, RoPE and the cache write of one layer (spec 3.3, 3.4)";
  let description = [{
    `y = rms_norm(input, norm)`; `query = rope(head_norm(y q^T, q_norm)) * query_scale`, 1 where that is absent; if the
    layer owns its cache also `k = rope(head_norm(y k^T, k_norm))`, `v = head_norm(y v^T)` without a weight, or of
    `y k^T` where `v` is absent, written to `cache`.
    With `raw_values` the values are not normed.
    - c1: `k`, `k_norm` and `cache` come together; `v` only with `k`.
    - c2: `norm` is `[width]`; `q` is `[heads * head_dim, width]`; `k`, `v` are `[cache heads * head_dim, width]`;
      `q_norm`, `k_norm` are `[head_dim]`.
    - c3: the width of `query` is heads * head_dim; head_dim is the cache's.
    - c4: rope pairs are at most head_dim / 2; head_dim is even.
    - c5: `input`, `positions` and `query` have the same number of rows.
    - c6: `eps` is finite and above 0.
    - c7: `query_scale`, if given, is finite and above 0.
    - c8: `raw_values` only with `cache`.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @q : tensor<16x8xf32> from <"m", 32, 512>
    gemma.weight @k : tensor<4x8xf32> from <"m", 544, 128>
    gemma.weight @v : tensor<4x8xf32> from <"m", 672, 128>
    gemma.weight @head_norm : tensor<4xf32> from <"m", 800, 16>
    gemma.kv_cache @kv.0 heads 1 head_dim 4 window 512
    func.func @example(%x: tensor<?x8xf32>, %positions: tensor<?xi32>) {
      %query = gemma.qkv %x, %positions norm @norm eps 1.0e-6
          heads 4 head_dim 4 rope <theta = 10000.0, pairs = 2, factor = 1.0>
          q @q q_norm @head_norm
          k @k k_norm @head_norm
          v @v
          cache @kv.0
          : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
      %reader = gemma.qkv %x, %positions norm @norm eps 1.0e-6
          heads 4 head_dim 4 rope <theta = 10000.0, pairs = 2, factor = 1.0>
          q @q q_norm @head_norm query_scale 0.5
          : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Positions:$positions, FlatSymbolRefAttr:$norm, FlatSymbolRefAttr:$q,
      OptionalAttr<FlatSymbolRefAttr>:$k, OptionalAttr<FlatSymbolRefAttr>:$v, FlatSymbolRefAttr:$q_norm,
      OptionalAttr<FlatSymbolRefAttr>:$k_norm, OptionalAttr<FlatSymbolRefAttr>:$cache, Gemma_Count:$heads,
      Gemma_Count:$head_dim, Gemma_RopeAttr:$rope, Gemma_PositiveF64:$eps /* c6 */,
      OptionalAttr<Gemma_PositiveF64>:$query_scale /* c7 */, UnitAttr:$raw_values);
  let results = (outs Gemma_Rows:$query);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $positions `norm` $norm `eps` custom<Number>($eps)
    / `heads` $heads `head_dim` $head_dim `rope` $rope
    / `q` $q `q_norm` $q_norm (`query_scale` custom<Number>($query_scale)^)?
    (/ `k` $k^ `k_norm` $k_norm)?
    (/ `v` $v^)?
    (/ `cache` $cache^ (`raw_values` $raw_values^)?)? attr-dict
    / `:` type($input) `,` type($positions) `->` type($query)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_AttendOp
    : Gemma_FusedOp<"attend", [MemoryEffects<[MemRead]>, AllTypesMatch<["residual", "result"]> /* c1 */]> {
  let summary = "attention over a cache, output projection, post norm, residual add (spec 3.3, 3.4)";
  let description = [{
    `result = residual + rms_norm(attention(query, cache) o^T, post_norm)`.
    - c1: `result` has the type of `residual`.
    - c2: `heads` is a multiple of the cache's heads; the width of `query` is heads * head_dim of the cache.
    - c3: `o` is `[residual width, query width]`, `post_norm` `[residual width]`.
    - c4: `query`, `residual` and `positions` have the same number of rows.
    - c5: `eps` is finite and above 0.
    - c6: with `blocks`, as gemma.attention has it, the cache has a window.
    ```mlir
    gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
    gemma.weight @norm : tensor<8xf32> from <"m", 512, 32>
    gemma.kv_cache @kv.0 heads 1 head_dim 4 window 512
    func.func @example(%query: tensor<?x16xf32>, %x: tensor<?x8xf32>, %positions: tensor<?xi32>) {
      %y = gemma.attend %query, %positions, @kv.0 heads 4 o @o
          post_norm @norm eps 1.0e-6
          + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$query, Gemma_Rows:$residual, Gemma_Positions:$positions, FlatSymbolRefAttr:$cache,
      Gemma_Count:$heads, FlatSymbolRefAttr:$o, FlatSymbolRefAttr:$post_norm, Gemma_PositiveF64:$eps /* c5 */,
      UnitAttr:$blocks);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $positions `,` $cache `heads` $heads (`blocks` $blocks^)? `o` $o
    / `post_norm` $post_norm `eps` custom<Number>($eps)
    / `+` $residual attr-dict `:` type($query) `,` type($positions) `,` type($residual)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_FfnOp : Gemma_FusedOp<"ffn", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "pre norm, GeGLU MLP, post norm, residual add, layer scale if it comes last (spec 3.3)";
  let description = [{
    `result = (input + rms_norm(geglu(y gate^T, y up^T) down^T, post_norm)) * layer_scale`,
    `y = rms_norm(input, pre_norm)`.
    - c1: `result` has the type of `input`.
    - c2: `gate`, `up` are `[F, width]`, `down` `[width, F]`, norms `[width]`, `layer_scale` one element.
    - c3: `eps` is finite and above 0.
    ```mlir
    gemma.weight @pre : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @gate : tensor<6x8xf32> from <"m", 32, 192>
    gemma.weight @up : tensor<6x8xf32> from <"m", 224, 192>
    gemma.weight @down : tensor<8x6xf32> from <"m", 416, 192>
    gemma.weight @post : tensor<8xf32> from <"m", 608, 32>
    gemma.weight @scalar : tensor<1xf32> from <"m", 640, 4>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.ffn %x pre_norm @pre eps 1.0e-6
          geglu(@gate, @up) down @down
          post_norm @post layer_scale @scalar : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$pre_norm, FlatSymbolRefAttr:$gate, FlatSymbolRefAttr:$up,
      FlatSymbolRefAttr:$down, FlatSymbolRefAttr:$post_norm, Gemma_PositiveF64:$eps /* c3 */,
      OptionalAttr<FlatSymbolRefAttr>:$layer_scale);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `pre_norm` $pre_norm `eps` custom<Number>($eps)
    / `geglu` `(` $gate `,` $up `)` `down` $down
    / `post_norm` $post_norm (`layer_scale` $layer_scale^)? attr-dict `:` type($input)
  }]>.format;
}

def Gemma_MoeOp : Gemma_FusedOp<"moe", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "dense MLP and mixture of experts side by side (spec 3.3, 3.8)";
  let description = [{
    `m = rms_norm(mlp(rms_norm(input, pre_norm)), post_norm_1)`,
    `e = rms_norm(experts(rms_norm(input, pre_norm_2), router(input)), post_norm_2)`,
    `result = (input + rms_norm(m + e, post_norm)) * layer_scale`.
    - c1: `result` has the type of `input`.
    - c2: weights fit as in ffn, router and experts.
    - c3: `top_k` is positive and at most the number of experts.
    - c4: `router_factor` is finite, `eps` finite and above 0.
    ```mlir
    gemma.weight @pre : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @gate : tensor<6x8xf32> from <"m", 32, 192>
    gemma.weight @up : tensor<6x8xf32> from <"m", 224, 192>
    gemma.weight @down : tensor<8x6xf32> from <"m", 416, 192>
    gemma.weight @post_1 : tensor<8xf32> from <"m", 608, 32>
    gemma.weight @scale : tensor<8xf32> from <"m", 640, 32>
    gemma.weight @router : tensor<3x8xf32> from <"m", 672, 96>
    gemma.weight @per_expert : tensor<3xf32> from <"m", 768, 12>
    gemma.weight @pre_2 : tensor<8xf32> from <"m", 780, 32>
    gemma.weight @gate_up : tensor<3x12x8xf32> from <"m", 812, 1152>
    gemma.weight @experts_down : tensor<3x8x6xf32> from <"m", 1964, 576>
    gemma.weight @post_2 : tensor<8xf32> from <"m", 2540, 32>
    gemma.weight @post : tensor<8xf32> from <"m", 2572, 32>
    gemma.weight @scalar : tensor<1xf32> from <"m", 2604, 4>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.moe %x eps 1.0e-6
          dense pre_norm @pre
            geglu(@gate, @up) down @down
            post_norm @post_1
          router scale @scale factor 0.35 proj @router
            top_k 2 per_expert_scale @per_expert
          experts pre_norm @pre_2
            gate_up @gate_up down @experts_down
            post_norm @post_2
          sum post_norm @post layer_scale @scalar
          : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$pre_norm, FlatSymbolRefAttr:$gate, FlatSymbolRefAttr:$up,
      FlatSymbolRefAttr:$down, FlatSymbolRefAttr:$post_norm_1, FlatSymbolRefAttr:$router_proj,
      FlatSymbolRefAttr:$router_scale, FlatSymbolRefAttr:$per_expert_scale, Gemma_Count:$top_k /* c3 */,
      Gemma_FiniteF64:$router_factor /* c4 */, FlatSymbolRefAttr:$pre_norm_2, FlatSymbolRefAttr:$gate_up,
      FlatSymbolRefAttr:$experts_down, FlatSymbolRefAttr:$post_norm_2, FlatSymbolRefAttr:$post_norm,
      Gemma_PositiveF64:$eps /* c4 */, OptionalAttr<FlatSymbolRefAttr>:$layer_scale);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `eps` custom<Number>($eps)
    / `dense` `pre_norm` $pre_norm
    / ` ` ` ` `geglu` `(` $gate `,` $up `)` `down` $down
    / ` ` ` ` `post_norm` $post_norm_1
    / `router` `scale` $router_scale `factor` custom<Number>($router_factor) `proj` $router_proj
    / ` ` ` ` `top_k` $top_k `per_expert_scale` $per_expert_scale
    / `experts` `pre_norm` $pre_norm_2
    / ` ` ` ` `gate_up` $gate_up `down` $experts_down
    / ` ` ` ` `post_norm` $post_norm_2
    / `sum` `post_norm` $post_norm (`layer_scale` $layer_scale^)?
    / attr-dict `:` type($input)
  }]>.format;
}

def Gemma_PleInputOp : Gemma_FusedOp<"ple_input", [Pure]> {
  let summary = "per-layer inputs of all layers (spec 3.2)";
  let description = [{
    `result = (rms_norm((input proj^T) * context_scale, norm, groups) + table[ids] * token_scale) * result_scale`.
    - c1: `table` is `[vocab, groups * P]`, `proj` `[groups * P, input width]`, `norm` `[P]`; the
      width of `result` is groups * P.
    - c2: rows are equal.
    - c3: scales are finite, `eps` finite and above 0.
    ```mlir
    gemma.weight @proj : tensor<12x8xf32> from <"m", 0, 384>
    gemma.weight @norm : tensor<4xf32> from <"m", 384, 16>
    gemma.weight @table : tensor<100x12xf32> from <"m", 400, 4800>
    func.func @example(%ids: tensor<?xi32>, %x: tensor<?x8xf32>) {
      %ple = gemma.ple_input %x proj @proj context_scale 0.35
          norm @norm groups 3 eps 1.0e-6
          + @table[%ids] token_scale 2.0 result_scale 0.7
          : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x12xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Ids:$ids, Gemma_Rows:$input, FlatSymbolRefAttr:$table, FlatSymbolRefAttr:$proj,
      FlatSymbolRefAttr:$norm, Gemma_Count:$groups /* c1 */, Gemma_FiniteF64:$token_scale /* c3 */,
      Gemma_FiniteF64:$context_scale /* c3 */, Gemma_FiniteF64:$result_scale /* c3 */, Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `proj` $proj `context_scale` custom<Number>($context_scale)
    / `norm` $norm `groups` $groups `eps` custom<Number>($eps)
    / `+` $table `[` $ids `]` `token_scale` custom<Number>($token_scale) `result_scale` custom<Number>($result_scale)
    / attr-dict `:` type($input) `,` type($ids) `->` type($result)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_PleMixOp : Gemma_FusedOp<"ple_mix", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "mixes one layer's slice of the per-layer inputs into the residual stream (spec 3.3)";
  let description = [{
    `g = gelu(input gate^T) * ple[:, offset .. offset + P]`;
    `result = (input + rms_norm(g proj^T, post_norm)) * layer_scale`.
    - c1: `result` has the type of `input`.
    - c2: `gate` is `[P, width]`, `proj` `[width, P]`, `post_norm` `[width]`, offset a multiple
      of P inside the width of `ple`.
    - c3: rows are equal.
    - c4: `eps` is finite and above 0.
    ```mlir
    gemma.weight @gate : tensor<4x8xf32> from <"m", 0, 128>
    gemma.weight @proj : tensor<8x4xf32> from <"m", 128, 128>
    gemma.weight @post : tensor<8xf32> from <"m", 256, 32>
    gemma.weight @scalar : tensor<1xf32> from <"m", 288, 4>
    func.func @example(%x: tensor<?x8xf32>, %ple: tensor<?x12xf32>) {
      %y = gemma.ple_mix %x gelu(@gate) * %ple at 4
          proj @proj
          post_norm @post eps 1.0e-6 layer_scale @scalar
          : tensor<?x8xf32>, tensor<?x12xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Rows:$ple, Gemma_Offset:$offset /* c2 */, FlatSymbolRefAttr:$gate,
      FlatSymbolRefAttr:$proj, FlatSymbolRefAttr:$post_norm, Gemma_PositiveF64:$eps /* c4 */,
      OptionalAttr<FlatSymbolRefAttr>:$layer_scale);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `gelu` `(` $gate `)` `*` $ple `at` $offset
    / `proj` $proj
    / `post_norm` $post_norm `eps` custom<Number>($eps) (`layer_scale` $layer_scale^)?
    / attr-dict `:` type($input) `,` type($ple)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_HeadOp : Gemma_FusedOp<"head", [Pure]> {
  let summary = "final norm, output matrix, softcap (spec 3.3)";
  let description = [{
    - c1: `norm` is `[input width]`, `table` `[result width, input width]`.
    - c2: `softcap`, if given, and `eps` are finite and above 0.
    - c3: rows are equal.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @table : tensor<100x8xf32> from <"m", 32, 3200>
    func.func @example(%x: tensor<?x8xf32>) {
      %logits = gemma.head %x norm @norm eps 1.0e-6 table @table softcap 30.0
          : tensor<?x8xf32> -> tensor<?x100xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$norm, FlatSymbolRefAttr:$table,
      Gemma_PositiveF64:$eps /* c2 */, OptionalAttr<Gemma_PositiveF64>:$softcap /* c2 */);
  let results = (outs Gemma_Rows:$logits);
  let assemblyFormat = Gemma_Lines<[{
    $input `norm` $norm `eps` custom<Number>($eps) `table` $table (`softcap` custom<Number>($softcap)^)?
    / attr-dict `:` type($input) `->` type($logits)
  }]>.format;
  let hasVerifier = 1;
}

#endif // GEMMA_FUSED_OPS_TD
