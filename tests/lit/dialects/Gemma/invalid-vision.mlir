// Levels 0 and 1 of the vision tower: one case per constraint, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

func.func @affine_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.affine"(%x) <{factor = 2.0 : f64, offset = 1.0 : f64}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @affine_c2_factor(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.affine %x by 0x7FF0000000000000 plus 1.0 : tensor<4x8xf32>
  return
}

// -----
func.func @affine_c2_offset(%x: tensor<4x8xf32>) {
  // expected-error @below {{attribute 'offset' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.affine %x by 2.0 plus 0x7FF8000000000000 : tensor<4x8xf32>
  return
}

// -----
func.func @add_places_c1(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.add_places"(%x, %places) <{columns = @columns, rows = @rows}>
    : (tensor<4x8xf32>, tensor<4x2xi32>) -> tensor<4x4xf32>
  return
}

// -----
gemma.weight @columns : tensor<8xf32> from <"m", 0, 32>
gemma.weight @rows : tensor<5x8xf32> from <"m", 32, 160>
func.func @add_places_c2_rank(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects columns of rank 2, got 'tensor<8xf32>'}}
  %y = gemma.add_places %x, %places, @columns, @rows : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
// expected-note @below {{@columns is defined here}}
gemma.weight @columns : tensor<5x6xf32> from <"m", 0, 120>
gemma.weight @rows : tensor<5x8xf32> from <"m", 120, 160>
func.func @add_places_c2_width(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects columns of shape [5, 8] (places, width), got [5, 6]}}
  %y = gemma.add_places %x, %places, @columns, @rows : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @columns : tensor<5x8xf32> from <"m", 0, 160>
// expected-note @below {{@rows is defined here}}
gemma.weight @rows : tensor<6x8xf32> from <"m", 160, 192>
func.func @add_places_c2_shape(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects rows of shape [5, 8] (those of columns), got [6, 8]}}
  %y = gemma.add_places %x, %places, @columns, @rows : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @add_places_c3(%x: tensor<4x8xf32>, %places: tensor<5x2xi32>) {
  // expected-error @below {{expects places with 4 rows, as input has, got 5}}
  %y = gemma.add_places %x, %places, @columns, @rows : tensor<4x8xf32>, tensor<5x2xi32>
  return
}

// -----
func.func @places_width(%x: tensor<4x8xf32>, %places: tensor<4x3xi32>) {
  // expected-error @below {{must be [rows, 2] tensor of 32-bit signless integer values, but got 'tensor<4x3xi32>'}}
  %y = gemma.rope_places %x, %places heads 2 theta 100.0 : tensor<4x8xf32>, tensor<4x3xi32>
  return
}

// -----
func.func @rope_places_c1(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.rope_places"(%x, %places) <{heads = 2 : i64, theta = 100.0 : f64}>
    : (tensor<4x8xf32>, tensor<4x2xi32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @rope_places_c2_heads(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects heads whose size is a multiple of 4, got 3 in a width of 8}}
  %y = gemma.rope_places %x, %places heads 3 theta 100.0 : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @rope_places_c2_size(%x: tensor<4x12xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects heads whose size is a multiple of 4, got 2 in a width of 12}}
  %y = gemma.rope_places %x, %places heads 2 theta 100.0 : tensor<4x12xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @rope_places_c3(%x: tensor<4x8xf32>, %places: tensor<5x2xi32>) {
  // expected-error @below {{expects places with 4 rows, as input has, got 5}}
  %y = gemma.rope_places %x, %places heads 2 theta 100.0 : tensor<4x8xf32>, tensor<5x2xi32>
  return
}

