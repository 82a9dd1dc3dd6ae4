// Level 2: the steps of a function (GemmaFunctionOps.td). One step is one tile kernel, run by all threads together: row
// steps divide rows, panel steps divide panels, by index.
#ifndef GEMMA_STEP_OPS_TD
#define GEMMA_STEP_OPS_TD

include "dialects/Gemma/GemmaBase.td"
include "dialects/Gemma/GemmaInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// A step whose panels, heads or (head, row) pairs are divided among threads. `tells`: what it says of itself beyond the
// buffers that it reads and writes.
class Gemma_Step<string mnemonic, list<string> tells = []>
    : Gemma_Op<"step."#mnemonic, [HasParent<"FunctionOp">, DeclareOpInterfaceMethods<Gemma_StepInterface, tells>,
                                  DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let hasVerifier = 1;
}

// A step on rows: `replicated` or divided by rows. `rowWise` is what isRowWise() says.
class Gemma_RowStep<string mnemonic, list<Trait> traits = [], list<string> tells = []>
    : Gemma_Op<"step."#mnemonic,
               !listconcat(traits, [HasParent<"FunctionOp">,
                                    DeclareOpInterfaceMethods<Gemma_StepInterface,
                                                              !listconcat(["isReplicated", "dividesRows", "isRowWise"],
                                                                          tells)>])> {
  string rowWise = "true";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    bool $cppClass::isReplicated() { return getReplicated(); }
    bool $cppClass::dividesRows() { return !getReplicated(); }
    bool $cppClass::isRowWise() { return }]#rowWise#[{; }
  }];
}

// The same, naming packed weights.
class Gemma_RowUserStep<string mnemonic, list<string> tells = ["getWeightUses"]>
    : Gemma_RowStep<mnemonic, [DeclareOpInterfaceMethods<SymbolUserOpInterface>], tells>;

