// Level 2 of the vision tower: steps that text does not have.
#ifndef GEMMA_VISION_STEPS_TD
#define GEMMA_VISION_STEPS_TD

include "dialects/Gemma/GemmaStepOps.td"

def Gemma_AffineStep : Gemma_RowStep<"affine"> {
  let summary = "`result = input * factor + offset`";
  let description = [{
    `result` may be quantized: then the row is stored as gemma.step.quantize stores it. The first `count` elements are
    mapped, padding stays zero.
    - c1: input is f32, result f32, q8 or q16 of the same rows and width.
    - c2: `factor` and `offset` are finite.
    - c3: 0 < count <= width.
    - c4: `within`, if given, are two finite numbers around 0: the values are clamped to them.
    ```mlir
    gemma.function @encode max_rows 2 {
      %patches = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
      gemma.input "patches" %patches : <18 x 64, f32>
      gemma.step.affine %patches -> %y by 2.0 plus -1.0 count 48 : <18 x 64, f32> -> <18 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result, Gemma_FiniteF64:$factor /* c2 */,
      Gemma_FiniteF64:$offset /* c2 */, Gemma_Count:$count /* c3 */, OptionalAttr<Gemma_Bounds>:$within /* c4 */,
      UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `->` $result `by` custom<Number>($factor) `plus` custom<Number>($offset) `count` $count
    (`within` custom<Numbers>($within)^)? (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)
  }]>.format;
}

def Gemma_AddPlacesStep : Gemma_RowUserStep<"add_places"> {
  let summary = "`result = input + (columns[places[0]] + rows[places[1]])`; result may be input";
  let description = [{
    With `alternating` both are one table: `columns[2 places[0]] + rows[2 places[1] + 1]`.
    - c1: input and result are f32 of the same rows and width; places i32 `[rows, 32]`, of which two are used.
    - c2: columns and rows are packed in panels, batch 1, not interleaved, as wide as the input, of as many rows; with
      `alternating` they are the same.
    ```mlir
    gemma.weight @w.columns : tensor<64x64xf32> from <"m", 0, 16384>
    gemma.weight @w.rows : tensor<64x64xf32> from <"m", 16384, 16384>
    gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.packed @rows from [@w.rows] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
      %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
      gemma.input "patches" %x : <18 x 64, f32>
      gemma.input "places" %places : <18 x 32, i32>
      gemma.step.add_places %x, %places -> %x columns @columns rows @rows
          : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$places, Gemma_BufferType:$result,
      FlatSymbolRefAttr:$columns, FlatSymbolRefAttr:$rows, UnitAttr:$alternating, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $places `->` $result `columns` $columns `rows` $rows (`alternating` $alternating^)?
    (`replicated` $replicated^)?
    / attr-dict `:` type($input) `,` type($places) `->` type($result)
  }]>.format;
}