// -----
func.func @rope_places_c4(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{attribute 'theta' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.rope_places %x, %places heads 2 theta 0.0 : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @attention_all_c1_query(%q: tensor<4x8xf32>, %v: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {query, result} have same type}}
  %y = "gemma.attention_all"(%q, %q, %v) <{heads = 2 : i64, kv_heads = 2 : i64}>
    : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @attention_all_c1_values(%q: tensor<4x8xf32>, %v: tensor<4x4xf32>) {
  // expected-error @below {{failed to verify that all of {keys, values} have same type}}
  %y = "gemma.attention_all"(%q, %q, %v) <{heads = 2 : i64, kv_heads = 2 : i64}>
    : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return
}

// -----
func.func @attention_all_c2_heads(%q: tensor<4x12xf32>, %k: tensor<4x8xf32>) {
  // expected-error @below {{expects heads to be a multiple of the 2 kv_heads, got 3}}
  %y = gemma.attention_all %q, %k, %k heads 3 kv_heads 2 : tensor<4x12xf32>, tensor<4x8xf32>
  return
}

// -----
func.func @attention_all_c2_size(%q: tensor<4x16xf32>, %k: tensor<4x8xf32>) {
  // expected-error @below {{expects heads of one size, got 4 in a width of 16 and 1 in 8}}
  %y = gemma.attention_all %q, %k, %k heads 4 kv_heads 1 : tensor<4x16xf32>, tensor<4x8xf32>
  return
}

// -----
func.func @attention_all_c3(%q: tensor<4x8xf32>, %k: tensor<5x8xf32>) {
  // expected-error @below {{expects keys with 4 rows, as query has, got 5}}
  %y = gemma.attention_all %q, %k, %k heads 2 kv_heads 2 : tensor<4x8xf32>, tensor<5x8xf32>
  return
}

// -----
func.func @pool_c1_width(%x: tensor<18x8xf32>) {
  // expected-error @below {{expects a result of width 8, that of the input, got 4}}
  %y = gemma.pool %x by 9 factor 0.25 : tensor<18x8xf32> -> tensor<2x4xf32>
  return
}

// -----
func.func @pool_c1_rows(%x: tensor<18x8xf32>) {
  // expected-error @below {{expects 9 rows of the input for each of the result's 3, got 18}}
  %y = gemma.pool %x by 9 factor 0.25 : tensor<18x8xf32> -> tensor<3x8xf32>
  return
}

// -----
func.func @pool_c2(%x: tensor<18x8xf32>) {
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.pool %x by 9 factor 0x7FF0000000000000 : tensor<18x8xf32> -> tensor<2x8xf32>
  return
}

// -----
func.func @standardize_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.standardize"(%x) <{bias = @bias, scale = @scale}> : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
// expected-note @below {{@bias is defined here}}
gemma.weight @bias : tensor<7xf32> from <"m", 0, 28>
gemma.weight @scale : tensor<8xf32> from <"m", 32, 32>
func.func @standardize_c2_bias(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects bias of shape [8] (width), got [7]}}
  %y = gemma.standardize %x, @bias, @scale : tensor<4x8xf32>
  return
}

// -----
gemma.weight @bias : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@scale is defined here}}
gemma.weight @scale : tensor<7xf32> from <"m", 32, 28>
func.func @standardize_c2_scale(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects scale of shape [8] (width), got [7]}}
  %y = gemma.standardize %x, @bias, @scale : tensor<4x8xf32>
  return
}

// -----
// expected-note @below {{@proj is defined here}}
gemma.weight @proj : tensor<12x8xf32> from <"m", 0, 384>
gemma.weight @columns : tensor<5x8xf32> from <"m", 384, 160>
gemma.weight @rows : tensor<5x8xf32> from <"m", 544, 160>
func.func @patch_embed_c1_proj(%patches: tensor<4x12xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects proj of shape [8, 12] (result width, patches width), got [12, 8]}}
  %y = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
      + %places in @columns, @rows : tensor<4x12xf32>, tensor<4x2xi32> -> tensor<4x8xf32>
  return
}

// -----
gemma.weight @proj : tensor<8x12xf32> from <"m", 0, 384>
gemma.weight @columns : tensor<5x8xf32> from <"m", 384, 160>
// expected-note @below {{@rows is defined here}}
gemma.weight @rows : tensor<4x8xf32> from <"m", 544, 128>
func.func @patch_embed_c1_rows(%patches: tensor<4x12xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects rows of shape [5, 8] (those of columns), got [4, 8]}}
  %y = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
      + %places in @columns, @rows : tensor<4x12xf32>, tensor<4x2xi32> -> tensor<4x8xf32>
  return
}

