// Level 2 of the audio tower: steps that text does not have.
#ifndef GEMMA_AUDIO_STEPS_TD
#define GEMMA_AUDIO_STEPS_TD

include "dialects/Gemma/GemmaStepOps.td"

def Gemma_Conv2dStep : Gemma_Step<"conv2d", ["getWeightUses"]> {
  let summary = "`relu(layer_norm(conv2d(mask_rows(input))))`, as gemma.conv2d and gemma.layer_norm tell; rows divided";
  let description = [{
    A row holds `bins` bins of `channels` values, each bin padded to a multiple of 16; values of a single channel may
    lie side by side instead. A bin of the result holds the `count` rows of the weight, padded to a multiple of 16. Row
    `r` of the input counts as zeros where `valid[r * every]` is 0. Threads read rows that others wrote.
    - c1: input f32 `[2 * rows, bins * padded channels]`, with one channel also `[2 * rows, bins]`, result f32
      `[rows, result bins * padded count]`, widths padded to a multiple of 32; valid i32, with `2 * every * rows` rows.
    - c2: weight packed in panels, batch 1, in a format of floats, its columns `9 * channels` padded to 32 and its rows
      `count` padded to 32; norm a packed vector of `count` padded to 32.
    - c3: `eps` is finite and above 0; `every`, `bins`, `channels`, `count` are positive.
    ```mlir
    gemma.weight @w.conv : tensor<5x9xf32> from <"m", 0, 180>
    gemma.weight @w.norm : tensor<5xf32> from <"m", 180, 20>
    gemma.packed @conv from [@w.conv] as f32 panels batch 1 rows 32 <5 -> 16> cols 32 <9 -> 32> bytes 4096
    gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <5 -> 32> bytes 128
    gemma.function @encode max_rows 2 {
      %mel = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
      %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
      %x = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
      gemma.input "mel" %mel : <4 x 32, f32>
      gemma.input "valid" %valid : <4 x 32, i32>
      gemma.step.conv2d %mel, %valid every 1 -> %x weight @conv norm @norm
          bins 16 channels 1 count 5 eps 1.0e-6 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$valid, Gemma_BufferType:$result,
      FlatSymbolRefAttr:$weight, FlatSymbolRefAttr:$norm, Gemma_Count:$every /* c3 */, Gemma_Count:$bins /* c3 */,
      Gemma_Count:$channels /* c3 */, Gemma_Count:$count /* c3 */, Gemma_PositiveF64:$eps /* c3 */);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $valid `every` $every `->` $result `weight` $weight `norm` $norm
    / `bins` $bins `channels` $channels `count` $count `eps` custom<Number>($eps) attr-dict
      `:` type($input) `,` type($valid) `->` type($result)
  }]>.format;
  let extraClassDeclaration = [{
    int64_t getResultBins() { return (static_cast<int64_t>(getBins()) - 1) / 2 + 1; }
    /// Elements from one bin of the input to the next.
    int64_t getBinWidth();
  }];
}

def Gemma_SiluStep : Gemma_RowStep<"silu"> {
  let summary = "`result = input / (1 + e^-input)`";
  let description = [{
    `result` may be quantized: then the row is stored as gemma.step.quantize stores it.
    - c1: input is f32, result f32, q8, q16 or s8 of the same rows and width.
    - c2: `static_scale`, if given, is finite and above 0; it is there if result is s8 and not if it is q8 or q16.
    - c3: `within`, if given, are two finite numbers around 0: what is stored is clamped to them.
    ```mlir
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.step.silu %x -> %y : <2 x 64, f32> -> <2 x 64, q8>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result,
      OptionalAttr<Gemma_PositiveF64>:$static_scale /* c2 */, OptionalAttr<Gemma_Bounds>:$within /* c3 */,
      UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `->` $result (`static` custom<Number>($static_scale)^)? (`within` custom<Numbers>($within)^)?
    (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)
  }]>.format;
}

