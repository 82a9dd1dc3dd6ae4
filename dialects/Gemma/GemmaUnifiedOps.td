// Level 1 of models without encoders (spec 10): patches of pixels and frames of samples become soft tokens by norms and
// projections alone. Their level 0 is that of the towers.
#ifndef GEMMA_UNIFIED_OPS_TD
#define GEMMA_UNIFIED_OPS_TD

include "dialects/Gemma/GemmaVisionOps.td"

def Gemma_NormedPatchEmbedOp : Gemma_FusedOp<"normed_patch_embed", [Pure]> {
  let summary = "pixels of patches to rows, between layer norms, with what their places add";
  let description = [{
    `y = layer_norm(patches, norm_0) + bias_0`; `y = layer_norm(y proj^T + proj_bias, norm_1) + bias_1`;
    `result = layer_norm(add_places(y), norm_2) + bias_2`, places as in gemma.add_places.
    - c1: `norm_0` and `bias_0` are `[patches width]`; `proj` is `[result width, patches width]`; `proj_bias` and the
      other norms and biases are `[result width]`.
    - c2: `columns` and `rows` are `[n, result width]` of one shape, with `alternating` the same of an even `n`.
    - c3: rows are equal.
    - c4: `eps` is finite and above 0.
    ```mlir
    gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
    gemma.weight @proj : tensor<8x12xf32> from <"m", 48, 384>
    gemma.weight @out : tensor<8xf32> from <"m", 432, 32>
    gemma.weight @table : tensor<64x8xf32> from <"m", 464, 2048>
    func.func @example(%patches: tensor<?x12xf32>, %places: tensor<?x2xi32>) {
      %x = gemma.normed_patch_embed %patches eps 1.0e-5 norm @in bias @in
          proj @proj bias @out norm @out bias @out
          + %places in @table, @table alternating norm @out bias @out
          : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$patches, Gemma_Places:$places, FlatSymbolRefAttr:$norm_0, FlatSymbolRefAttr:$bias_0,
      FlatSymbolRefAttr:$proj, FlatSymbolRefAttr:$proj_bias, FlatSymbolRefAttr:$norm_1, FlatSymbolRefAttr:$bias_1,
      FlatSymbolRefAttr:$columns, FlatSymbolRefAttr:$rows, UnitAttr:$alternating, FlatSymbolRefAttr:$norm_2,
      FlatSymbolRefAttr:$bias_2, Gemma_PositiveF64:$eps /* c4 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $patches `eps` custom<Number>($eps) `norm` $norm_0 `bias` $bias_0
    / `proj` $proj `bias` $proj_bias `norm` $norm_1 `bias` $bias_1
    / `+` $places `in` $columns `,` $rows (`alternating` $alternating^)? `norm` $norm_2 `bias` $bias_2
    / attr-dict `:` type($patches) `,` type($places) `->` type($result)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_NormProjectOp : Gemma_FusedOp<"norm_project", [Pure]> {
  let summary = "a norm without weight and the projection to the text model";
  let description = [{
    `result = rms_norm(input) proj^T`.
    - c1: `proj` is `[result width, input width]`.
    - c2: rows are equal.
    - c3: `eps` is finite and above 0.
    ```mlir
    gemma.weight @proj : tensor<12x8xf32> from <"m", 0, 384>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.norm_project %x eps 1.0e-6 proj @proj : tensor<?x8xf32> -> tensor<?x12xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$proj, Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `eps` custom<Number>($eps) `proj` $proj attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // GEMMA_UNIFIED_OPS_TD
