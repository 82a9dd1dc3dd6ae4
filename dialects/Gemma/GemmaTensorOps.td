// Level 0: the arithmetic as the checkpoint's own code states it, on tensors [rows, width] of f32.
#ifndef GEMMA_TENSOR_OPS_TD
#define GEMMA_TENSOR_OPS_TD

include "dialects/Gemma/GemmaBase.td"
include "dialects/Gemma/GemmaInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// [rows, width]; rows dynamic or static, width static.
def Gemma_StaticWidth : CPred<"!::llvm::cast<::mlir::RankedTensorType>($_self).isDynamicDim(1)">;
class Gemma_RowsOf<Type element>
    : RankedTensorOf<[element], [HasAnyRankOfPred<[2]>, Gemma_StaticWidth], "[rows, static width] tensor">;
def Gemma_Rows : Gemma_RowsOf<F32>;
def Gemma_Picks : Gemma_RowsOf<I32>;
def Gemma_Ids : TensorRankOf<[I32], [1]>;
def Gemma_Positions : TensorRankOf<[I32], [1]>;

// An op that names weights or caches: verifySymbolUses checks that they exist and fit.
class Gemma_UserOp<string mnemonic, list<Trait> traits = []>
    : Gemma_Op<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<SymbolUserOpInterface>])>;

// An op that stays when everything is fused, and tells what its matrices are.
class Gemma_FusedOp<string mnemonic, list<Trait> traits = []>
    : Gemma_UserOp<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<Gemma_FusedInterface>])>;

