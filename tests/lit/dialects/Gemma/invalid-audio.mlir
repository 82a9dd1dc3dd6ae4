// The audio tower, all levels: one case per constraint, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

func.func @mask_rows_c1(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.mask_rows"(%x, %valid) <{every = 1 : i64}> : (tensor<?x8xf32>, tensor<?x1xi32>) -> tensor<?x4xf32>
  return
}

// -----
func.func @mask_rows_c2(%x: tensor<?x8xf32>, %valid: tensor<?x2xi32>) {
  // expected-error @below {{expects valid with one column, got 2}}
  %y = gemma.mask_rows %x, %valid every 1 : tensor<?x8xf32>, tensor<?x2xi32>
  return
}

// -----
func.func @mask_rows_c3(%x: tensor<4x8xf32>, %valid: tensor<4x1xi32>) {
  // expected-error @below {{expects valid with 2 rows for each of the input's 4, got 4}}
  %y = gemma.mask_rows %x, %valid every 2 : tensor<4x8xf32>, tensor<4x1xi32>
  return
}

// -----
func.func @mask_rows_c3_every(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'every' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %y = gemma.mask_rows %x, %valid every 0 : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @conv2d_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects channels to divide the width 8, got 3}}
  %y = gemma.conv2d %x, @w channels 3 : tensor<?x8xf32> -> tensor<?x4xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<2x9xf32> from <"m", 0, 72>
func.func @conv2d_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects weight of shape [2, 18] (channels of the result, 9 x channels), got [2, 9]}}
  %y = gemma.conv2d %x, @w channels 2 : tensor<?x8xf32> -> tensor<?x4xf32>
  return
}

// -----
gemma.weight @w : tensor<2x18xf32> from <"m", 0, 144>
func.func @conv2d_c2_bins(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects a result of 2 equal bins, got a width of 5}}
  %y = gemma.conv2d %x, @w channels 2 : tensor<?x8xf32> -> tensor<?x5xf32>
  return
}

// -----
func.func @conv2d_c3(%x: tensor<5x8xf32>) {
  // expected-error @below {{expects a result of 3 rows for 5, got 2}}
  %y = gemma.conv2d %x, @w channels 2 : tensor<5x8xf32> -> tensor<2x4xf32>
  return
}

// -----
func.func @layer_norm_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.layer_norm"(%x) <{weight = @w, groups = 1 : i64, eps = 0.5 : f64}>
      : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
func.func @layer_norm_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects groups to divide the width 8, got 3}}
  %y = gemma.layer_norm %x, @w groups 3 eps 0.5 : tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<8xf32> from <"m", 0, 32>
func.func @layer_norm_c3(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects weight of shape [4] (width / groups), got [8]}}
  %y = gemma.layer_norm %x, @w groups 2 eps 0.5 : tensor<?x8xf32>
  return
}

// -----
func.func @layer_norm_c4(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.layer_norm %x, @w groups 2 eps 0.0 : tensor<?x8xf32>
  return
}

// -----
func.func @relu_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.relu"(%x) : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
func.func @silu_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.silu"(%x) : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
func.func @clamp_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.clamp"(%x) <{limit = 1.0 : f64}> : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
func.func @clamp_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'limit' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.clamp %x limit 0.0 : tensor<?x8xf32>
  return
}

// -----
func.func @glu_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects an input twice as wide as the result, 16, got 8}}
  %y = gemma.glu %x : tensor<?x8xf32> -> tensor<?x8xf32>
  return
}

// -----
func.func @glu_c1_rows(%x: tensor<2x8xf32>) {
  // expected-error @below {{expects result with 2 rows, as input has, got 3}}
  %y = gemma.glu %x : tensor<2x8xf32> -> tensor<3x4xf32>
  return
}

// -----
func.func @depthwise_conv_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.depthwise_conv"(%x) <{weight = @w}> : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<4x5xf32> from <"m", 0, 80>
func.func @depthwise_conv_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects weight of shape [8, 5] (width, taps), got [4, 5]}}
  %y = gemma.depthwise_conv %x, @w : tensor<?x8xf32>
  return
}

// -----
func.func @add_bias_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.add_bias"(%x) <{bias = @w}> : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<4xf32> from <"m", 0, 16>
func.func @add_bias_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects bias of shape [8] (width), got [4]}}
  %y = gemma.add_bias %x, @w : tensor<?x8xf32>
  return
}

