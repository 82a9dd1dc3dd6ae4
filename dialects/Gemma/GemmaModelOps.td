// Symbols: weights, caches, packed weights.
#ifndef GEMMA_MODEL_OPS_TD
#define GEMMA_MODEL_OPS_TD

include "dialects/Gemma/GemmaBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Gemma_WeightOp : Gemma_Op<"weight", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a tensor of the checkpoint, named, never inline";
  let description = [{
    A symbol with a type and a place in a file; `format` is set by the quantize stage. The file stores the elements one
    by one as the type says or, with `encoding`, in blocks of neighbours in a row that decode to f32. Encodings of
    integers have `scales`, which are stored as a tensor of their own. A tensor that a checkpoint stores in parts (one
    for each expert) is `stacked` from other weights, whose rows follow each other in it. With `addend` the values are
    what is stored plus the addend, added in f32: norms that a file holds as factor - 1. With `softplus` they are
    ln(1 + e^x) of what is stored, rounded to f32. With `planes n` a row is stored as n runs one behind the other, whose
    elements take turns in it: element `n j + p` is element `j` of run `p`, as of a patch stored color by color. With
    `row_planes n` the same holds for the rows of a matrix.

    A matrix with `input_activation_scale` is multiplied with inputs on a static int8 grid, x becomes
    clamp(round(x / scale), -128, 127) * scale, rounded to even; with `output_activation_scale` so are its products.
    A matrix that `reads [lo, hi]` is multiplied with inputs clamped to these bounds, one that `gives` some has its
    products clamped (spec 4.4). Both are part of what gemma.linear computes.
    - c1: the element type is f32, f16 or bf16, the shape static, every dimension positive.
    - c2: `source` covers exactly the bytes of the type in its encoding (dialects/formats/Encoding.h).
    - c3: `encoding` is one of blocks, whose size divides the last dimension; the element type is f32 then.
    - c4: `scales` are there if and only if the encoding is one of integers; their columns divide the last
      dimension and their bytes cover it.
    - c5: either `source` or `pieces`; encoding and scales only beside a source.
    - c6: pieces are weights that have a source, of rank 2, all of one type, encoding and kind of scales; together they
      have the elements of the type and its last dimension.
    - c7: `addend`, if given, is finite and the weight a vector with a source.
    - c8: activation scales, if given, are finite and above 0, and the weight is of rank 2.
    - c9: `reads` and `gives`, if given, are two finite numbers around 0, and the weight is of rank 2 and has no
      activation scales.
    - c10: only a vector with a source has `softplus`, and no `addend` beside it.
    - c11: `planes`, if given, is positive and divides the last dimension; the weight has a source without scales.
    - c12: `row_planes`, if given, is positive and divides the rows of a weight of rank 2 with a source without scales.
    ```mlir
    gemma.weight @layers.0.mlp.up_proj.weight : tensor<6144x1536xbf16> as q4
        from <"model.safetensors", 4096, 18874368>
    gemma.weight @layers.0.mlp.down_proj.weight : tensor<1536x6144xf32>
        from <"model.gguf", 18878464, 7741440> encoded q6_k
    gemma.weight @layers.0.self_attn.q_proj.weight : tensor<64x64xf32>
        from <"m", 0, 2048> encoded int4
        scaled <"m", 2048, 256, bf16 per 32>
    gemma.weight @layers.0.experts.0.down_proj.weight : tensor<32x64xf32>
        from <"m", 0, 8192>
    gemma.weight @layers.0.experts.1.down_proj.weight : tensor<32x64xf32>
        from <"m", 8192, 8192>
    gemma.weight @layers.0.experts.down_proj : tensor<2x32x64xf32>
        stacked [@layers.0.experts.0.down_proj.weight, @layers.0.experts.1.down_proj.weight]
    gemma.weight @norm.weight : tensor<640xbf16>
        from <"model.safetensors", 18878464, 1280> addend 1.0
    gemma.weight @layers.0.self_attn.o_proj.weight : tensor<64x64xf32>
        from <"m", 0, 2048> encoded int4
        scaled <"m", 2048, 256, f32 per 64>
        input_activation_scale 0.5
        output_activation_scale 0.25
    gemma.weight @layers.0.self_attn.q_proj.linear.weight : tensor<64x64xf32>
        from <"m", 0, 16384>
        reads [-3.25, 3.0] gives [-4.5, 4.0]
    gemma.weight @layers.0.self_attn.per_dim_scale : tensor<64xf32>
        from <"m", 0, 256> softplus
    gemma.weight @patch_embedder.input_proj.weight : tensor<64x768xf32>
        from <"m", 0, 196608> planes 3
    gemma.weight @vision_embedder.pos_embedding : tensor<160x64xf32>
        from <"m", 196608, 40960> row_planes 2
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type,
      OptionalAttr<Gemma_SourceAttr>:$source, OptionalAttr<FlatSymbolRefArrayAttr>:$pieces,
      OptionalAttr<Gemma_EncodingAttr>:$encoding, OptionalAttr<Gemma_ScalesAttr>:$scales,
      OptionalAttr<Gemma_FormatAttr>:$format, OptionalAttr<Gemma_FiniteF64>:$addend /* c7 */,
      OptionalAttr<Gemma_PositiveF64>:$input_activation_scale /* c8 */,
      OptionalAttr<Gemma_PositiveF64>:$output_activation_scale /* c8 */, OptionalAttr<Gemma_Bounds>:$reads /* c9 */,
      OptionalAttr<Gemma_Bounds>:$gives /* c9 */, UnitAttr:$softplus, OptionalAttr<Gemma_Count>:$planes /* c11 */,
      OptionalAttr<Gemma_Count>:$row_planes /* c12 */);
  let assemblyFormat = Gemma_Lines<[{
    $sym_name `:` $type (`as` custom<EnumKeyword>($format)^)?
    (/ `from` $source^)? (/ `stacked` custom<Symbols>($pieces)^)?
    (`encoded` custom<EnumKeyword>($encoding)^)? (/ `scaled` $scales^)?
    (`addend` custom<Number>($addend)^)? (`softplus` $softplus^)? (`planes` $planes^)?
    (`row_planes` $row_planes^)?
    (/ `input_activation_scale` custom<Number>($input_activation_scale)^)?
    (/ `output_activation_scale` custom<Number>($output_activation_scale)^)?
    (/ `reads` custom<Numbers>($reads)^)? (`gives` custom<Numbers>($gives)^)? attr-dict
  }]>.format;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How the file stores the elements, whether `encoding` or the element type says it. Not of stacked weights.
    Encoding getStoredEncoding();
  }];
}

def Gemma_KvCacheOp : Gemma_Op<"kv_cache", [Symbol]> {
  let summary = "the keys and values of one layer that owns them";
  let description = [{
    `window` 0 keeps all positions, else a ring. `planned` fields (`format`, `capacity`, `offset`, `bytes`, `rotated`,
    `turned_pairs`) are set by the plan stage.
    Layout, with `d` the padded head size and `C` the capacity (a multiple of 16): keys `[kv_heads][C/16][d][16]`, then
    values `[kv_heads][C/16][d/32][16][32]`. Position `p` lives in slot `p mod C`, slots
    count over the `C/16` blocks of 16.

    q8 and q4: per group of 32 elements of a block, keys are `[32][16]` (q4: `[16][16]`) bytes, values `[16][32]` (q4:
    `[16][16]`), then come 16 f16 scales, one for each position. The byte of element `i` of a position holds an int8 or,
    in q4, element `i` in its low and element `i + 16` in its high half, both in two's complement; the element is
    scale * integer. q8: scale = largest magnitude / 127. q4: scale = the element of the largest magnitude / -8, so that
    this one becomes -8; others are cut off at 7.

    `rotated`: keys and values are multiplied by a Hadamard matrix before they are stored, which spreads outliers
    over the head, in blocks of the largest power of two that divides `d`: `H[i][j] = (-1)^popcount(i & j)`, times a
    power of two near 1/sqrt(block).
    Attention multiplies queries by it too and its result back, so that nothing else sees it.

    `turned_pairs = n`, where keys are rope(value * weight) and rope turns only the first `n` pairs of a head: of a key
    only the turned elements `0 .. n` and `d/2 .. d/2 + n` are stored, as a key of a head of `2n` elements; `d` of the
    keys' layout and of their rotation is that one's padded size then. The others are those of the value times the
    weight, which attention multiplies into the query.
    `key_bound` and `value_bound`: no element of a key or a value is larger, by Cauchy-Schwarz from the weights; absent
    where nobody looked. From them the plan stage takes `key_exponent` and `value_exponent`: keys and values are stored
    times 2^-exponent, so that formats with f16 numbers hold them, and attention multiplies queries and results by
    2^exponent. Powers of two round nothing.
    - c1: heads, head_dim positive, head_dim even, window not negative.
    - c2: once planned, all four of format, capacity, offset and bytes are there: format f32, f16, q8 or q4, capacity a
      positive multiple of 16, offset a multiple of 64, bytes those of the layout, `heads * capacity * d` elements each
      of keys and values, and their scales.
    - c3: only planned caches are rotated, have turned pairs or exponents.
    - c4: `turned_pairs` is positive and less than half of head_dim.
    - c5: bounds are finite and above 0.
    - c6: exponents lie between -100 and 100.
    ```mlir
    gemma.kv_cache @kv.0 heads 1 head_dim 256 window 512
    gemma.kv_cache @kv.4 heads 1 head_dim 512 window 0 key_bound 22.6 value_bound 16.0
        as f16 capacity 4096 bytes 8388608 at 0
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$heads, I64Attr:$head_dim, I64Attr:$window,
      OptionalAttr<Gemma_FormatAttr>:$format, OptionalAttr<I64Attr>:$capacity, OptionalAttr<I64Attr>:$offset,
      OptionalAttr<I64Attr>:$bytes, UnitAttr:$rotated, OptionalAttr<I64Attr>:$turned_pairs,
      OptionalAttr<Gemma_PositiveF64>:$key_bound /* c5 */, OptionalAttr<Gemma_PositiveF64>:$value_bound /* c5 */,
      OptionalAttr<I64Attr>:$key_exponent, OptionalAttr<I64Attr>:$value_exponent);
  let builders = [OpBuilder<(ins "::mlir::StringAttr":$name, "::mlir::IntegerAttr":$heads,
                                "::mlir::IntegerAttr":$headDim, "::mlir::IntegerAttr":$window),
                            [{
      $_state.addAttribute(getSymNameAttrName($_state.name), name);
      $_state.addAttribute(getHeadsAttrName($_state.name), heads);
      $_state.addAttribute(getHeadDimAttrName($_state.name), headDim);
      $_state.addAttribute(getWindowAttrName($_state.name), window);
    }]>];
  let assemblyFormat = Gemma_Lines<[{
    $sym_name `heads` $heads `head_dim` $head_dim `window` $window
    (`key_bound` custom<Number>($key_bound)^)? (`value_bound` custom<Number>($value_bound)^)?
    (/ `as` custom<EnumKeyword>($format)^)? (`capacity` $capacity^)? (`bytes` $bytes^)? (`at` $offset^)?
    (`rotated` $rotated^)? (`turned_pairs` $turned_pairs^)?
    (`key_exponent` $key_exponent^)? (`value_exponent` $value_exponent^)? attr-dict
  }]>.format;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Head size with each half padded to 16.
    int64_t getPaddedHeadDim();
    /// The same of a stored key.
    int64_t getPaddedKeyDim();
    /// Splits that the keys of one row may touch. Planned caches only.
    int64_t getMostSplits();
  }];
}

