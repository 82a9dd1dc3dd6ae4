// Models without encoders, all levels: one case per constraint, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
// expected-note @below {{@out is defined here}}
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_norm_0(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects norm_0 of shape [12] (patches width), got [8]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @out bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
// expected-note @below {{@out is defined here}}
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_bias_0(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects bias_0 of shape [12] (patches width), got [8]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @out
      proj @proj bias @out norm @out bias @out
      + %at in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
// expected-note @below {{@table is defined here}}
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_proj(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects proj of shape [8, 12] (result width, patches width), got [6, 8]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @table bias @out norm @out bias @out
      + %at in @other, @other alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@in is defined here}}
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_proj_bias(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects proj_bias of shape [8] (result width), got [12]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @in norm @out bias @out
      + %at in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@in is defined here}}
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_norm_1(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects norm_1 of shape [8] (result width), got [12]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @in bias @out
      + %at in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@in is defined here}}
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_bias_1(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects bias_1 of shape [8] (result width), got [12]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @in
      + %at in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@in is defined here}}
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_norm_2(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects norm_2 of shape [8] (result width), got [12]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @table alternating norm @in bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@in is defined here}}
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c1_bias_2(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects bias_2 of shape [8] (result width), got [12]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @table alternating norm @out bias @in
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
// expected-note @below {{@odd is defined here}}
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c2(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects rows of shape [6, 8] (those of columns), got [5, 8]}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @odd norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c2_alternating(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects one table of an even number of rows to alternate, got @table of 6 rows and @other}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @other alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c2_odd(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects one table of an even number of rows to alternate, got @odd of 5 rows and @odd}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @odd, @odd alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c3(%p: tensor<2x12xf32>, %at: tensor<3x2xi32>) {
  // expected-error @below {{expects places with 2 rows, as patches has, got 3}}
  %x = gemma.normed_patch_embed %p eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @table alternating norm @out bias @out
      : tensor<2x12xf32>, tensor<3x2xi32> -> tensor<?x8xf32>
  return
}

// -----
gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @other : tensor<6x8xf32> from <"m", 1024, 192>
gemma.weight @odd : tensor<5x8xf32> from <"m", 2048, 160>
func.func @normed_patch_embed_c4(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %x = gemma.normed_patch_embed %p eps 0.0 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %at in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return
}

// -----
// expected-note @below {{@w is defined here}}
gemma.weight @w : tensor<4x7xf32> from <"m", 0, 112>
func.func @norm_project_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects proj of shape [4, 8] (result width, input width), got [4, 7]}}
  %y = gemma.norm_project %x eps 1.0e-6 proj @w : tensor<?x8xf32> -> tensor<?x4xf32>
  return
}

// -----
gemma.weight @w : tensor<4x8xf32> from <"m", 0, 128>
func.func @norm_project_c2(%x: tensor<2x8xf32>) {
  // expected-error @below {{expects result with 2 rows, as input has, got 3}}
  %y = gemma.norm_project %x eps 1.0e-6 proj @w : tensor<2x8xf32> -> tensor<3x4xf32>
  return
}

// -----
gemma.weight @w : tensor<4x8xf32> from <"m", 0, 128>
func.func @norm_project_c3(%x: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  %y = gemma.norm_project %x eps 0.0 proj @w : tensor<?x8xf32> -> tensor<?x4xf32>
  return
}

// -----
// expected-note @below {{@b is defined here}}
gemma.weight @b : tensor<4xf32> from <"m", 0, 16>
gemma.weight @w : tensor<8xf32> from <"m", 64, 32>
func.func @layer_norm_c3_bias(%x: tensor<?x8xf32>) {
  // expected-error @below {{expects bias of shape [8] (width / groups), got [4]}}
  %y = gemma.layer_norm %x, @w bias @b groups 1 eps 0.5 : tensor<?x8xf32>
  return
}

// -----
gemma.weight @a : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @b : tensor<6x8xf32> from <"m", 192, 192>
func.func @add_places_c2_alternating(%x: tensor<?x8xf32>, %at: tensor<?x2xi32>) {
  // expected-error @below {{expects one table of an even number of rows to alternate, got @a of 6 rows and @b}}
  %y = gemma.add_places %x, %at, @a, @b alternating : tensor<?x8xf32>, tensor<?x2xi32>
  return
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_layer_norm_c1_input max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, q8>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<2 x 64, q8>'}}
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 60 eps 1.0e-5
      : <2 x 64, q8> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_layer_norm_c1_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<4 x 64, f32>'}}
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 60 eps 1.0e-5
      : <2 x 64, f32> -> <4 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_layer_norm_c1_static max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, s8>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects a static scale for a result in s8}}
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 60 eps 1.0e-5
      : <2 x 64, f32> -> <2 x 64, s8>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.weight @w.narrow : tensor<32xf32> from <"m", 256, 128>
gemma.packed @narrow from [@w.narrow] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
gemma.function @step_layer_norm_c2_weight max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects weight}}
  gemma.step.layer_norm %x -> %y weight @narrow bias @vector count 60 eps 1.0e-5
      : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.weight @w.narrow : tensor<32xf32> from <"m", 256, 128>
gemma.packed @narrow from [@w.narrow] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
gemma.function @step_layer_norm_c2_bias max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects bias}}
  gemma.step.layer_norm %x -> %y weight @vector bias @narrow count 60 eps 1.0e-5
      : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_layer_norm_c3_zero max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{attribute 'count' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 0 eps 1.0e-5
      : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_layer_norm_c3_wide max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{expects count of at most 64 (the width), got 65}}
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 65 eps 1.0e-5
      : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_layer_norm_c4 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <2 x 64, f32>
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 60 eps 0.0
      : <2 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.a : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @a from [@w.a] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.packed @b from [@w.a] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_add_places_c2_alternating max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %at = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
  gemma.input "x" %x : <2 x 64, f32>
  gemma.input "places" %at : <2 x 32, i32>
  // expected-error @below {{expects one table to alternate, got @a and @b}}
  gemma.step.add_places %x, %at -> %x columns @a rows @b alternating
      : <2 x 64, f32>, <2 x 32, i32> -> <2 x 64, f32>
}