// -----
func.func @relative_attention_c1(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{failed to verify that all of {query, key, value, result} have same type}}
  %y = "gemma.relative_attention"(%x, %x, %x, %valid) <{every = 4 : i64, heads = 2 : i64, scale = @s,
      relative = @r, past = 12 : i64, future = 0 : i64, distances = 12 : i64, cap = 50.0 : f64}>
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x1xi32>) -> tensor<?x4xf32>
  return
}

// -----
func.func @relative_attention_c2(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{expects heads to divide an even width, got 3 in 8}}
  %y = gemma.relative_attention %x, %x, %x, %valid every 4
      heads 3 scale @s relative @r
      past 12 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
gemma.weight @r : tensor<8x8xf32> from <"m", 0, 256>
// expected-note @below {{@s is defined here}}
gemma.weight @s : tensor<8xf32> from <"m", 0, 32>
func.func @relative_attention_c3(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{expects scale of shape [4] (width / heads), got [8]}}
  %y = gemma.relative_attention %x, %x, %x, %valid every 4
      heads 2 scale @s relative @r
      past 12 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @relative_attention_c4(%x: tensor<2x8xf32>, %valid: tensor<2x1xi32>) {
  // expected-error @below {{expects valid with 4 rows for each of the input's 2, got 2}}
  %y = gemma.relative_attention %x, %x, %x, %valid every 4
      heads 2 scale @s relative @r
      past 12 future 0 distances 12 cap 50.0 : tensor<2x8xf32>, tensor<2x1xi32>
  return
}

// -----
func.func @relative_attention_c5(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'past' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %y = gemma.relative_attention %x, %x, %x, %valid every 4
      heads 2 scale @s relative @r
      past 0 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @relative_attention_c5_future(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'future' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %y = gemma.relative_attention %x, %x, %x, %valid every 4
      heads 2 scale @s relative @r
      past 12 future -1 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @relative_attention_c6(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'cap' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.relative_attention %x, %x, %x, %valid every 4
      heads 2 scale @s relative @r
      past 12 future 0 distances 12 cap 0.0 : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
gemma.weight @c0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @n0 : tensor<3xf32> from <"m", 0, 12>
// expected-note @below {{@c1 is defined here}}
gemma.weight @c1 : tensor<2x26xf32> from <"m", 0, 208>
gemma.weight @n1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @p : tensor<8x8xf32> from <"m", 0, 256>
func.func @audio_subsample_c1(%x: tensor<?x16xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{expects conv_1 of shape [2, 27] (channels, 9 x channels of conv_0), got [2, 26]}}
  %y = gemma.audio_subsample %x, %valid eps 0.5
      conv @c0 norm @n0
      conv @c1 norm @n1
      proj @p : tensor<?x16xf32>, tensor<?x1xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @c0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @n0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @c1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @n1 : tensor<2xf32> from <"m", 0, 8>
// expected-note @below {{@p is defined here}}
gemma.weight @p : tensor<8x4xf32> from <"m", 0, 128>
func.func @audio_subsample_c1_proj(%x: tensor<?x16xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{expects proj of shape [8, 8] (result width, channels x bins), got [8, 4]}}
  %y = gemma.audio_subsample %x, %valid eps 0.5
      conv @c0 norm @n0
      conv @c1 norm @n1
      proj @p : tensor<?x16xf32>, tensor<?x1xi32> -> tensor<?x8xf32>
  return
}

// -----
func.func @audio_subsample_c2(%x: tensor<?x16xf32>, %valid: tensor<?x2xi32>) {
  // expected-error @below {{expects valid with one column, got 2}}
  %y = gemma.audio_subsample %x, %valid eps 0.5
      conv @c0 norm @n0
      conv @c1 norm @n1
      proj @p : tensor<?x16xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
func.func @audio_subsample_c3(%x: tensor<?x16xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.audio_subsample %x, %valid eps 0.0
      conv @c0 norm @n0
      conv @c1 norm @n1
      proj @p : tensor<?x16xf32>, tensor<?x1xi32> -> tensor<?x8xf32>
  return
}

// -----
func.func @audio_ffn_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.audio_ffn"(%x) <{pre_norm = @n, up = @u, down = @d, post_norm = @n, limit = 1.0 : f64,
      factor = 1.0 : f64, eps = 0.5 : f64}> : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
gemma.weight @n : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@u is defined here}}
gemma.weight @u : tensor<5x8xf32> from <"m", 0, 160>
gemma.weight @d : tensor<8x6xf32> from <"m", 0, 192>
func.func @audio_ffn_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects up of shape [6, 8] (columns of down, input width), got [5, 8]}}
  %y = gemma.audio_ffn %x pre_norm @n limit 1.0 eps 0.5
      silu(@u) down @d
      post_norm @n factor 0.5 : tensor<?x8xf32>
  return
}