// -----
func.func @patch_embed_c2_places(%patches: tensor<4x12xf32>, %places: tensor<5x2xi32>) {
  // expected-error @below {{expects places with 4 rows, as patches has, got 5}}
  %y = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
      + %places in @columns, @rows : tensor<4x12xf32>, tensor<5x2xi32> -> tensor<4x8xf32>
  return
}

// -----
func.func @patch_embed_c2_result(%patches: tensor<4x12xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects result with 4 rows, as patches has, got 3}}
  %y = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
      + %places in @columns, @rows : tensor<4x12xf32>, tensor<4x2xi32> -> tensor<3x8xf32>
  return
}

// -----
func.func @patch_embed_c3_factor(%patches: tensor<4x12xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.patch_embed %patches by 0x7FF0000000000000 plus -1.0 proj @proj
      + %places in @columns, @rows : tensor<4x12xf32>, tensor<4x2xi32> -> tensor<4x8xf32>
  return
}

// -----
func.func @patch_embed_c3_offset(%patches: tensor<4x12xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{attribute 'offset' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.patch_embed %patches by 2.0 plus 0x7FF0000000000000 proj @proj
      + %places in @columns, @rows : tensor<4x12xf32>, tensor<4x2xi32> -> tensor<4x8xf32>
  return
}

// -----
func.func @encoder_attention_c1(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{failed to verify that all of {input, result} have same type}}
  %y = "gemma.encoder_attention"(%x, %places) <{norm = @norm, q = @q, k = @k, v = @v, o = @o, q_norm = @q_norm,
      k_norm = @k_norm, post_norm = @post_norm, heads = 4 : i64, kv_heads = 2 : i64, head_dim = 4 : i64,
      theta = 100.0 : f64, eps = 0.5 : f64}> : (tensor<4x8xf32>, tensor<4x2xi32>) -> tensor<4x4xf32>
  return
}