def Gemma_EmbedStep : Gemma_RowUserStep<"embed"> {
  let summary = "`result[r] = table[tokens[r]] * scale`, tokens being the call's; of negative tokens `soft[r]`";
  let description = [{
    Without `soft`, tokens are never negative.
    - c1: `table` is packed (16 or 1 rows per panel, batch 1, not interleaved), its cols the width of `result`;
      `result` is f32.
    - c2: `soft`, if given, is of the type of `result`.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
    }
    gemma.function @prefill max_rows 4 {
      %soft = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      gemma.input "soft_tokens" %soft : <4 x 64, f32>
      %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 soft %soft : <4 x 64, f32>, !gemma.buffer<4 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$result, FlatSymbolRefAttr:$table, Gemma_FiniteF64:$scale,
      Optional<Gemma_BufferType>:$soft, UnitAttr:$replicated);
  let assemblyFormat = "$result `,` $table `scale` custom<Number>($scale) (`soft` $soft^)? "
                       "(`replicated` $replicated^)? attr-dict `:` type($result) (`,` qualified(type($soft))^)?";
}

def Gemma_RopeTableStep : Gemma_RowStep<"rope_table"> {
  let summary = "cosines, then sines, of the row's position for each pair of a head";
  let description = [{
    `result[r] = [cos(p f_j) for j in padded half head] ++ [sin(p f_j)]`, `p` the row's position, `f_j` in f32 as the
    reference computes them, angle in f32, cos 1 and sin 0 for padding and for pairs that do not turn.
    - c1: `result` is f32 and its width is head_dim with each half padded to 16.
    - c2: head_dim is even and positive, rope pairs are at most half of it.
    ```mlir
    gemma.function @decode max_rows 1 {
      %rope = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      gemma.step.rope_table %rope head_dim 64 <theta = 10000.0, pairs = 32, factor = 1.0> replicated : <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$result, Gemma_Count:$head_dim /* c2 */, Gemma_RopeAttr:$rope,
      UnitAttr:$replicated);
  let assemblyFormat = "$result `head_dim` $head_dim $rope (`replicated` $replicated^)? attr-dict `:` type($result)";
}

def Gemma_NormStep : Gemma_RowUserStep<"norm"> {
  let summary = "`result = rms(input) * weight * factor` over the first `count` elements";
  let description = [{
    The mean is over `count` true elements; padding stays zero. `result` may be quantized: then the row is stored as
    gemma.step.quantize stores it.
    - c1: input is f32, result f32, q8, q16 or s8 of the same rows and width; weight, if given,
      a packed vector of that width.
    - c2: 0 < count <= width.
    - c3: `factor` is finite, `eps` finite and above 0.
    - c4: `static_scale`, if given, is finite and above 0; it is there if result is s8 and not if it is q8 or q16.
    - c5: `within`, if given, are two finite numbers around 0: what is stored is clamped to them.
    - c6: `limit`, if given, is finite and above 0: the input is first clamped to -limit .. limit.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.norm : tensor<64xf32> from <"m", 25600, 256>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.norm %x -> %y weight @norm
          factor 1.0 eps 1.0e-6 count 64 replicated : <1 x 64, f32> -> <1 x 64, q8>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result, OptionalAttr<FlatSymbolRefAttr>:$weight,
      Gemma_FiniteF64:$factor /* c3 */, Gemma_PositiveF64:$eps /* c3 */, Gemma_Count:$count /* c2 */,
      OptionalAttr<Gemma_PositiveF64>:$static_scale /* c4 */, OptionalAttr<Gemma_Bounds>:$within /* c5 */,
      OptionalAttr<Gemma_PositiveF64>:$limit /* c6 */, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input (`limit` custom<Number>($limit)^)? `->` $result (`weight` $weight^)?
    / `factor` custom<Number>($factor) `eps` custom<Number>($eps) `count` $count
      (`static` custom<Number>($static_scale)^)? (`within` custom<Numbers>($within)^)? (`replicated` $replicated^)?
      attr-dict
      `:` type($input) `->` type($result)
  }]>.format;
}

def Gemma_AddNormStep : Gemma_RowUserStep<"add_norm"> {
  let summary = "`result = (input + rms(branch) * weight * factor) * layer_scale`; result may be input";
  let description = [{
    - c1: all f32 of the same rows and width; weight a packed vector of that width; layer_scale a
      packed vector of one true element.
    - c2: 0 < count <= width.
    - c3: `eps` is finite and above 0.
    - c4: `limit`, if given, is finite and above 0: the branch is first clamped to -limit .. limit. `factor`, if given,
      is finite.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.norm : tensor<64xf32> from <"m", 25600, 256>
    gemma.weight @w.scalar : tensor<1xf32> from <"m", 25856, 4>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
    gemma.packed @scalar from [@w.scalar] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <1 -> 32> bytes 128
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %branch = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.norm %x -> %branch
          factor 1.0 eps 1.0e-6 count 64 replicated : <1 x 64, f32> -> <1 x 64, f32>
      gemma.step.add_norm %x, %branch -> %x weight @norm
          layer_scale @scalar
          eps 1.0e-6 count 64 replicated : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$branch, Gemma_BufferType:$result,
      FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$layer_scale, Gemma_PositiveF64:$eps /* c3 */,
      Gemma_Count:$count /* c2 */, OptionalAttr<Gemma_PositiveF64>:$limit /* c4 */,
      OptionalAttr<Gemma_FiniteF64>:$factor /* c4 */, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $branch (`limit` custom<Number>($limit)^)? `->` $result `weight` $weight
    (`factor` custom<Number>($factor)^)? (/ `layer_scale` $layer_scale^)?
    / `eps` custom<Number>($eps) `count` $count (`replicated` $replicated^)? attr-dict
      `:` type($input) `,` type($branch) `->` type($result)
  }]>.format;
}

def Gemma_QuantizeStep : Gemma_RowStep<"quantize"> {
  let summary = "f32 rows to q8 or q16 rows, or to rows on a static grid";
  let description = [{
    q8, per group of 32: scale = max|x| / 127, value = round to nearest even of x * (127 / max|x|) (0 when the largest
    magnitude is below 2^-120), bias = -8 times the sum of the values. q16: the same with 32512 for 127 and 2^-110 for
    2^-120. s8: value = x / static_scale rounded to the nearest even integer, at least -128 and at most 127; scale and
    bias accordingly. f32: that value times static_scale. With `within` values are clamped first.
    - c1: input f32, result q8, q16, s8 or, with `static_scale` or `within`, f32, of the same rows and width.
    - c2: `within`, if given, are two finite numbers around 0.
    - c3: `static_scale`, if given, is finite and above 0; it is there if result is s8 and not if it is q8 or q16.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %q = gemma.buffer private : !gemma.buffer<1 x 64, q8>
      %s = gemma.buffer private : !gemma.buffer<1 x 64, s8>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.quantize %x -> %q replicated : <1 x 64, f32> -> <1 x 64, q8>
      gemma.step.quantize %x -> %s static 0.02 replicated : <1 x 64, f32> -> <1 x 64, s8>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result,
      OptionalAttr<Gemma_PositiveF64>:$static_scale /* c3 */, OptionalAttr<Gemma_Bounds>:$within /* c2 */,
      UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `->` $result (`static` custom<Number>($static_scale)^)? (`within` custom<Numbers>($within)^)?
    (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)
  }]>.format;
}

def Gemma_MatmulStep : Gemma_Step<"matmul", ["getWeightUses", "isRowWise"]> {
  let summary = "`result = epilogue(input * weight^T)`, panels divided among threads";
  let description = [{
    Sums go in slices of groups of 32 columns in one order, the same for any number of rows and threads. `input` is q8,
    q16 or s8 for quantized weights (q16 for those of q12), else f32. s8 rows and weights with one scale a row (c8, c4,
    c2) have one exact int32 sum, which is scaled at the end. With output_scales of the weight, products are rounded to
    the grid of their source before the epilogue. `factor` is the second operand of gelu_mul, read at `factor_offset`
    elements.
    - c1: weight packed in panels, batch 1; cols = input width; result f32, its width rows (geglu:
      rows / 2), as many rows as the input.
    - c2: epilogue geglu iff the weight interleaves; gelu_mul iff `factor` is given (f32, wide enough); softcap iff
      `cap` is given, finite and above 0.
    - c3: input is s8 if and only if the weight is quantized and has an input_scale; one in q12 has none.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.o : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.weight @w.gate : tensor<64x64xf32> from <"m", 41984, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @o from [@w.o] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304
    gemma.packed @gate from [@w.gate] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %q = gemma.buffer private : !gemma.buffer<1 x 64, q8>
      %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      %z = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      %logits = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.quantize %x -> %q replicated : <1 x 64, f32> -> <1 x 64, q8>
      gemma.step.matmul %q, @o -> %y none : <1 x 64, q8> -> <1 x 64, f32>
      gemma.step.matmul %x, @gate -> %z gelu_mul
          factor %x : !gemma.buffer<1 x 64, f32> : <1 x 64, f32> -> <1 x 64, f32>
      gemma.step.matmul %q, @o -> %logits softcap cap 30.0 : <1 x 64, q8> -> <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Gemma_BufferType:$result,
      Optional<Gemma_BufferType>:$factor, Gemma_EpilogueAttr:$epilogue,
      DefaultValuedAttr<Gemma_Offset, "0">:$factor_offset /* c2 */, OptionalAttr<Gemma_PositiveF64>:$cap /* c2 */);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weight `->` $result custom<EnumKeyword>($epilogue)
    (/ `factor` $factor^ `:` type($factor))? (`factor_offset` $factor_offset^)? (`cap` custom<Number>($cap)^)? attr-dict
    `:` type($input) `->` type($result)
  }]>.format;
}

def Gemma_QkvStep : Gemma_Step<"qkv", ["getWeightUses", "getCacheUse", "getOwnBuffer", "isRowWise"]> {
  let summary = "projection, head norm, RoPE and cache write; heads divided among threads";
  let description = [{
    The packed weight stacks the q heads, then k heads, then v heads (none where keys are values, none of both
    where `cache` is absent), `d` padded rows each. For each head: project all rows into `raw` (private,
    `[rows, d]`), then q: norm with q_norm, rotate, store to columns `head * d` of `query`; k: norm with k_norm,
    rotate, store to the cache; v: norm without weight (with `raw_values`: not at all), store to the cache;
    keys-are-values: both from one raw projection.
    Sources of a weight with output_scales are those of q, k and v, in this order.
    - c1: weight and input as in matmul, without interleave; rows = (heads + kv parts) * d.
    - c2: query is f32, `[rows, heads * d]`; raw f32 private `[rows, d]`; rope table f32
      `[rows, d]`; norms packed vectors of d.
    - c3: k_norm and cache come together; keys_are_values and raw_values only with them; head_dim is the cache's.
    - c4: `eps` is finite and above 0.
    - c5: into a cache with turned_pairs go keys that are values, and these normed.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.qkv : tensor<128x64xf32> from <"m", 25600, 32768>
    gemma.weight @w.head_norm : tensor<32xf32> from <"m", 58368, 128>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @qkv from [@w.qkv] as f32 panels batch 1 rows 128 <16 -> 16> cols 64 <64 -> 64> bytes 32768
    gemma.packed @head_norm from [@w.head_norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
    gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %rope = gemma.buffer private : !gemma.buffer<1 x 32, f32>
      %query = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.rope_table %rope head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> replicated : <1 x 32, f32>
      gemma.step.qkv %x, @qkv, %rope -> %query raw %raw heads 2 head_dim 32
          q_norm @head_norm k_norm @head_norm eps 1.0e-6
          cache @kv.0
          : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Gemma_BufferType:$rope_table,
      Gemma_BufferType:$query, Gemma_BufferType:$raw, Gemma_Count:$heads, Gemma_Count:$head_dim,
      FlatSymbolRefAttr:$q_norm, OptionalAttr<FlatSymbolRefAttr>:$k_norm, OptionalAttr<FlatSymbolRefAttr>:$cache,
      UnitAttr:$keys_are_values, UnitAttr:$raw_values, Gemma_PositiveF64:$eps /* c4 */);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weight `,` $rope_table `->` $query `raw` $raw `heads` $heads `head_dim` $head_dim
    / `q_norm` $q_norm (`k_norm` $k_norm^)? `eps` custom<Number>($eps)
    (/ `cache` $cache^ (`keys_are_values` $keys_are_values^)? (`raw_values` $raw_values^)?)? attr-dict
    / `:` type($input) `,` type($rope_table) `->` type($query) `,` type($raw)
  }]>.format;
}

def Gemma_AttentionStep : Gemma_Step<"attention", ["getWeightUses", "getCacheUse", "updatesInPlace"]> {
  let summary = "flash attention over a cache (arXiv:2205.14135); tiles of rows divided among threads";
  let description = [{
    All query heads of a KV head go through its keys and values together. The softmax of 128 keys at multiples of 128
    positions (a split) is taken at once in f32, and splits are merged in order, so that a row's
    bits depend on its position alone.
    - c1: query and result are f32 `[rows, heads * d]`, d the cache's padded head size; heads a multiple of the cache's.
    - c2: `key_norm`, the weight that makes keys of values, is given for a cache with turned_pairs and for
      no other: a packed vector of d.
    - c3: with `blocks`, the cache has a window; then the rows of a run are one block and see each other, within it.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
    gemma.function @prefill max_rows 4 {
      %query = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      %mixed = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      gemma.step.embed %query, @table scale 8.0 : <4 x 64, f32>
      gemma.barrier
      gemma.step.attention %query, @kv.0 -> %mixed heads 2 : <4 x 64, f32> -> <4 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$query, Gemma_BufferType:$result, FlatSymbolRefAttr:$cache, Gemma_Count:$heads,
      UnitAttr:$blocks, OptionalAttr<FlatSymbolRefAttr>:$key_norm);
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $cache `->` $result `heads` $heads (`blocks` $blocks^)?
    (/ `key_norm` $key_norm^)? attr-dict `:` type($query) `->` type($result)
  }]>.format;
}

def Gemma_AttentionSplitsStep : Gemma_Step<"attention_splits", ["getWeightUses", "getCacheUse"]> {
  let summary = "attention of one row, up to the merge: (KV head, split) pairs divided among threads";
  let description = [{
    Row `s` of `parts` belongs to split `s` of those that the row's keys touch: per head the sum of values times
    `e^(score - largest)`, then the largest score of each head, then the sum of those powers of each head.
    - c1: query is f32 `[1, heads * d]`, d the cache's padded head size; heads a multiple of the cache's.
    - c2: the cache is planned; parts is f32, as many rows as a row's keys may touch splits, `heads * d` and
      twice `heads` padded to 16 wide.
    - c3: `key_norm` is as in attention.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0 as f16 capacity 256 bytes 32768 at 0
    gemma.function @decode max_rows 1 {
      %query = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
      gemma.step.embed %query, @table scale 8.0 : <1 x 64, f32>
      gemma.barrier
      gemma.step.attention_splits %query, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$query, Gemma_BufferType:$parts, FlatSymbolRefAttr:$cache, Gemma_Count:$heads,
      OptionalAttr<FlatSymbolRefAttr>:$key_norm);
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $cache `->` $parts `heads` $heads
    (/ `key_norm` $key_norm^)? attr-dict `:` type($query) `->` type($parts)
  }]>.format;
}

def Gemma_AttentionMergeStep : Gemma_RowUserStep<"attention_merge", ["getCacheUse"]> {
  let rowWise = "false";
  let summary = "merges the splits of attention_splits, in order";
  let description = [{
    `result` may be quantized: then the row is stored as gemma.step.quantize stores it.
    - c1: parts is as in attention_splits; result f32, q8, q16 or s8 `[1, heads * d]`.
    - c2: `static_scale`, if given, is finite and above 0; it is there if result is s8 and not if it is q8 or q16.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0 as f16 capacity 256 bytes 32768 at 0
    gemma.function @decode max_rows 1 {
      %query = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
      %mixed = gemma.buffer private : !gemma.buffer<1 x 64, q8>
      gemma.step.embed %query, @table scale 8.0 : <1 x 64, f32>
      gemma.barrier
      gemma.step.attention_splits %query, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
      gemma.barrier
      gemma.step.attention_merge %parts, @kv.0 -> %mixed heads 2 replicated : <2 x 96, f32> -> <1 x 64, q8>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$parts, FlatSymbolRefAttr:$cache, Gemma_BufferType:$result, Gemma_Count:$heads,
      OptionalAttr<Gemma_PositiveF64>:$static_scale /* c2 */, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $parts `,` $cache `->` $result `heads` $heads (`static` custom<Number>($static_scale)^)?
    (`replicated` $replicated^)? attr-dict `:` type($parts) `->` type($result)
  }]>.format;
}

def Gemma_PleCombineStep : Gemma_RowUserStep<"ple_combine"> {
  let summary = "`result = (rms(context * context_scale) * norm + table[token] * token_scale) * result_scale`, "
                "per group";
  let description = [{
    The context is operand `context_`, since every op has a getContext of its own.
    - c1: context and result f32 `[rows, groups * padded]`; table packed with 1 row per panel and that many cols;
      norm a packed vector of one group.
    - c2: groups divide the width; 0 < count <= width / groups.
    - c3: scales are finite, `eps` finite and above 0.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.norm : tensor<32xf32> from <"m", 25600, 128>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
    gemma.function @decode max_rows 1 {
      %context = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %ple = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %context, @table scale 1.0 replicated : <1 x 64, f32>
      gemma.step.ple_combine %context -> %ple context_scale 0.35
          norm @norm groups 2 count 32 eps 1.0e-6
          + @table token_scale 2.0 result_scale 0.7 replicated
          : <1 x 64, f32> -> <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$context_, Gemma_BufferType:$result, FlatSymbolRefAttr:$table,
      FlatSymbolRefAttr:$norm, Gemma_Count:$groups /* c2 */, Gemma_Count:$count /* c2 */,
      Gemma_FiniteF64:$token_scale /* c3 */, Gemma_FiniteF64:$context_scale /* c3 */,
      Gemma_FiniteF64:$result_scale /* c3 */, Gemma_PositiveF64:$eps /* c3 */, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $context_ `->` $result `context_scale` custom<Number>($context_scale)
    / `norm` $norm `groups` $groups `count` $count `eps` custom<Number>($eps)
    / `+` $table `token_scale` custom<Number>($token_scale) `result_scale` custom<Number>($result_scale)
      (`replicated` $replicated^)?
    / attr-dict `:` type($context_) `->` type($result)
  }]>.format;
}

def Gemma_RouteStep : Gemma_RowUserStep<"route"> {
  let summary = "softmax over expert scores, top-k, renormalised, times the per-expert scale (spec 3.8)";
  let description = [{
    - c1: scores f32 `[rows, experts padded to 32]`; picks i32 `[rows, top_k padded to 32]`; weights f32 of the same
      width; per_expert_scale a packed vector as wide as scores.
    - c2: 0 < top_k <= experts.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.router : tensor<3x64xf32> from <"m", 25600, 768>
    gemma.weight @w.per_expert : tensor<3xf32> from <"m", 26368, 12>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @router from [@w.router] as f32 panels batch 1 rows 32 <3 -> 32> cols 64 <64 -> 64> bytes 8192
    gemma.packed @per_expert from [@w.per_expert] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %scores = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
      %picks = gemma.buffer private : !gemma.buffer<1 x 32, i32>
      %weights = gemma.buffer private : !gemma.buffer<1 x 32, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.matmul %x, @router -> %scores none : <1 x 64, f32> -> <1 x 32, f32>
      gemma.barrier
      gemma.step.route %scores -> %picks, %weights experts 3 top_k 2 scale @per_expert replicated
          : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$scores, Gemma_BufferType:$picks, Gemma_BufferType:$weights,
      Gemma_Count:$experts, Gemma_Count:$top_k /* c2 */, FlatSymbolRefAttr:$per_expert_scale, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $scores `->` $picks `,` $weights `experts` $experts `top_k` $top_k `scale` $per_expert_scale
      (`replicated` $replicated^)?
    / attr-dict `:` type($scores) `->` type($picks) `,` type($weights)
  }]>.format;
}

def Gemma_ExpertUpStep : Gemma_Step<"expert_up", ["getWeightUses", "isRowWise"]> {
  let summary = "`result[row, pick] = geglu(input[row] * gate_up[picks[row][pick]]^T)`; panels divided among threads";
  let description = [{
    - c1: weight packed in panels, batch = experts, interleaved; input `[rows, cols]`, q8 or q16 for
      quantized weights, else f32; result f32 `[rows * top_k, rows / 2 of the weight]`.
    - c2: picks i32 `[rows, top_k padded to 32]`; 0 < top_k <= experts.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.router : tensor<3x64xf32> from <"m", 25600, 768>
    gemma.weight @w.per_expert : tensor<3xf32> from <"m", 26368, 12>
    gemma.weight @w.gate_up : tensor<3x128x64xf32> from <"m", 26380, 98304>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @router from [@w.router] as f32 panels batch 1 rows 32 <3 -> 32> cols 64 <64 -> 64> bytes 8192
    gemma.packed @per_expert from [@w.per_expert] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
    gemma.packed @gate_up from [@w.gate_up] as f32 panels batch 3 interleave rows 128 <64 -> 64> cols 64 <64 -> 64>
      bytes 98304
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %scores = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
      %picks = gemma.buffer private : !gemma.buffer<1 x 32, i32>
      %weights = gemma.buffer private : !gemma.buffer<1 x 32, f32>
      %hidden = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.matmul %x, @router -> %scores none : <1 x 64, f32> -> <1 x 32, f32>
      gemma.barrier
      gemma.step.route %scores -> %picks, %weights experts 3 top_k 2 scale @per_expert replicated
          : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
      gemma.step.expert_up %x, @gate_up picks %picks -> %hidden top_k 2
          : <1 x 64, f32>, <1 x 32, i32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Gemma_BufferType:$picks,
      Gemma_BufferType:$result, Gemma_Count:$top_k /* c2 */);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weight `picks` $picks `->` $result `top_k` $top_k
    / attr-dict `:` type($input) `,` type($picks) `->` type($result)
  }]>.format;
}

def Gemma_ExpertDownStep : Gemma_Step<"expert_down", ["getWeightUses", "isRowWise"]> {
  let summary = "`result[row] = sum over picks, in order, of weights[row][pick] * "
                "(input[row, pick] * down[picks[row][pick]]^T)`";
  let description = [{
    - c1: weight packed in panels, batch = experts, not interleaved; input `[rows * top_k, cols]`, q8 or
      q16 for quantized weights, else f32; result f32 `[rows, rows of the weight]`.
    - c2: picks i32 and weights f32 `[rows, top_k padded to 32]`; 0 < top_k <= experts.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.router : tensor<3x64xf32> from <"m", 25600, 768>
    gemma.weight @w.per_expert : tensor<3xf32> from <"m", 26368, 12>
    gemma.weight @w.gate_up : tensor<3x128x64xf32> from <"m", 26380, 98304>
    gemma.weight @w.down : tensor<3x64x64xf32> from <"m", 124684, 49152>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @router from [@w.router] as f32 panels batch 1 rows 32 <3 -> 32> cols 64 <64 -> 64> bytes 8192
    gemma.packed @per_expert from [@w.per_expert] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
    gemma.packed @gate_up from [@w.gate_up] as f32 panels batch 3 interleave rows 128 <64 -> 64> cols 64 <64 -> 64>
      bytes 98304
    gemma.packed @down from [@w.down] as f32 panels batch 3 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 49152
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %scores = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
      %picks = gemma.buffer private : !gemma.buffer<1 x 32, i32>
      %weights = gemma.buffer private : !gemma.buffer<1 x 32, f32>
      %hidden = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      %mixed = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.matmul %x, @router -> %scores none : <1 x 64, f32> -> <1 x 32, f32>
      gemma.barrier
      gemma.step.route %scores -> %picks, %weights experts 3 top_k 2 scale @per_expert replicated
          : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
      gemma.step.expert_up %x, @gate_up picks %picks -> %hidden top_k 2
          : <1 x 64, f32>, <1 x 32, i32> -> <2 x 64, f32>
      gemma.barrier
      gemma.step.expert_down %hidden, @down picks %picks, %weights -> %mixed top_k 2
          : <2 x 64, f32>, <1 x 32, i32>, <1 x 32, f32> -> <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Gemma_BufferType:$picks,
      Gemma_BufferType:$weights, Gemma_BufferType:$result, Gemma_Count:$top_k /* c2 */);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weight `picks` $picks `,` $weights `->` $result `top_k` $top_k
    / attr-dict `:` type($input) `,` type($picks) `,` type($weights) `->` type($result)
  }]>.format;
}

def Gemma_ObserveStep : Gemma_Step<"observe"> {
  let summary = "adds the second moments of a matrix's input to those that the cache memory holds at `offset`; "
                "panels of columns divided among threads";
  let description = [{
    `moments += x x^T` for each row `x` of the call, within blocks of columns:
    dialects/formats/MomentLayout.h has the layout.
    With `picks`, `top_k` rows belong to each row of the call, and each goes to the entry of the batch
    that it picked. Made by gemma-observe for programs that tell how their weights are used; nothing reads
    the result inside the program.
    - c1: weight packed in panels, its cols the width of the input; input f32.
    - c2: picks i32 `[rows, top_k padded to 32]` and `[rows * top_k, cols]` as input, or neither picks nor top_k.
    - c3: offset is a multiple of 64.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.router : tensor<3x64xf32> from <"m", 25600, 768>
    gemma.weight @w.per_expert : tensor<3xf32> from <"m", 26368, 12>
    gemma.weight @w.gate_up : tensor<3x128x64xf32> from <"m", 26380, 98304>
    gemma.weight @w.down : tensor<3x64x64xf32> from <"m", 124684, 49152>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @router from [@w.router] as f32 panels batch 1 rows 32 <3 -> 32> cols 64 <64 -> 64> bytes 8192
    gemma.packed @per_expert from [@w.per_expert] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
    gemma.packed @gate_up from [@w.gate_up] as f32 panels batch 3 interleave rows 128 <64 -> 64> cols 64 <64 -> 64>
      bytes 98304
    gemma.packed @down from [@w.down] as f32 panels batch 3 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 49152
    gemma.function @decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %scores = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
      %picks = gemma.buffer private : !gemma.buffer<1 x 32, i32>
      %weights = gemma.buffer private : !gemma.buffer<1 x 32, f32>
      %hidden = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.matmul %x, @router -> %scores none : <1 x 64, f32> -> <1 x 32, f32>
      gemma.barrier
      gemma.step.route %scores -> %picks, %weights experts 3 top_k 2 scale @per_expert replicated
          : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
      gemma.step.expert_up %x, @gate_up picks %picks -> %hidden top_k 2
          : <1 x 64, f32>, <1 x 32, i32> -> <2 x 64, f32>
      gemma.barrier
      gemma.step.observe %x, @router at 4096 : <1 x 64, f32>
      gemma.step.observe %hidden, @down
          picks %picks top_k 2 at 20480 : <2 x 64, f32>, !gemma.buffer<1 x 32, i32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Optional<Gemma_BufferType>:$picks,
      OptionalAttr<Gemma_Count>:$top_k, Gemma_Offset:$offset);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $weight
    (/ `picks` $picks^ `top_k` $top_k)? `at` $offset attr-dict `:` type($input) (`,` qualified(type($picks))^)?
  }]>.format;
}

#endif // GEMMA_STEP_OPS_TD