def Gemma_RopePlacesTableStep : Gemma_RowStep<"rope_places_table"> {
  let summary = "cosines, then sines, of a patch's column and row for each pair of a head";
  let description = [{
    `result[r] = [cos(c f_j), cos(r f_j)] ++ [sin(c f_j), sin(r f_j)]`, `j` below a quarter of head_dim, `c` and `r` the
    column and row of the patch, each list padded to half of the padded head with cos 1 and sin 0; `f_j` in f32 as the
    reference computes them. It turns heads whose inner quarters have changed places (axes `crossed`).
    - c1: `places` is i32 `[rows, 32]`, `result` f32 of as many rows and head_dim with each half padded to 16 wide.
    - c2: head_dim is a multiple of 4.
    - c3: `theta` is finite and above 0.
    ```mlir
    gemma.function @encode max_rows 2 {
      %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
      %table = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
      gemma.input "places" %places : <18 x 32, i32>
      gemma.step.rope_places_table %places -> %table head_dim 32 theta 100.0 : <18 x 32, i32> -> <18 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$places, Gemma_BufferType:$result, Gemma_Count:$head_dim /* c2 */,
      Gemma_PositiveF64:$theta /* c3 */, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $places `->` $result `head_dim` $head_dim `theta` custom<Number>($theta) (`replicated` $replicated^)?
    attr-dict `:` type($places) `->` type($result)
  }]>.format;
}

def Gemma_EncoderQkvStep : Gemma_Step<"encoder_qkv", ["getWeightUses", "getOwnBuffer", "isRowWise"]> {
  let summary = "projection, head norm and RoPE of queries, keys and values of all rows; heads divided among threads";
  let description = [{
    The packed weight stacks the q heads, then k heads, then v heads, `d` padded rows each. For each head: project all
    rows into `raw` (private, `[rows, d]`), then q and k: norm and rotate; v: norm without weight. Queries are stored to
    columns `head * d` of `query`, keys and values in `memory` as in an f32 gemma.kv_cache of `rows` positions, row `r`
    at position `r`; positions from the call's last row to the next multiple of 16 are set to zeros, since attention
    reads 16 at a time. A memory of i32 holds int16 instead (docs/spec/numerics.md, "Attention in int16"), in the order
    in which the machine multiplies them: keys of all heads, then values of all, each head as far from the next.
    Sources of a weight with output_bounds are those of q, k and v, in this order.
    - c1: weight and input as in matmul, without interleave; its rows are (heads + 2 kv_heads) * d.
    - c2: query is f32, `[rows, heads * d]`; raw f32 private `[rows, d]`; rope table f32 `[rows, d]`; norms packed
      vectors of d.
    - c3: memory is f32 `[rows padded to 16, 2 * kv_heads * d]` or i32 `[rows padded to 32, kv_heads * (d + 2) padded
      to 32]`.
    - c4: `eps` is finite and above 0; `heads` is a multiple of `kv_heads`.
    ```mlir
    gemma.weight @w.qkv : tensor<96x64xf32> from <"m", 0, 24576>
    gemma.weight @w.head_norm : tensor<32xf32> from <"m", 24576, 128>
    gemma.packed @qkv from [@w.qkv] as f32 panels batch 1 rows 96 <16 -> 16> cols 64 <64 -> 64> bytes 24576
    gemma.packed @head_norm from [@w.head_norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
      %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
      %table = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
      %query = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
      %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
      %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
      gemma.input "patches" %x : <18 x 64, f32>
      gemma.input "places" %places : <18 x 32, i32>
      gemma.step.rope_places_table %places -> %table head_dim 32 theta 100.0 : <18 x 32, i32> -> <18 x 32, f32>
      gemma.barrier
      gemma.step.encoder_qkv %x, @qkv, %table -> %query, %memory raw %raw heads 1 kv_heads 1 head_dim 32
          q_norm @head_norm k_norm @head_norm eps 1.0e-6
          : <18 x 64, f32>, <18 x 32, f32> -> <18 x 32, f32>, <32 x 64, f32>, <18 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Gemma_BufferType:$rope_table,
      Gemma_BufferType:$query, Gemma_BufferType:$memory, Gemma_BufferType:$raw, Gemma_Count:$heads,
      Gemma_Count:$kv_heads, Gemma_Count:$head_dim, FlatSymbolRefAttr:$q_norm, FlatSymbolRefAttr:$k_norm,
      Gemma_PositiveF64:$eps /* c4 */);
  let extraClassDeclaration = [{
    /// Keys and values are int16.
    bool isInWords() { return getMemory().getType().getElement() == ::gemmac::Element::I32; }
  }];
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weight `,` $rope_table `->` $query `,` $memory `raw` $raw
      `heads` $heads `kv_heads` $kv_heads `head_dim` $head_dim
    / `q_norm` $q_norm `k_norm` $k_norm `eps` custom<Number>($eps) attr-dict
    / `:` type($input) `,` type($rope_table) `->` type($query) `,` type($memory) `,` type($raw)
  }]>.format;
}

def Gemma_EncoderAttentionStep : Gemma_Step<"encoder_attention", ["updatesInPlace"]> {
  let summary = "attention of every row to every row; tiles of rows divided among threads";
  let description = [{
    As gemma.step.attention, in splits of 128 rows, over the keys and values that encoder_qkv left in `memory`; all rows
    of the call are seen. Where these are int16, queries and powers are made so too. Result may be query.
    - c1: query and result are f32 `[rows, heads * d]`, d the padded head size.
    - c2: memory is as in encoder_qkv.
    - c3: `heads` is a multiple of `kv_heads`.
    ```mlir
    gemma.function @encode max_rows 2 {
      %query = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
      %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
      %mixed = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
      gemma.input "query" %query : <18 x 32, f32>
      gemma.input "memory" %memory : <32 x 64, f32>
      gemma.step.encoder_attention %query, %memory -> %mixed heads 1 kv_heads 1 head_dim 32
          : <18 x 32, f32>, <32 x 64, f32> -> <18 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$query, Gemma_BufferType:$memory, Gemma_BufferType:$result, Gemma_Count:$heads,
      Gemma_Count:$kv_heads, Gemma_Count:$head_dim);
  let extraClassDeclaration = [{
    /// Keys and values are int16.
    bool isInWords() { return getMemory().getType().getElement() == ::gemmac::Element::I32; }
  }];
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $memory `->` $result `heads` $heads `kv_heads` $kv_heads `head_dim` $head_dim
    / attr-dict `:` type($query) `,` type($memory) `->` type($result)
  }]>.format;
}

def Gemma_PoolStep : Gemma_RowUserStep<"pool"> {
  let summary = "`result[r] = (factor * sum of count rows of input - bias) * scale`";
  let description = [{
    Row `r` of the result is made of rows `count r` and those that follow, added in order. Padding stays zero.
    - c1: input and result are f32 of one width; the input has `count` times the rows of the result.
    - c2: `factor` is finite.
    - c3: bias and scale come together: packed vectors as wide as a row.
    ```mlir
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
      %pooled = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "patches" %x : <18 x 64, f32>
      gemma.step.pool %x -> %pooled by 9 factor 0.25 : <18 x 64, f32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result, Gemma_Count:$count,
      Gemma_FiniteF64:$factor /* c2 */, OptionalAttr<FlatSymbolRefAttr>:$bias, OptionalAttr<FlatSymbolRefAttr>:$scale,
      UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `->` $result `by` $count `factor` custom<Number>($factor) (`bias` $bias^ `scale` $scale)?
    (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)
  }]>.format;
}

#endif // GEMMA_VISION_STEPS_TD