// -----
func.func @audio_ffn_c3(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'limit' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.audio_ffn %x pre_norm @n limit 0.0 eps 0.5
      silu(@u) down @d
      post_norm @n factor 0.5 : tensor<?x8xf32>
  return
}

// -----
func.func @audio_ffn_c3_factor(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.audio_ffn %x pre_norm @n limit 1.0 eps 0.5
      silu(@u) down @d
      post_norm @n factor 0x7FF0000000000000 : tensor<?x8xf32>
  return
}

// -----
func.func @audio_attention_c1(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.audio_attention"(%x, %valid) <{every = 4 : i64, pre_norm = @n, q = @r, k = @r, v = @r, heads = 2
      : i64, scale = @s, relative = @r, past = 12 : i64, future = 0 : i64, distances = 12 : i64, cap = 50.0
      : f64, o = @r, post_norm = @n, limit = 1.0 : f64, eps = 0.5 : f64}> : (tensor<?x8xf32>,
      tensor<?x1xi32>) -> tensor<?x4xf32>
  return
}

// -----
gemma.weight @n : tensor<8xf32> from <"m", 0, 32>
gemma.weight @s : tensor<4xf32> from <"m", 0, 16>
// expected-note @below {{@r is defined here}}
gemma.weight @r : tensor<8x4xf32> from <"m", 0, 128>
func.func @audio_attention_c2(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{expects q of shape [8, 8] (width, width), got [8, 4]}}
  %y = gemma.audio_attention %x, %valid every 4 pre_norm @n limit 1.0 eps 0.5
      q @r k @r v @r
      heads 2 scale @s relative @r
      past 12 future 0 distances 12 cap 50.0
      o @r post_norm @n : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @audio_attention_c3(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{expects heads to divide an even width, got 3 in 8}}
  %y = gemma.audio_attention %x, %valid every 4 pre_norm @n limit 1.0 eps 0.5
      q @r k @r v @r
      heads 3 scale @s relative @r
      past 12 future 0 distances 12 cap 50.0
      o @r post_norm @n : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @audio_attention_c4(%x: tensor<?x8xf32>, %valid: tensor<?x2xi32>) {
  // expected-error @below {{expects valid with one column, got 2}}
  %y = gemma.audio_attention %x, %valid every 4 pre_norm @n limit 1.0 eps 0.5
      q @r k @r v @r
      heads 2 scale @s relative @r
      past 12 future 0 distances 12 cap 50.0
      o @r post_norm @n : tensor<?x8xf32>, tensor<?x2xi32>
  return
}

// -----
func.func @audio_attention_c5(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'past' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %y = gemma.audio_attention %x, %valid every 4 pre_norm @n limit 1.0 eps 0.5
      q @r k @r v @r
      heads 2 scale @s relative @r
      past 0 future 0 distances 12 cap 50.0
      o @r post_norm @n : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @audio_attention_c5_distances(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'distances' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %y = gemma.audio_attention %x, %valid every 4 pre_norm @n limit 1.0 eps 0.5
      q @r k @r v @r
      heads 2 scale @s relative @r
      past 12 future 0 distances -1 cap 50.0
      o @r post_norm @n : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @audio_attention_c6(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) {
  // expected-error @below {{attribute 'cap' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.audio_attention %x, %valid every 4 pre_norm @n limit 1.0 eps 0.5
      q @r k @r v @r
      heads 2 scale @s relative @r
      past 12 future 0 distances 12 cap 0.0
      o @r post_norm @n : tensor<?x8xf32>, tensor<?x1xi32>
  return
}

// -----
func.func @audio_conv_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.audio_conv"(%x) <{pre_norm = @n, start = @s, conv = @c, conv_norm = @n, end = @e, limit = 1.0
      : f64, eps = 0.5 : f64}> : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----
gemma.weight @n : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@s is defined here}}
gemma.weight @s : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @c : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @e : tensor<8x8xf32> from <"m", 0, 256>
func.func @audio_conv_c2(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects start of shape [16, 8] (2 x width, width), got [8, 8]}}
  %y = gemma.audio_conv %x pre_norm @n eps 0.5
      glu(@s) conv @c
      limit 1.0 conv_norm @n
      silu end @e : tensor<?x8xf32>
  return
}