// Of both levels: there is nothing to fuse it with.
def Gemma_EmbedOp : Gemma_FusedOp<"embed", [Pure]> {
  let summary = "rows of a table, scaled";
  let description = [{
    `result[r] = table[ids[r]] * scale` (spec 3.1, 3.2). Ids of soft tokens, which a tower made of a picture or a sound,
    are negative: `result[r] = soft[r]` then, as it is, or, without `soft`, the row of id 0 (the pad token) scaled.
    - c1: `table` is a rank-2 weight whose columns are the width of `result`.
    - c2: `ids` and `result` have the same number of rows.
    - c3: `scale` is finite.
    - c4: `soft`, if given, has the type of `result`.
    ```mlir
    gemma.weight @table : tensor<100x8xf32> from <"m", 0, 3200>
    func.func @example(%ids: tensor<?xi32>, %soft: tensor<?x8xf32> {gemma.name = "soft_tokens"}) {
      %x = gemma.embed %ids, @table scale 8.0 : tensor<?xi32> -> tensor<?x8xf32>
      %y = gemma.embed %ids, @table scale 8.0 soft %soft : tensor<?xi32>, tensor<?x8xf32> -> tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Ids:$ids, FlatSymbolRefAttr:$table, Gemma_FiniteF64:$scale /* c3 */,
      Optional<Gemma_Rows>:$soft);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$ids `,` $table `scale` custom<Number>($scale) (`soft` $soft^)? attr-dict "
                       "`:` type($ids) (`,` type($soft)^)? `->` type($result)";
  let hasVerifier = 1;
}

def Gemma_RmsNormOp : Gemma_UserOp<"rms_norm", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "root-mean-square normalisation of each of `groups` equal parts of a row";
  let description = [{
    `result = input * (mean(input^2) + eps)^-1/2 * weight` over each part; the weight is the factor itself, never
    1 + weight; without a weight the factor is 1 (arXiv:1910.07467; spec 0).
    - c1: `result` has the type of `input`.
    - c2: `groups` is positive and divides the width.
    - c3: `weight`, if given, is rank 1 and as long as one part.
    - c4: `eps` is finite and above 0.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.rms_norm %x, @norm groups 1 eps 1.0e-6 : tensor<?x8xf32>
      %z = gemma.rms_norm %x groups 2 eps 1.0e-6 : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, OptionalAttr<FlatSymbolRefAttr>:$weight, Gemma_Count:$groups /* c2 */,
      Gemma_PositiveF64:$eps /* c4 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input (`,` $weight^)? `groups` $groups `eps` custom<Number>($eps) attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Gemma_LinearOp : Gemma_UserOp<"linear", [Pure]> {
  let summary = "`result = input * weight^T`";
  let description = [{
    Input and result are first rounded to the static grids that the weight's activation scales
    say, if it has any (gemma.weight).
    - c1: `weight` is rank 2, `[result width, input width]`.
    - c2: `input` and `result` have the same number of rows.
    ```mlir
    gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.linear %x, @q : tensor<?x8xf32> -> tensor<?x16xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$weight);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Gemma_RopeOp : Gemma_Op<"rope", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "rotary embedding of `heads` heads";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `heads` is positive and divides the width; the head size is even; `pairs` is at most half of it.
    - c3: `positions` has as many entries as `input` rows.
    ```mlir
    func.func @example(%q: tensor<?x16xf32>, %positions: tensor<?xi32>) {
      %r = gemma.rope %q, %positions heads 4 <theta = 10000.0, pairs = 2, factor = 1.0>
          : tensor<?x16xf32>, tensor<?xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Positions:$positions, Gemma_Count:$heads /* c2 */,
      Gemma_RopeAttr:$rope);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $positions `heads` $heads $rope
    / attr-dict `:` type($input) `,` type($positions)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_KvWriteOp
    : Gemma_UserOp<"kv_write", [MemoryEffects<[MemWrite]>, AllTypesMatch<["keys", "values"]> /* c1 */]> {
  let summary = "stores keys (normed, rotated) and values (normed) of the given positions";
  let description = [{
    - c1: keys and values have the same type.
    - c2: `cache` is a kv_cache whose heads * head_dim is the width.
    - c3: `positions` has as many entries as rows.
    ```mlir
    gemma.kv_cache @kv.0 heads 1 head_dim 4 window 512
    func.func @example(%k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %positions: tensor<?xi32>) {
      gemma.kv_write %k, %v, %positions, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$keys, Gemma_Rows:$values, Gemma_Positions:$positions, FlatSymbolRefAttr:$cache);
  let assemblyFormat = "$keys `,` $values `,` $positions `,` $cache attr-dict `:` type($keys) `,` type($positions)";
  let hasVerifier = 1;
}

def Gemma_AttentionOp
    : Gemma_UserOp<"attention", [MemoryEffects<[MemRead]>, AllTypesMatch<["query", "result"]> /* c1 */]> {
  let summary = "causal attention over a cache, no score softcap (spec 3.4, 3.6)";
  let description = [{
    Scores are plain dot products: where a model scales them, the query comes scaled (gemma.scale).
    Query head `j` reads kv head `j / (heads / kv heads)`; key `k` counts iff `k <= q` and, for
    a window `W > 0`, `k > q - W`.
    With `blocks`, the soft tokens of one picture see each other: also keys `k > q` count that belong to the block of
    `q`, as the caller says (gemmac_row.group).
    - c1: `result` has the type of `query`.
    - c2: `heads` is a multiple of the cache's heads, and heads * head_dim is the width.
    - c3: `positions` has as many entries as rows.
    - c4: with `blocks`, the cache has a window.
    ```mlir
    gemma.kv_cache @kv.0 heads 1 head_dim 4 window 512
    func.func @example(%q: tensor<?x16xf32>, %positions: tensor<?xi32>) {
      %a = gemma.attention %q, %positions, @kv.0 heads 4 : tensor<?x16xf32>, tensor<?xi32>
      %b = gemma.attention %q, %positions, @kv.0 heads 4 blocks : tensor<?x16xf32>, tensor<?xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$query, Gemma_Positions:$positions, FlatSymbolRefAttr:$cache,
      Gemma_Count:$heads /* c2 */, UnitAttr:$blocks);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$query `,` $positions `,` $cache `heads` $heads (`blocks` $blocks^)? "
                       "attr-dict `:` type($query) `,` type($positions)";
  let hasVerifier = 1;
}

def Gemma_GegluOp : Gemma_Op<"geglu", [Pure, AllTypesMatch<["gate", "up", "result"]> /* c1 */]> {
  let summary = "`gelu(gate) * up`, gelu in its tanh form (arXiv:2002.05202)";
  let description = [{
    - c1: all types are equal.
    ```mlir
    func.func @example(%gate: tensor<?x8xf32>, %up: tensor<?x8xf32>) {
      %y = gemma.geglu %gate, %up : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$gate, Gemma_Rows:$up);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($gate)";
}

def Gemma_AddOp : Gemma_Op<"add", [Pure, Commutative, AllTypesMatch<["a", "b", "result"]> /* c1 */]> {
  let summary = "elementwise sum";
  let description = [{
    - c1: all types are equal.
    ```mlir
    func.func @example(%a: tensor<?x8xf32>, %b: tensor<?x8xf32>) {
      %sum = gemma.add %a, %b : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$a, Gemma_Rows:$b);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a)";
}

def Gemma_ScaleOp : Gemma_Op<"scale", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "multiplies by a constant";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `factor` is finite.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.scale %x by 0.25 : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_FiniteF64:$factor /* c2 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `by` custom<Number>($factor) attr-dict `:` type($input)";
  let hasFolder = 1; // factor 1
}

def Gemma_LayerScaleOp : Gemma_UserOp<"layer_scale", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "multiplies the residual stream by a stored scalar (spec 3.3)";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `weight` is rank 1 with one element.
    ```mlir
    gemma.weight @scalar : tensor<1xf32> from <"m", 0, 4>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.layer_scale %x, @scalar : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$weight);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input)";
}

def Gemma_SliceOp : Gemma_Op<"slice", [Pure]> {
  let summary = "columns `offset .. offset + width of result` of every row";
  let description = [{
    - c1: the columns lie inside the input; rows are equal.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.slice %x at 2 : tensor<?x8xf32> -> tensor<?x4xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Offset:$offset /* c1 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `at` $offset attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1; // all columns
}

def Gemma_RouterOp : Gemma_UserOp<"router", [Pure]> {
  let summary = "chooses `top_k` experts per row (spec 3.8)";
  let description = [{
    `r = rms(input) * scale * factor`; `p = softmax(r * proj^T)`; the `top_k` largest, ties to the lower index,
    renormalised to sum 1, then multiplied by `per_expert_scale`. Results are ordered by falling probability.
    - c1: `proj` is `[experts, width]`, `scale` `[width]`, `per_expert_scale` `[experts]`.
    - c2: `1 <= top_k <= experts`; both results are `[rows, top_k]`.
    - c3: `factor` is finite, `eps` finite and above 0.
    ```mlir
    gemma.weight @scale : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @router : tensor<3x8xf32> from <"m", 32, 96>
    gemma.weight @per_expert : tensor<3xf32> from <"m", 128, 12>
    func.func @example(%x: tensor<?x8xf32>) {
      %weights, %picks = gemma.router %x scale @scale factor 0.35 eps 1.0e-6
          proj @router top_k 2 per_expert_scale @per_expert
          : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$proj, FlatSymbolRefAttr:$scale,
      FlatSymbolRefAttr:$per_expert_scale, Gemma_Count:$top_k /* c2 */, Gemma_FiniteF64:$factor /* c3 */,
      Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$weights, Gemma_Picks:$picks);
  let assemblyFormat = Gemma_Lines<[{
    $input `scale` $scale `factor` custom<Number>($factor) `eps` custom<Number>($eps)
    / `proj` $proj `top_k` $top_k `per_expert_scale` $per_expert_scale
    / attr-dict `:` type($input) `->` type($weights) `,` type($picks)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_ExpertsOp : Gemma_UserOp<"experts", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "the chosen experts' GeGLU MLPs, summed with their weights in order of the picks (spec 3.8)";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `gate_up` is `[experts, 2 F, width]` (gate rows first), `down` is `[experts, width, F]`.
    - c3: `weights` and `picks` have the same shape, and rows as `input`.
    ```mlir
    gemma.weight @gate_up : tensor<3x12x8xf32> from <"m", 0, 1152>
    gemma.weight @down : tensor<3x8x6xf32> from <"m", 1152, 576>
    func.func @example(%x: tensor<?x8xf32>, %weights: tensor<?x2xf32>, %picks: tensor<?x2xi32>) {
      %y = gemma.experts %x, %weights, %picks, @gate_up, @down
          : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Rows:$weights, Gemma_Picks:$picks, FlatSymbolRefAttr:$gate_up,
      FlatSymbolRefAttr:$down);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weights `,` $picks `,` $gate_up `,` $down
    / attr-dict `:` type($input) `,` type($weights) `,` type($picks)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_SoftcapOp : Gemma_Op<"softcap", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`cap * tanh(input / cap)`";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `cap` is finite and above 0.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.softcap %x cap 30.0 : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_PositiveF64:$cap /* c2 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `cap` custom<Number>($cap) attr-dict `:` type($input)";
}

#endif // GEMMA_TENSOR_OPS_TD