def Gemma_PackedOp : Gemma_Op<"packed", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "weights in the layout that kernels read, at an offset of the program's data section";
  let description = [{
    One logical matrix `[rows, cols]` per `batch` entry, the vertical concatenation of `sources`, each with its row axis
    padded by `row_axis` and then to a multiple of 32, its column axis padded by `col_axis` and then to a multiple of
    32. With `interleave`, 16-row panels of the first source (or first half of the rows of a single source, split before
    padding) alternate with those of the second. `layout`:
    - panels: of 16 rows, for matmul: f32/f16/bf16 `[cols][16]`; quantized formats, per group of 32
      columns: the planes of the format, one for each power of two that its bits are the sum of, the largest one with
      the lowest bits first (q6: the low 4, the high 2), then 16 f16 scales. A plane of `p` bits is
      `[p blocks][16 rows][4 (c)]` bytes; column `4q+c` lies in block `q % p`, from bit `q / p * p` of its byte on. Zero
      points: 0 for q8 (int8), else half of the range (q4: 8). The weight is scale * (stored - zero point). c8, c4 and
      c2 are q8, q4 and q2 without scales in the groups; 16 f32 scales, one a row, follow the last group of a panel.
    - table: the same with one row per panel (q4: 18 bytes a group), for tables read by row. Rows are not padded then,
      and `row_axis` is not used. c8, c4 and c2 have one f32 scale for each block of `col_axis` behind the groups of a
      row.
    - vector: f32, padded; `sources` has one entry, `batch` and `rows` are 1, `row_axis` is not used. With
      `scale` times it, rounded to f32.
    A panel is padded to 64 bytes (16) or 2 bytes (1).
    - c1: sources exist and are weights of rank 2 (table), 2 or 3 with leading `batch` (panels),
      1 (vector); all have the same columns.
    - c2: rows and cols (padded, per batch) follow from sources and axes, whose blocks divide them; both multiples of 32
      (panels).
    - c3: bytes follows from format and layout (dialects/formats/Format.h); a vector is f32.
    - c4: interleave has panels of 16 rows and two sources of one shape, or one source with an even number of rows.
    - c5: once planned, offset is a multiple of 64.
    - c6: `output_scales`, if given, are the output_activation_scale of each source, 0 where it has none; absent where
      no source has one, and where the layout is not panels.
    - c7: scale, if given, is finite and above 0, and the layout a vector.
    - c8: `row_at`, set by the plan stage on tables that are read by row and on nothing else, is a multiple of 64.
    - c9: the blocks of a table's col_axis are padded to multiples of 32 where each has its own scale (c8, c4, c2).
    - c10: `input_scale`, if given, is finite and above 0; on matrices in panels it is the
      input_activation_scale of every source, on others there is none: sources are multiplied with the same rows.
    - c11: `input_bounds`, if given, are two finite numbers around 0; on matrices in panels they are what every source
      reads, on others there are none.
    - c12: `output_bounds`, if given, hold for each source what it `gives`, or the largest f32 numbers where it gives
      all; absent where no source gives some, and where the layout is not panels.

    Tables are not mapped: before a call the runtime reads the rows of its tokens from the
    file, and the row of one token lies at `row_at` among those of all tables (`gemmac_call.table_rows`).
    ```mlir
    gemma.weight @layers.0.mlp.gate_proj.weight : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @layers.0.mlp.up_proj.weight : tensor<100x64xf32> from <"m", 25600, 25600>
    gemma.packed @p.layers.0.mlp.gate_proj_up_proj.weight
        from [@layers.0.mlp.gate_proj.weight, @layers.0.mlp.up_proj.weight]
        as q4 panels batch 1 interleave rows 256 <100 -> 128> cols 64 <64 -> 64> bytes 9216 at 4096
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefArrayAttr:$sources, Gemma_FormatAttr:$format,
      Gemma_LayoutAttr:$layout, Gemma_Count:$batch, UnitAttr:$interleave, Gemma_AxisAttr:$row_axis,
      Gemma_AxisAttr:$col_axis, I64Attr:$rows, I64Attr:$cols, I64Attr:$bytes, OptionalAttr<I64Attr>:$offset,
      OptionalAttr<Gemma_PositiveF64>:$scale /* c7 */, OptionalAttr<I64Attr>:$row_at /* c8 */,
      OptionalAttr<Gemma_PositiveF64>:$input_scale /* c10 */, OptionalAttr<DenseF64ArrayAttr>:$output_scales,
      OptionalAttr<Gemma_Bounds>:$input_bounds /* c11 */, OptionalAttr<DenseF64ArrayAttr>:$output_bounds);
  let assemblyFormat = Gemma_Lines<[{
    $sym_name
    / `from` custom<Symbols>($sources)
    / `as` custom<EnumKeyword>($format) custom<EnumKeyword>($layout) `batch` $batch (`interleave` $interleave^)?
      (`scale` custom<Number>($scale)^)?
      `rows` $rows $row_axis `cols` $cols $col_axis `bytes` $bytes
      (`at` $offset^)? (`row_at` $row_at^)?
    (/ `input_scale` custom<Number>($input_scale)^)?
    (/ `output_scales` custom<Numbers>($output_scales)^)?
    (/ `input_bounds` custom<Numbers>($input_bounds)^)? (/ `output_bounds` custom<Numbers>($output_bounds)^)? attr-dict
  }]>.format;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Row scales of one row: see gemmac::scaleBlocks.
    int64_t getScaleBlocks();
  }];
}

#endif // GEMMA_MODEL_OPS_TD