// -----
func.func @audio_conv_c3(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.audio_conv %x pre_norm @n eps 0.0
      glu(@s) conv @c
      limit 1.0 conv_norm @n
      silu end @e : tensor<?x8xf32>
  return
}

// -----
gemma.weight @p : tensor<6x8xf32> from <"m", 0, 192>
// expected-note @below {{@b is defined here}}
gemma.weight @b : tensor<8xf32> from <"m", 0, 32>
gemma.weight @e : tensor<10x6xf32> from <"m", 0, 240>
func.func @audio_output_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects bias of shape [6] (rows of proj), got [8]}}
  %y = gemma.audio_output %x proj @p bias @b eps 0.5
      embedding @e : tensor<?x8xf32> -> tensor<?x10xf32>
  return
}

// -----
func.func @audio_output_c2(%x: tensor<2x8xf32>) {
  // expected-error @below {{expects result with 2 rows, as input has, got 3}}
  %y = gemma.audio_output %x proj @p bias @b eps 0.5
      embedding @e : tensor<2x8xf32> -> tensor<3x10xf32>
  return
}

// -----
func.func @audio_output_c3(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.audio_output %x proj @p bias @b eps 0.0
      embedding @e : tensor<?x8xf32> -> tensor<?x10xf32>
  return
}

// -----
gemma.function @step_conv2d_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
  // expected-error @below {{expects input of type '!gemma.buffer<4 x 32, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 16 channels 1 count 5 eps 0.5 : <2 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
}

// -----
gemma.function @step_conv2d_c1_result max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 128, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 16 channels 1 count 5 eps 0.5 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.function @step_conv2d_c1_valid max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
  // expected-error @below {{expects valid of type '!gemma.buffer<4 x 32, i32>', got '!gemma.buffer<4 x 32, f32>'}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 16 channels 1 count 5 eps 0.5 : <4 x 32, f32>, <4 x 32, f32> -> <2 x 128, f32>
}

// -----
gemma.weight @w.c : tensor<5x9xf32> from <"m", 0, 180>
gemma.packed @c from [@w.c] as q8 panels batch 1 rows 32 <5 -> 32> cols 32 <9 -> 32> bytes 1152
gemma.weight @w.n : tensor<5xf32> from <"m", 0, 20>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <5 -> 32> bytes 128
gemma.function @step_conv2d_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
  gemma.input "x" %x : <4 x 32, f32>
  gemma.input "valid" %valid : <4 x 32, i32>
  // expected-error @below {{expects a weight of floats with 32 rows, got 32 in q8}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 16 channels 1 count 5 eps 0.5 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
}

// -----
gemma.weight @w.c : tensor<5x9xf32> from <"m", 0, 180>
gemma.packed @c from [@w.c] as f32 panels batch 1 rows 32 <5 -> 32> cols 32 <9 -> 32> bytes 4096
gemma.weight @w.n : tensor<40xf32> from <"m", 0, 160>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <40 -> 64> bytes 256
gemma.function @step_conv2d_c2_norm max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
  gemma.input "x" %x : <4 x 32, f32>
  gemma.input "valid" %valid : <4 x 32, i32>
  // expected-error @below {{expects norm to be a packed vector of 32 elements, got @n of 64 in layout vector}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 16 channels 1 count 5 eps 0.5 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
}

// -----
gemma.function @step_conv2d_c3 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
  // expected-error @below {{attribute 'bins' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 0 channels 1 count 5 eps 0.5 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
}

// -----
gemma.function @step_conv2d_c3_eps max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 128, f32>
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.conv2d %x, %valid every 1 -> %y weight @c norm @n
      bins 16 channels 1 count 5 eps 0.0 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
}

// -----
gemma.function @step_silu_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<2 x 64, q8>'}}
  gemma.step.silu %x -> %y : <2 x 64, q8> -> <2 x 64, f32>
}