def Gemma_GluStep : Gemma_RowStep<"glu"> {
  let summary = "`result[i] = input[i] / (1 + e^-input[width + i])`, `width` that of result";
  let description = [{
    - c1: all f32 of the same rows; input twice as wide as result.
    ```mlir
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.step.glu %x -> %y : <2 x 64, f32> -> <2 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result, UnitAttr:$replicated);
  let assemblyFormat = "$input `->` $result (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)";
}

def Gemma_AddStep : Gemma_RowStep<"add"> {
  let summary = "`result = input + branch`; result may be input";
  let description = [{
    - c1: all f32 of the same rows and width.
    ```mlir
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.step.add %x, %x -> %x : <2 x 64, f32>, <2 x 64, f32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$branch, Gemma_BufferType:$result,
      UnitAttr:$replicated);
  let assemblyFormat = "$input `,` $branch `->` $result (`replicated` $replicated^)? attr-dict "
                       "`:` type($input) `,` type($branch) `->` type($result)";
}

def Gemma_AddBiasStep : Gemma_RowUserStep<"add_bias"> {
  let summary = "`result = input + bias`, the same for every row; result may be input";
  let description = [{
    - c1: all f32 of the same rows and width; bias a packed vector of that width.
    ```mlir
    gemma.weight @w.bias : tensor<64xf32> from <"m", 0, 256>
    gemma.packed @bias from [@w.bias] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.step.add_bias %x, @bias -> %x : <2 x 64, f32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$bias, Gemma_BufferType:$result,
      UnitAttr:$replicated);
  let assemblyFormat =
      "$input `,` $bias `->` $result (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)";
}

def Gemma_DepthwiseConvStep : Gemma_Step<"depthwise_conv", ["getWeightUses"]> {
  let summary = "`result[r][i] = sum over j of weight[i][j] * input[r - taps + 1 + j][i]`; rows divided";
  let description = [{
    Rows before the first one are 0. Threads read rows that others wrote.
    - c1: input and result f32 of the same rows and width.
    - c2: weight packed in panels, batch 1, in a format of floats, its rows the width and its columns at least `taps`,
      which is positive.
    ```mlir
    gemma.weight @w.conv : tensor<64x5xf32> from <"m", 0, 1280>
    gemma.packed @conv from [@w.conv] as f32 panels batch 1 rows 64 <64 -> 64> cols 32 <5 -> 32> bytes 8192
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.step.depthwise_conv %x, @conv -> %y taps 5 : <2 x 64, f32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, FlatSymbolRefAttr:$weight, Gemma_BufferType:$result, Gemma_Count:$taps);
  let assemblyFormat = "$input `,` $weight `->` $result `taps` $taps attr-dict `:` type($input) `->` type($result)";
}

def Gemma_SinusoidsStep : Gemma_RowStep<"sinusoids"> {
  let rowWise = "false";
  let summary = "`result[r] = [sin(r f_j)] ++ [cos(r f_j)]` for `j < half`, `f_j = 10000^(-j / (half - 1))`";
  let description = [{
    `r` is the number of the row in its call: what relative attention calls a distance. Each of the two parts is padded
    with zeros to a multiple of 16.
    - c1: result f32, its width twice `half` padded to 16, padded to 32.
    - c2: `half` is positive.
    ```mlir
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.step.sinusoids %x half 20 : <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$result, Gemma_Count:$half /* c2 */, UnitAttr:$replicated);
  let assemblyFormat = "$result `half` $half (`replicated` $replicated^)? attr-dict `:` type($result)";
}

def Gemma_RelativeAttentionStep : Gemma_Step<"relative_attention", ["getWeightUses"]> {
  let summary = "attention of each row over its neighbours, as gemma.relative_attention tells; rows divided";
  let description = [{
    `relative` holds in row `n` the relative key of distance `n`, of all heads. `scale` is what queries are multiplied
    with, the same for each head, `key_scale` what the products of queries and keys are. Threads read rows that others
    wrote.
    - c1: query, key, value, relative and result f32 of the same rows and width, `heads * head_dim` with each head
      padded to a multiple of 16, padded to 32; valid i32, with `every` rows for each of those.
    - c2: scale a packed vector of `head_dim` padded to 32.
    - c3: `key_scale`, `cap` are finite and above 0; `every`, `heads`, `head_dim`, `past` are positive, `future` and
      `distances` are not negative.
    ```mlir
    gemma.weight @w.scale : tensor<20xf32> from <"m", 0, 80>
    gemma.packed @scale from [@w.scale] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <20 -> 32> bytes 128
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      %valid = gemma.buffer shared : !gemma.buffer<8 x 32, i32>
      %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.input "valid" %valid : <8 x 32, i32>
      gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 2 head_dim 20
          scale @scale key_scale 1.9
          past 12 future 0 distances 12 cap 50.0
          : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$query, Gemma_BufferType:$key, Gemma_BufferType:$value,
      Gemma_BufferType:$relative, Gemma_BufferType:$valid, Gemma_BufferType:$result, Gemma_Count:$every /* c3 */,
      Gemma_Count:$heads /* c3 */, Gemma_Count:$head_dim /* c3 */, FlatSymbolRefAttr:$scale,
      Gemma_PositiveF64:$key_scale /* c3 */, Gemma_Count:$past /* c3 */, Gemma_Offset:$future /* c3 */,
      Gemma_Offset:$distances /* c3 */, Gemma_PositiveF64:$cap /* c3 */);
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $key `,` $value `,` $relative `,` $valid `every` $every `->` $result `heads` $heads `head_dim` $head_dim
    / `scale` $scale `key_scale` custom<Number>($key_scale)
    / `past` $past `future` $future `distances` $distances `cap` custom<Number>($cap) attr-dict
    / `:` type($query) `,` type($key) `,` type($value) `,` type($relative) `,` type($valid) `->` type($result)
  }]>.format;
}

#endif // GEMMA_AUDIO_STEPS_TD
