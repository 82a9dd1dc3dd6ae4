// Levels 0 and 1 of the audio tower (spec 5.2, 5.3, 5.4): frames of a mel spectrum become soft tokens. A row is a
// frame, or what subsampling made of frames.
#ifndef GEMMA_AUDIO_OPS_TD
#define GEMMA_AUDIO_OPS_TD

include "dialects/Gemma/GemmaTensorOps.td"

// Whether a frame holds sound: one column, 0 or not.
def Gemma_Flags : Gemma_RowsOf<I32>;

//===--- level 0

def Gemma_MaskRowsOp : Gemma_Op<"mask_rows", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "zeros in place of rows that are not valid";
  let description = [{
    `result[r] = valid[r * every] != 0 ? input[r] : 0` (spec 5.2).
    - c1: `result` has the type of `input`.
    - c2: `valid` has one column.
    - c3: `every` is positive; `valid` has that many rows for each row of `input`.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
      %y = gemma.mask_rows %x, %valid every 2 : tensor<?x8xf32>, tensor<?x1xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Flags:$valid, Gemma_Count:$every /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $valid `every` $every attr-dict `:` type($input) `,` type($valid)";
  let hasVerifier = 1;
}

def Gemma_Conv2dOp : Gemma_UserOp<"conv2d", [Pure]> {
  let summary = "3 x 3 convolution over rows and bins, stride 2 both ways, one ring of zeros around, no bias";
  let description = [{
    A row has `bins` bins of `channels` values, element `bin * channels + c`; so has a row of the result, for the
    channels that are the rows of the weight (spec 5.2):
    `result[r][b][o] = sum over c, i, j of weight[o][9 c + 3 i + j] * input[2 r - 1 + i][2 b - 1 + j][c]`, where what
    lies outside of the input is 0. There are `(n - 1) / 2 + 1` rows and bins for `n` of the input.
    - c1: `channels` is positive and divides the width of `input`.
    - c2: `weight` is `[result width / result bins, 9 * channels]`.
    - c3: `result` has `(rows - 1) / 2 + 1` rows.
    ```mlir
    gemma.weight @conv : tensor<5x18xf32> from <"m", 0, 360>
    func.func @example(%x: tensor<?x16xf32>) {
      %y = gemma.conv2d %x, @conv channels 2 : tensor<?x16xf32> -> tensor<?x20xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$weight, Gemma_Count:$channels /* c1 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $weight `channels` $channels attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Gemma_LayerNormOp : Gemma_UserOp<"layer_norm", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "normalisation of each of `groups` equal parts of a row by its mean and variance";
  let description = [{
    `result = (input - mean) * (mean((input - mean)^2) + eps)^-1/2 * weight` over each part, plus `bias` if there is one
    (spec 5.2, 10).
    - c1: `result` has the type of `input`.
    - c2: `groups` is positive and divides the width.
    - c3: `weight` and `bias` are rank 1 and as long as one part.
    - c4: `eps` is finite and above 0.
    ```mlir
    gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.layer_norm %x, @norm groups 2 eps 1.0e-6 : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias,
      Gemma_Count:$groups /* c2 */, Gemma_PositiveF64:$eps /* c4 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $weight (`bias` $bias^)? `groups` $groups `eps` custom<Number>($eps) attr-dict "
                       "`:` type($input)";
  let hasVerifier = 1;
}

def Gemma_ReluOp : Gemma_Op<"relu", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`max(input, 0)`";
  let description = [{
    - c1: `result` has the type of `input`.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.relu %x : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Gemma_SiluOp : Gemma_Op<"silu", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`input / (1 + e^-input)`";
  let description = [{
    - c1: `result` has the type of `input`.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.silu %x : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Gemma_ClampOp : Gemma_Op<"clamp", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`min(max(input, -limit), limit)` (spec 5.3)";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `limit` is finite and above 0.
    ```mlir
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_PositiveF64:$limit /* c2 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `limit` custom<Number>($limit) attr-dict `:` type($input)";
}

def Gemma_GluOp : Gemma_Op<"glu", [Pure]> {
  let summary = "the first half of a row times the logistic function of the second one (spec 5.3)";
  let description = [{
    `result[i] = input[i] / (1 + e^-input[width + i])`, `width` that of the result.
    - c1: `input` is twice as wide as `result`; rows are equal.
    ```mlir
    func.func @example(%x: tensor<?x16xf32>) {
      %y = gemma.glu %x : tensor<?x16xf32> -> tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Gemma_DepthwiseConvOp : Gemma_UserOp<"depthwise_conv", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "causal convolution over rows, each column by itself (spec 5.3)";
  let description = [{
    `result[r][i] = sum over j of weight[i][j] * input[r - taps + 1 + j][i]`, rows before the first one being 0.
    - c1: `result` has the type of `input`.
    - c2: `weight` is `[width, taps]`.
    ```mlir
    gemma.weight @conv : tensor<8x5xf32> from <"m", 0, 160>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.depthwise_conv %x, @conv : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$weight);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input)";
}

def Gemma_AddBiasOp : Gemma_UserOp<"add_bias", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "`result = input + bias`, the same for every row";
  let description = [{
    - c1: `result` has the type of `input`.
    - c2: `bias` is rank 1 and as long as a row.
    ```mlir
    gemma.weight @bias : tensor<8xf32> from <"m", 0, 32>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.add_bias %x, @bias : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$bias);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = "$input `,` $bias attr-dict `:` type($input)";
}

def Gemma_RelativeAttentionOp
    : Gemma_UserOp<"relative_attention", [Pure, AllTypesMatch<["query", "key", "value", "result"]> /* c1 */]> {
  let summary = "attention over neighbours whose scores know how far away they are (spec 5.4)";
  let description = [{
    With `d` the size of a head: `q = query * d^-1/2 / ln 2 * scale`, `k = key * ln(1 + e) / ln 2`,
    `rel[n] = sinusoid(n) relative^T` with `sinusoid(n) = [sin(n r_j)] ++ [cos(n r_j)]`,
    `r_j = 10000^(-j / (width / 2 - 1))`. The score of row `i` for row `j` is `q_i k_j`, and where `j <= i`
    `q_i rel[min(i - j, distances)]` is added; then `cap * tanh(score / cap)`. Row `i` sees itself, the `past - 1` rows
    before it and the `future - 1` rows behind it, of these the valid ones; a row that sees none becomes 0. The result
    is the sum of the values, weighted by the softmax of the scores.
    - c1: query, key, value and `result` have one type.
    - c2: `heads` is positive and divides the width; the width is even.
    - c3: `relative` is `[width, width]`, `scale` `[width / heads]`.
    - c4: `valid` has one column and `every` rows for each row of `query`; `every` is positive.
    - c5: `past` is positive, `future` and `distances` are not negative.
    - c6: `cap` is finite and above 0.
    ```mlir
    gemma.weight @relative : tensor<8x8xf32> from <"m", 0, 256>
    gemma.weight @scale : tensor<4xf32> from <"m", 256, 16>
    func.func @example(%q: tensor<?x8xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
      %y = gemma.relative_attention %q, %k, %v, %valid every 4
          heads 2 scale @scale relative @relative
          past 12 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$query, Gemma_Rows:$key, Gemma_Rows:$value, Gemma_Flags:$valid,
      Gemma_Count:$every /* c4 */, Gemma_Count:$heads /* c2 */, FlatSymbolRefAttr:$scale, FlatSymbolRefAttr:$relative,
      Gemma_Count:$past /* c5 */, Gemma_Offset:$future /* c5 */, Gemma_Offset:$distances /* c5 */,
      Gemma_PositiveF64:$cap /* c6 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $query `,` $key `,` $value `,` $valid `every` $every
    / `heads` $heads `scale` $scale `relative` $relative
    / `past` $past `future` $future `distances` $distances `cap` custom<Number>($cap)
    attr-dict `:` type($query) `,` type($valid)
  }]>.format;
  let hasVerifier = 1;
}

//===--- level 1

def Gemma_AudioSubsampleOp : Gemma_FusedOp<"audio_subsample", [Pure]> {
  let summary = "two convolutions, each with layer norm and ReLU, and a projection (spec 5.2)";
  let description = [{
    `y = relu(layer_norm(conv2d(mask_rows(input, valid), conv_0), norm_0))`, the same of `y` with `conv_1`, `norm_1`
    and every second flag, then `result = y proj^T`. `input` has one channel.
    - c1: `conv_0` is `[C, 9]`, `conv_1` `[D, 9 * C]`, `norm_0` `[C]`, `norm_1` `[D]`; `proj` is `[result width, D *
      bins]` with the bins that the second convolution leaves.
    - c2: `valid` has one column and as many rows as `input`.
    - c3: `eps` is finite and above 0.
    ```mlir
    gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
    gemma.weight @norm0 : tensor<3xf32> from <"m", 108, 12>
    gemma.weight @conv1 : tensor<2x27xf32> from <"m", 120, 216>
    gemma.weight @norm1 : tensor<2xf32> from <"m", 336, 8>
    gemma.weight @proj : tensor<8x8xf32> from <"m", 344, 256>
    func.func @example(%mel: tensor<?x16xf32>, %valid: tensor<?x1xi32>) {
      %y = gemma.audio_subsample %mel, %valid eps 1.0e-6
          conv @conv0 norm @norm0
          conv @conv1 norm @norm1
          proj @proj : tensor<?x16xf32>, tensor<?x1xi32> -> tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Flags:$valid, FlatSymbolRefAttr:$conv_0, FlatSymbolRefAttr:$norm_0,
      FlatSymbolRefAttr:$conv_1, FlatSymbolRefAttr:$norm_1, FlatSymbolRefAttr:$proj, Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $valid `eps` custom<Number>($eps)
    / `conv` $conv_0 `norm` $norm_0
    / `conv` $conv_1 `norm` $norm_1
    / `proj` $proj attr-dict `:` type($input) `,` type($valid) `->` type($result)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_AudioFfnOp : Gemma_FusedOp<"audio_ffn", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "half a step of a conformer's MLP, and the norm behind the layer if it comes last (spec 5.3)";
  let description = [{
    `y = rms_norm(clamp(input), pre_norm)`; `z = silu(y up^T) down^T`;
    `result = input + factor * rms_norm(clamp(z), post_norm)`, of which, with `out_norm`,
    `rms_norm(clamp(..), out_norm)` is taken.
    - c1: `result` has the type of `input`.
    - c2: `up` is `[F, width]`, `down` `[width, F]`, norms are `[width]`.
    - c3: `limit` and `eps` are finite and above 0, `factor` is finite.
    ```mlir
    gemma.weight @pre : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @up : tensor<6x8xf32> from <"m", 32, 192>
    gemma.weight @down : tensor<8x6xf32> from <"m", 224, 192>
    gemma.weight @post : tensor<8xf32> from <"m", 416, 32>
    gemma.weight @out : tensor<8xf32> from <"m", 448, 32>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.audio_ffn %x pre_norm @pre limit 1.0e10 eps 1.0e-6
          silu(@up) down @down
          post_norm @post factor 0.5 out_norm @out : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$pre_norm, FlatSymbolRefAttr:$up, FlatSymbolRefAttr:$down,
      FlatSymbolRefAttr:$post_norm, OptionalAttr<FlatSymbolRefAttr>:$out_norm, Gemma_PositiveF64:$limit /* c3 */,
      Gemma_FiniteF64:$factor /* c3 */, Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `pre_norm` $pre_norm `limit` custom<Number>($limit) `eps` custom<Number>($eps)
    / `silu` `(` $up `)` `down` $down
    / `post_norm` $post_norm `factor` custom<Number>($factor) (`out_norm` $out_norm^)? attr-dict `:` type($input)
  }]>.format;
}

def Gemma_AudioAttentionOp : Gemma_FusedOp<"audio_attention", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "relative attention with its projections, norms and residual add (spec 5.3, 5.4)";
  let description = [{
    `y = rms_norm(clamp(input), pre_norm)`; `a = relative_attention(y q^T, y k^T, y v^T)`;
    `result = input + rms_norm(clamp(a o^T), post_norm)`.
    - c1: `result` has the type of `input`.
    - c2: `q`, `k`, `v`, `o` and `relative` are `[width, width]`, norms `[width]`, `scale` `[width / heads]`.
    - c3: `heads` is positive and divides the width; the width is even.
    - c4: `valid` has one column and `every` rows for each row of `input`; `every` is positive.
    - c5: `past` is positive, `future` and `distances` are not negative.
    - c6: `cap`, `limit` and `eps` are finite and above 0.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @q : tensor<8x8xf32> from <"m", 32, 256>
    gemma.weight @scale : tensor<4xf32> from <"m", 288, 16>
    func.func @example(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
      %y = gemma.audio_attention %x, %valid every 4 pre_norm @norm limit 1.0e10 eps 1.0e-6
          q @q k @q v @q
          heads 2 scale @scale relative @q
          past 12 future 0 distances 12 cap 50.0
          o @q post_norm @norm : tensor<?x8xf32>, tensor<?x1xi32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, Gemma_Flags:$valid, Gemma_Count:$every /* c4 */, FlatSymbolRefAttr:$pre_norm,
      FlatSymbolRefAttr:$q, FlatSymbolRefAttr:$k, FlatSymbolRefAttr:$v, Gemma_Count:$heads /* c3 */,
      FlatSymbolRefAttr:$scale, FlatSymbolRefAttr:$relative, Gemma_Count:$past /* c5 */, Gemma_Offset:$future /* c5 */,
      Gemma_Offset:$distances /* c5 */, Gemma_PositiveF64:$cap /* c6 */, FlatSymbolRefAttr:$o,
      FlatSymbolRefAttr:$post_norm, Gemma_PositiveF64:$limit /* c6 */, Gemma_PositiveF64:$eps /* c6 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `,` $valid `every` $every `pre_norm` $pre_norm `limit` custom<Number>($limit) `eps` custom<Number>($eps)
    / `q` $q `k` $k `v` $v
    / `heads` $heads `scale` $scale `relative` $relative
    / `past` $past `future` $future `distances` $distances `cap` custom<Number>($cap)
    / `o` $o `post_norm` $post_norm attr-dict `:` type($input) `,` type($valid)
  }]>.format;
  let hasVerifier = 1;
}

def Gemma_AudioConvOp : Gemma_FusedOp<"audio_conv", [Pure, AllTypesMatch<["input", "result"]> /* c1 */]> {
  let summary = "a conformer's light convolution with its norms and residual add (spec 5.3)";
  let description = [{
    `y = glu(rms_norm(input, pre_norm) start^T)`; `z = silu(rms_norm(clamp(depthwise_conv(y, conv)), conv_norm))`;
    `result = input + z end^T`.
    - c1: `result` has the type of `input`.
    - c2: `start` is `[2 * width, width]`, `conv` `[width, taps]`, `end` `[width, width]`, norms are `[width]`.
    - c3: `limit` and `eps` are finite and above 0.
    ```mlir
    gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
    gemma.weight @start : tensor<16x8xf32> from <"m", 32, 512>
    gemma.weight @conv : tensor<8x5xf32> from <"m", 544, 160>
    gemma.weight @end : tensor<8x8xf32> from <"m", 704, 256>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.audio_conv %x pre_norm @norm eps 1.0e-6
          glu(@start) conv @conv
          limit 1.0e10 conv_norm @norm
          silu end @end : tensor<?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$pre_norm, FlatSymbolRefAttr:$start,
      FlatSymbolRefAttr:$conv, FlatSymbolRefAttr:$conv_norm, FlatSymbolRefAttr:$end, Gemma_PositiveF64:$limit /* c3 */,
      Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `pre_norm` $pre_norm `eps` custom<Number>($eps)
    / `glu` `(` $start `)` `conv` $conv
    / `limit` custom<Number>($limit) `conv_norm` $conv_norm
    / `silu` `end` $end attr-dict `:` type($input)
  }]>.format;
}

def Gemma_AudioOutputOp : Gemma_FusedOp<"audio_output", [Pure]> {
  let summary = "from the last layer to soft tokens (spec 5.3)";
  let description = [{
    `result = rms_norm(input proj^T + bias) embedding^T`, the norm without a weight.
    - c1: `proj` is `[W, input width]`, `bias` `[W]`, `embedding` `[result width, W]`.
    - c2: rows are equal.
    - c3: `eps` is finite and above 0.
    ```mlir
    gemma.weight @proj : tensor<6x8xf32> from <"m", 0, 192>
    gemma.weight @bias : tensor<6xf32> from <"m", 192, 24>
    gemma.weight @embedding : tensor<10x6xf32> from <"m", 216, 240>
    func.func @example(%x: tensor<?x8xf32>) {
      %y = gemma.audio_output %x proj @proj bias @bias eps 1.0e-6
          embedding @embedding : tensor<?x8xf32> -> tensor<?x10xf32>
      return
    }
    ```
  }];
  let arguments = (ins Gemma_Rows:$input, FlatSymbolRefAttr:$proj, FlatSymbolRefAttr:$bias,
      FlatSymbolRefAttr:$embedding, Gemma_PositiveF64:$eps /* c3 */);
  let results = (outs Gemma_Rows:$result);
  let assemblyFormat = Gemma_Lines<[{
    $input `proj` $proj `bias` $bias `eps` custom<Number>($eps)
    / `embedding` $embedding attr-dict `:` type($input) `->` type($result)
  }]>.format;
  let hasVerifier = 1;
}

#endif // GEMMA_AUDIO_OPS_TD