// -----
gemma.function @step_silu_c1_width max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.silu %x -> %y : <2 x 64, f32> -> <2 x 32, f32>
}

// -----
gemma.function @step_silu_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, s8>
  // expected-error @below {{expects a static scale for a result in s8}}
  gemma.step.silu %x -> %y : <2 x 64, f32> -> <2 x 64, s8>
}

// -----
gemma.function @step_silu_c3 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'within' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
  gemma.step.silu %x -> %y within [0.25, 1.0] : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_glu_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects input of type '!gemma.buffer<2 x 128, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.glu %x -> %y : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_add_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects branch of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.add %x, %y -> %x : <2 x 64, f32>, <2 x 32, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.n : tensor<32xf32> from <"m", 0, 128>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
gemma.function @step_add_bias_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects bias to be a packed vector of 64 elements, got @n of 32 in layout vector}}
  gemma.step.add_bias %x, @n -> %x : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_add_bias_c1_result max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.add_bias %x, @n -> %y : <2 x 64, f32> -> <2 x 32, f32>
}

// -----
gemma.function @step_depthwise_conv_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.depthwise_conv %x, @c -> %y taps 5 : <2 x 64, f32> -> <2 x 32, f32>
}

// -----
gemma.weight @w.c : tensor<32x5xf32> from <"m", 0, 640>
gemma.packed @c from [@w.c] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <5 -> 32> bytes 4096
gemma.function @step_depthwise_conv_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects a weight of floats with 64 rows, got 32 in f32}}
  gemma.step.depthwise_conv %x, @c -> %y taps 5 : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_depthwise_conv_c2_taps max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'taps' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.depthwise_conv %x, @c -> %y taps 0 : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_sinusoids_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.sinusoids %x half 20 : <2 x 32, f32>
}

// -----
gemma.function @step_sinusoids_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{attribute 'half' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.sinusoids %x half 0 : <2 x 32, f32>
}

// -----
gemma.function @step_relative_attention_c1 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %valid = gemma.buffer shared : !gemma.buffer<8 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<2 x 96, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 3 head_dim 20
      scale @s key_scale 1.5
      past 12 future 0 distances 12 cap 50.0
      : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.function @step_relative_attention_c1_result max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %valid = gemma.buffer shared : !gemma.buffer<8 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 2 head_dim 20
      scale @s key_scale 1.5
      past 12 future 0 distances 12 cap 50.0
      : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 32, f32>
}

// -----
gemma.function @step_relative_attention_c1_valid max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %valid = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects valid of type '!gemma.buffer<8 x 32, i32>', got '!gemma.buffer<2 x 32, i32>'}}
  gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 2 head_dim 20
      scale @s key_scale 1.5
      past 12 future 0 distances 12 cap 50.0
      : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.s : tensor<40xf32> from <"m", 0, 160>
gemma.packed @s from [@w.s] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <40 -> 64> bytes 256
gemma.function @step_relative_attention_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %valid = gemma.buffer shared : !gemma.buffer<8 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  gemma.input "valid" %valid : <8 x 32, i32>
  // expected-error @below {{expects scale to be a packed vector of 32 elements, got @s of 64 in layout vector}}
  gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 2 head_dim 20
      scale @s key_scale 1.5
      past 12 future 0 distances 12 cap 50.0
      : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.function @step_relative_attention_c3 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %valid = gemma.buffer shared : !gemma.buffer<8 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'past' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 2 head_dim 20
      scale @s key_scale 1.5
      past 0 future 0 distances 12 cap 50.0
      : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.function @step_relative_attention_c3_cap max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %valid = gemma.buffer shared : !gemma.buffer<8 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'cap' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.relative_attention %x, %x, %x, %x, %valid every 4 -> %y heads 2 head_dim 20
      scale @s key_scale 1.5
      past 12 future 0 distances 12 cap 0.0
      : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.function @step_norm_c6 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'limit' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.norm %x limit 0.0 -> %x
      factor 1.0 eps 0.5 count 64 : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_add_norm_c4 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'limit' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.add_norm %x, %x limit 0.0 -> %x weight @n
      eps 0.5 count 64 : <2 x 64, f32>, <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_add_norm_c4_factor max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  gemma.step.add_norm %x, %x -> %x weight @n
      factor 0x7FF0000000000000 eps 0.5 count 64 : <2 x 64, f32>, <2 x 64, f32> -> <2 x 64, f32>
}
