// Levels 0 and 1 of the vision tower (spec 4): what it adds to the ops of text.
#ifndef GEMMA_VISION_OPS_TD
#define GEMMA_VISION_OPS_TD

include "dialects/Gemma/GemmaTensorOps.td"

// [rows, 2]: column and row of each patch in its picture.
def Gemma_Places : RankedTensorOf<[I32], [HasAnyRankOfPred<[2]>, CPred<[{
    ::llvm::cast<::mlir::RankedTensorType>($_self).getDimSize(1) == 2}]>],
                                  "[rows, 2] tensor">;

//===--- level 0

def Gemma_AffineOp : Gemma_Op<"affine", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`input * factor + offset`";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `factor` and `offset` are finite.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.affine %x by 2.0 plus -1.0 : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_FiniteF64:$factor /* c2 */, Gemma_FiniteF64:$offset /* c2 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `by` custom<Number>($factor) `plus` custom<Number>($offset) attr-dict `:` type($input)";
}

def Gemma_AddPlacesOp : Gemma_UserOp<"add_places", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "adds what two tables hold for the column and the row of each patch (spec 4.3)";
  let description = [{
    `result[r] = input[r] + (columns[places[r, 0]] + rows[places[r, 1]])`. With `alternating` both are one table, whose
    rows are by turns those of a column and of a row: `columns[2 places[r, 0]] + rows[2 places[r, 1] + 1]` (spec 10).
    - c1: `result` has the type of `input`.
    - c2: `columns` and `rows` are weights of rank 2 and one shape, as wide as `input`; with `alternating` they are the
      same, of an even number of rows.
    - c3: `places` has as many rows as `input`.
    ```mlir
    gemma.weight @columns : tensor<64x8xf32> from <"m", 0, 2048>
    gemma.weight @rows : tensor<64x8xf32> from <"m", 2048, 2048>
    func.func @example(%x: tensor<?x8xf32>, %places: tensor<?x2xi32>) {
      %y = gemma.add_places %x, %places, @columns, @rows : tensor<?x8xf32>, tensor<?x2xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Places:$places, FlatSymbolRefAttr:$columns, FlatSymbolRefAttr:$rows,
      UnitAttr:$alternating);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $places `,` $columns `,` $rows (`alternating` $alternating^)? attr-dict "
                       "`:` type($input) `,` type($places)";
  let hasVerifier = 1;
}

def Gemma_RopePlacesOp : Gemma_Op<"rope_places", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "rotary embedding by two axes: half of each head turns with the column, half with the row (spec 4.4)";
  let description = [{
    Within each half of `h = head size / 2` elements, element `j` pairs with `j + h / 2` and turns by
    `place * theta^(-2 j / h)`.
    - c1: `result` has the type of `input`.
    - c2: `heads` divides the width; the head size is a multiple of 4.
    - c3: `places` has as many rows as `input`.
    - c4: `theta` is finite and above 0.
    ```mlir
    func.func @example(%q: tensor<?x16xf32>, %places: tensor<?x2xi32>) {
      %r = gemma.rope_places %q, %places heads 2 theta 100.0 : tensor<?x16xf32>, tensor<?x2xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Places:$places, Gemma_Count:$heads, Gemma_PositiveF64:$theta /* c4 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $places `heads` $heads `theta` custom<Number>($theta)
    attr-dict `:` type($input) `,` type($places)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_AttentionAllOp
    : Gemma_Op<"attention_all", [Pure, AllTypesMatch<["query", "result"]> /* c1 */,
                                 AllTypesMatch<["keys", "values"]> /* c1 */]> {
  let summary = "attention of every row to every row, no score softcap (spec 4.4)";
  let description = [{
    Scores are plain dot products. Query head `j` reads kv head `j / (heads / kv_heads)`.
    - c1: `result` has the type of `query`, `values` that of `keys`.
    - c2: `heads` is a multiple of `kv_heads`; heads of queries and of keys have one size.
    - c3: all have the same number of rows.
    ```mlir
    func.func @example(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>) {
      %a = gemma.attention_all %q, %k, %v heads 4 kv_heads 2 : tensor<?x16xf32>, tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$query, Gemma_Rows:$keys, Gemma_Rows:$values, Gemma_Count:$heads,
      Gemma_Count:$kv_heads);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $keys `,` $values `heads` $heads `kv_heads` $kv_heads attr-dict `:` type($query) `,` type($keys)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_PoolOp : Gemma_Op<"pool", [Pure]> {
  let summary = "sums of `count` rows that follow each other, times a factor (spec 4.5)";
  let description = [{
    `result[r] = factor * (input[count r] + ... + input[count r + count - 1])`.
    - c1: `result` is as wide as `input`; its rows, where known, are those of the input divided by `count`.
    - c2: `factor` is finite.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.pool %x by 9 factor 0.25 : tensor<?x8xf32> -> tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Count:$count, Gemma_FiniteF64:$factor /* c2 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat =
      "$input `by` $count `factor` custom<Number>($factor) attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Gemma_StandardizeOp : Gemma_UserOp<"standardize", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`(input - bias) * scale` (spec 4.5)";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `bias` and `scale` are vectors as long as a row.
    ```mlir
    gemma.weight @bias : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @scale : tensor<8xf32> from <"m", 32, 32>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.standardize %x, @bias, @scale : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$bias, FlatSymbolRefAttr:$scale);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $bias `,` $scale attr-dict `:` type($input)";
}

//===--- level 1

def Gemma_PatchEmbedOp : Gemma_FusedOp<"patch_embed", [Pure]> {
  let summary = "pixels of patches to rows of the tower, with what their places add (spec 4.3)";
  let description = [{
    `result = (patches * factor + offset) proj^T + (columns[places[:, 0]] + rows[places[:, 1]])`.
    - c1: `proj` is `[result width, patches width]`; `columns` and `rows` are `[n, result width]` of one shape.
    - c2: rows are equal.
    - c3: `factor` and `offset` are finite.
    ```mlir
    gemma.weight @proj : tensor<8x12xf32> from <"m", 0, 384>
    gemma.weight @columns : tensor<64x8xf32> from <"m", 384, 2048>
    gemma.weight @rows : tensor<64x8xf32> from <"m", 2432, 2048>
    func.func @example(%patches: tensor<?x12xf32>, %places: tensor<?x2xi32>) {
      %x = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
          + %places in @columns, @rows : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$patches, Gemma_Places:$places, Gemma_FiniteF64:$factor /* c3 */,
      Gemma_FiniteF64:$offset /* c3 */, FlatSymbolRefAttr:$proj, FlatSymbolRefAttr:$columns, FlatSymbolRefAttr:$rows);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $patches `by` custom<Number>($factor) `plus` custom<Number>($offset) `proj` $proj
    / `+` $places `in` $columns `,` $rows attr-dict `:` type($patches) `,` type($places) `->` type($result)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_EncoderAttentionOp
    : Gemma_FusedOp<"encoder_attention", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "input norm, projections, head norms, RoPE by places, attention of all rows to all, output projection, "
                "post norm, residual add (spec 4.4)";
  let description = [{
    `y = rms_norm(input, norm)`; `query = rope(head_norm(y q^T, q_norm))`, `keys = rope(head_norm(y k^T, k_norm))`,
    `values = head_norm(y v^T)` without a weight;
    `result = input + rms_norm(attention_all(query, keys, values) o^T, post_norm)`.
    - c1: `result` has the type of `input`.
    - c2: `norm` and `post_norm` are `[width]`; `q` is `[heads * head_dim, width]`; `k` and `v` are
      `[kv_heads * head_dim, width]`; `o` is `[width, heads * head_dim]`; `q_norm` and `k_norm` are `[head_dim]`.
    - c3: `heads` is a multiple of `kv_heads`, `head_dim` of 4.
    - c4: `input` and `places` have the same number of rows.
    - c5: `theta` and `eps` are finite and above 0.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @q : tensor<16x8xf32> from <"m", 32, 512>
    gemma.weight @k : tensor<8x8xf32> from <"m", 544, 256>
    gemma.weight @v : tensor<8x8xf32> from <"m", 800, 256>
    gemma.weight @o : tensor<8x16xf32> from <"m", 1056, 512>
    gemma.weight @head_norm : tensor<4xf32> from <"m", 1568, 16>
    func.func @example(%x: tensor<?x8xf32>, %places: tensor<?x2xi32>) {
      %y = gemma.encoder_attention %x, %places norm @norm eps 1.0e-6
          heads 4 kv_heads 2 head_dim 4 theta 100.0
          q @q q_norm @head_norm
          k @k k_norm @head_norm
          v @v
          o @o post_norm @norm : tensor<?x8xf32>, tensor<?x2xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Places:$places, FlatSymbolRefAttr:$norm, FlatSymbolRefAttr:$q,
      FlatSymbolRefAttr:$k, FlatSymbolRefAttr:$v, FlatSymbolRefAttr:$o, FlatSymbolRefAttr:$q_norm,
      FlatSymbolRefAttr:$k_norm, FlatSymbolRefAttr:$post_norm, Gemma_Count:$heads, Gemma_Count:$kv_heads,
      Gemma_Count:$head_dim, Gemma_PositiveF64:$theta /* c5 */, Gemma_PositiveF64:$eps /* c5 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $places `norm` $norm `eps` custom<Number>($eps)
    / `heads` $heads `kv_heads` $kv_heads `head_dim` $head_dim `theta` custom<Number>($theta)
    / `q` $q `q_norm` $q_norm
    / `k` $k `k_norm` $k_norm
    / `v` $v
    / `o` $o `post_norm` $post_norm attr-dict `:` type($input) `,` type($places)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_PoolProjectOp : Gemma_FusedOp<"pool_project", [Pure]> {
  let summary = "pooling, standardisation, a norm without weight, the projection to the text model (spec 4.5)";
  let description = [{
    `result = rms_norm((pool(input, count, factor) - bias) * scale) proj^T`, without bias and scale where absent.
    - c1: `proj` is `[result width, input width]`; `bias` and `scale` come together and are `[input width]`.
    - c2: the rows of `result`, where known, are those of `input` divided by `count`.
    - c3: `factor` is finite, `eps` finite and above 0.
    ```mlir
    gemma.weight @bias : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @scale : tensor<8xf32> from <"m", 32, 32>
    gemma.weight @proj : tensor<12x8xf32> from <"m", 64, 384>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.pool_project %x by 9 factor 0.25 standardize @bias, @scale
          eps 1.0e-6 proj @proj : tensor<?x8xf32> -> tensor<?x12xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Count:$count, Gemma_FiniteF64:$factor /* c3 */,
      OptionalAttr<FlatSymbolRefAttr>:$bias, OptionalAttr<FlatSymbolRefAttr>:$scale, FlatSymbolRefAttr:$proj,
      Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `by` $count `factor` custom<Number>($factor) (`standardize` $bias^ `,` $scale)?
    / `eps` custom<Number>($eps) `proj` $proj attr-dict `:` type($input) `->` type($result)
  }]>.format;
  let hasVerifier = 1;
}

#endif // GEMMA_VISION_OPS_TD