// -----
// expected-note @below {{@norm is defined here}}
gemma.weight @norm : tensor<9xf32> from <"m", 0, 36>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_norm(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects norm of shape [8] (width), got [9]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@q is defined here}}
gemma.weight @q : tensor<17x8xf32> from <"m", 0, 544>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_q(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects q of shape [16, 8] (heads x head_dim, width), got [17, 8]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
// expected-note @below {{@k is defined here}}
gemma.weight @k : tensor<9x8xf32> from <"m", 0, 288>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_k(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects k of shape [8, 8] (kv_heads x head_dim, width), got [9, 8]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
// expected-note @below {{@v is defined here}}
gemma.weight @v : tensor<9x8xf32> from <"m", 0, 288>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_v(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects v of shape [8, 8] (kv_heads x head_dim, width), got [9, 8]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
// expected-note @below {{@o is defined here}}
gemma.weight @o : tensor<9x16xf32> from <"m", 0, 576>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_o(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects o of shape [8, 16] (width, heads x head_dim), got [9, 16]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
// expected-note @below {{@q_norm is defined here}}
gemma.weight @q_norm : tensor<5xf32> from <"m", 0, 20>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_q_norm(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects q_norm of shape [4] (head_dim), got [5]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
// expected-note @below {{@k_norm is defined here}}
gemma.weight @k_norm : tensor<5xf32> from <"m", 0, 20>
gemma.weight @post_norm : tensor<8xf32> from <"m", 0, 32>
func.func @encoder_attention_c2_k_norm(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects k_norm of shape [4] (head_dim), got [5]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @q : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x16xf32> from <"m", 0, 512>
gemma.weight @q_norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @k_norm : tensor<4xf32> from <"m", 0, 16>
// expected-note @below {{@post_norm is defined here}}
gemma.weight @post_norm : tensor<9xf32> from <"m", 0, 36>
func.func @encoder_attention_c2_post_norm(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects post_norm of shape [8] (width), got [9]}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @encoder_attention_c3_heads(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects heads to be a multiple of the 2 kv_heads, got 3}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 3 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @encoder_attention_c3_head_dim(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{expects a head_dim that is a multiple of 4, got 6}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 6 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @encoder_attention_c4(%x: tensor<4x8xf32>, %places: tensor<5x2xi32>) {
  // expected-error @below {{expects places with 4 rows, as input has, got 5}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<5x2xi32>
  return
}

// -----
func.func @encoder_attention_c5_theta(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{attribute 'theta' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 0.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
func.func @encoder_attention_c5_eps(%x: tensor<4x8xf32>, %places: tensor<4x2xi32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.encoder_attention %x, %places norm @norm eps -0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @q_norm
      k @k k_norm @k_norm
      v @v
      o @o post_norm @post_norm : tensor<4x8xf32>, tensor<4x2xi32>
  return
}

// -----
// expected-note @below {{@proj is defined here}}
gemma.weight @proj : tensor<8x12xf32> from <"m", 0, 384>
func.func @pool_project_c1_proj(%x: tensor<18x8xf32>) {
  // expected-error @below {{expects proj of shape [12, 8] (result width, input width), got [8, 12]}}
  %y = gemma.pool_project %x by 9 factor 0.25
      eps 0.5 proj @proj : tensor<18x8xf32> -> tensor<2x12xf32>
  return
}

// -----
// expected-note @below {{@bias is defined here}}
gemma.weight @bias : tensor<7xf32> from <"m", 0, 28>
gemma.weight @scale : tensor<8xf32> from <"m", 32, 32>
gemma.weight @proj : tensor<12x8xf32> from <"m", 64, 384>
func.func @pool_project_c1_bias(%x: tensor<18x8xf32>) {
  // expected-error @below {{expects bias of shape [8] (input width), got [7]}}
  %y = gemma.pool_project %x by 9 factor 0.25 standardize @bias, @scale
      eps 0.5 proj @proj : tensor<18x8xf32> -> tensor<2x12xf32>
  return
}

// -----
gemma.weight @bias : tensor<8xf32> from <"m", 0, 32>
// expected-note @below {{@scale is defined here}}
gemma.weight @scale : tensor<7xf32> from <"m", 32, 28>
gemma.weight @proj : tensor<12x8xf32> from <"m", 64, 384>
func.func @pool_project_c1_scale(%x: tensor<18x8xf32>) {
  // expected-error @below {{expects scale of shape [8] (input width), got [7]}}
  %y = gemma.pool_project %x by 9 factor 0.25 standardize @bias, @scale
      eps 0.5 proj @proj : tensor<18x8xf32> -> tensor<2x12xf32>
  return
}

// -----
func.func @pool_project_c1_alone(%x: tensor<18x8xf32>) {
  // expected-error @below {{expects bias and scale together or not at all}}
  %y = "gemma.pool_project"(%x) <{bias = @bias, proj = @proj, count = 9 : i64, factor = 0.25 : f64, eps = 0.5 : f64}>
    : (tensor<18x8xf32>) -> tensor<2x12xf32>
  return
}

// -----
func.func @pool_project_c2(%x: tensor<20x8xf32>) {
  // expected-error @below {{expects 9 rows of the input for each of the result's 2, got 20}}
  %y = gemma.pool_project %x by 9 factor 0.25 standardize @bias, @scale
      eps 0.5 proj @proj : tensor<20x8xf32> -> tensor<2x12xf32>
  return
}

// -----
func.func @pool_project_c3_factor(%x: tensor<18x8xf32>) {
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  %y = gemma.pool_project %x by 9 factor 0x7FF0000000000000 standardize @bias, @scale
      eps 0.5 proj @proj : tensor<18x8xf32> -> tensor<2x12xf32>
  return
}

// -----
func.func @pool_project_c3_eps(%x: tensor<18x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.pool_project %x by 9 factor 0.25 standardize @bias, @scale
      eps 0.0 proj @proj : tensor<18x8xf32> -> tensor<2x12xf32>
  return
}
