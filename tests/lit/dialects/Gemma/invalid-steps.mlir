// Level 2: one case per constraint of a step, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

gemma.function @buffer_c1 max_rows 1 {
  // expected-error @below {{expects an offset that is a multiple of 64, got 32}}
  %x = gemma.buffer shared at 32 : !gemma.buffer<1 x 64, f32>
}

// -----
gemma.function @buffer_c1_negative max_rows 1 {
  // expected-error @below {{expects an offset that is a multiple of 64, got -64}}
  %x = gemma.buffer shared at -64 : !gemma.buffer<1 x 64, f32>
}

// -----
gemma.function @buffer_c2 max_rows 2 {
  // expected-error @below {{expects a block of at most 2 rows (max_rows of the function), got 3}}
  %x = gemma.buffer shared block 3 : !gemma.buffer<4 x 64, f32>
}

// -----
gemma.function @buffer_c3 max_rows 2 {
  // expected-error @below {{expects a ring of at least 4 rows, private and without a block}}
  %x = gemma.buffer shared ring 4 : !gemma.buffer<4 x 64, f32>
}

// -----
gemma.function @buffer_c3_rows max_rows 2 {
  // expected-error @below {{expects a ring of at least 4 rows, private and without a block}}
  %x = gemma.buffer private ring 3 : !gemma.buffer<4 x 64, f32>
}

// -----
gemma.function @step_embed_c1_element max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{expects result in f32, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.embed %x, @pt scale 1.0 replicated : <1 x 64, q8>
}

// -----
gemma.function @step_embed_c1_missing max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects table to name a gemma.packed, got @pt, which is not in the module}}
  gemma.step.embed %x, @pt scale 1.0 replicated : <1 x 64, f32>
}

// -----
gemma.weight @v : tensor<64xf32> from <"m", 0, 256>
gemma.packed @pv from [@v] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_embed_c1_layout max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects a table packed by row or in panels, batch 1, not interleaved, got @pv in layout vector, batch 1}}
  gemma.step.embed %x, @pv scale 1.0 replicated : <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pi from [@m] as f32 panels batch 1 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 16384
gemma.function @step_embed_c1_interleave max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects a table packed by row or in panels, batch 1, not interleaved, got @pi in layout panels, batch 1, interleaved}}
  gemma.step.embed %x, @pi scale 1.0 replicated : <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pt from [@m] as f32 table batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_embed_c1_width max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 96, f32>
  // expected-error @below {{expects a table of 96 cols (width of the result), got 64}}
  gemma.step.embed %x, @pt scale 1.0 replicated : <1 x 96, f32>
}

// -----
gemma.function @step_embed_c2 max_rows 1 {
  %soft = gemma.buffer shared : !gemma.buffer<1 x 96, f32>
  gemma.input "soft_tokens" %soft : <1 x 96, f32>
  %x = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects soft rows of the type of the result, '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 96, f32>'}}
  gemma.step.embed %x, @pt scale 1.0 soft %soft : <1 x 64, f32>, !gemma.buffer<1 x 96, f32>
}

// -----
gemma.function @step_rope_table_c1 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 96, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.rope_table %x head_dim 72 <theta = 100.0, pairs = 4, factor = 1.0> replicated : <1 x 64, f32>
}

// -----
gemma.function @step_rope_table_c2_pairs max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects at most 32 rope pairs (half the head size), got 33}}
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 33, factor = 1.0> replicated : <1 x 64, f32>
}

// -----
gemma.function @step_rope_table_c2_even max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects an even head size, got 63}}
  gemma.step.rope_table %x head_dim 63 <theta = 100.0, pairs = 4, factor = 1.0> replicated : <1 x 64, f32>
}

// -----
gemma.function @step_norm_c1_input max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 60 replicated : <1 x 64, q8> -> <1 x 64, f32>
}

// -----
gemma.function @step_norm_c1_result max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 96, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 96, f32>'}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 60 replicated : <1 x 64, f32> -> <1 x 96, f32>
}

// -----
gemma.function @step_norm_c1_i32 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, i32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 64, i32>'}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 60 replicated : <1 x 64, f32> -> <1 x 64, i32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_norm_c1_weight max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight to be a packed vector of 64 elements, got @pm of 64 in layout panels}}
  gemma.step.norm %x -> %y weight @pm factor 1.0 eps 0.5 count 60 replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_norm_c2 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects count of at most 64 (the width), got 65}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 65 replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_norm_c2_positive max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{attribute 'count' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 0 replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_norm_c3 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.0 count 60 replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_norm_c4_s8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  // expected-error @below {{expects a static scale for a result in s8}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 60 replicated : <1 x 64, f32> -> <1 x 64, s8>
}

// -----
gemma.function @step_norm_c4_q8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{expects no static scale for a result in q8}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 60 static 0.5 replicated : <1 x 64, f32> -> <1 x 64, q8>
}

// -----
gemma.function @step_norm_c4_zero max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  // expected-error @below {{attribute 'static_scale' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.norm %x -> %y weight @pv factor 1.0 eps 0.5 count 60 static 0.0 replicated : <1 x 64, f32> -> <1 x 64, s8>
}

// -----
gemma.function @step_norm_c5 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{attribute 'within' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
  gemma.step.norm %x -> %y factor 1.0 eps 0.5 count 60 within [0.5, 0.25] replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_add_norm_c1_branch max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 96, f32>
  // expected-error @below {{expects branch of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 96, f32>'}}
  gemma.step.add_norm %x, %y -> %x weight @pv layer_scale @ps eps 0.5 count 60 replicated
    : <1 x 64, f32>, <1 x 96, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_add_norm_c1_weight max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %y head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight to be a packed vector of 64 elements, got @ps of 32 in layout vector}}
  gemma.step.add_norm %x, %y -> %x weight @ps layer_scale @ps eps 0.5 count 60 replicated
    : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @v : tensor<64xf32> from <"m", 0, 256>
gemma.packed @pv from [@v] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_add_norm_c1_layer_scale max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %y head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects layer_scale to hold one element, got 'tensor<3xf32>'}}
  gemma.step.add_norm %x, %y -> %x weight @pv layer_scale @ps eps 0.5 count 60 replicated
    : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_add_norm_c2 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects count of at most 64 (the width), got 65}}
  gemma.step.add_norm %x, %y -> %x weight @pv layer_scale @ps eps 0.5 count 65 replicated
    : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_add_norm_c3 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.add_norm %x, %y -> %x weight @pv layer_scale @ps eps 0.0 count 60 replicated
    : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_quantize_c1_input max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, i32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<1 x 64, i32>'}}
  gemma.step.quantize %x -> %y replicated : <1 x 64, i32> -> <1 x 64, q8>
}

// -----
gemma.function @step_quantize_c1_result max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, q8>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_quantize_c3_s8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  // expected-error @below {{expects a static scale for a result in s8}}
  gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, s8>
}

// -----
gemma.function @step_quantize_c3_q8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{expects no static scale for a result in q8}}
  gemma.step.quantize %x -> %y static 0.5 replicated : <1 x 64, f32> -> <1 x 64, q8>
}

// -----
gemma.function @step_quantize_c3_width max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 96, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 96, f32>'}}
  gemma.step.quantize %x -> %y static 0.5 replicated : <1 x 64, f32> -> <1 x 96, f32>
}

// -----
gemma.weight @m : tensor<32x64xf32> from <"m", 0, 8192> input_activation_scale 0.5
gemma.packed @pm from [@m] as c8 panels batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 2176 input_scale 0.5
gemma.function @step_matmul_c3_q8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  %z = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, q8>
  // expected-error @+1 {{expects input in s8 for weights in c8 with an input_scale, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.matmul %y, @pm -> %z none : <1 x 64, q8> -> <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<32x64xf32> from <"m", 0, 8192>
gemma.packed @pm from [@m] as c8 panels batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 2176
gemma.function @step_matmul_c3_s8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  %z = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.quantize %x -> %y static 0.5 replicated : <1 x 64, f32> -> <1 x 64, s8>
  // expected-error @below {{expects input in q8 or q16 for weights in c8, got '!gemma.buffer<1 x 64, s8>'}}
  gemma.step.matmul %y, @pm -> %z none : <1 x 64, s8> -> <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<32x64xf32> from <"m", 0, 8192> input_activation_scale 0.5
gemma.packed @pm from [@m] as q12 panels batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 3200 input_scale 0.5
gemma.function @step_matmul_c3_q12 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  %z = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.quantize %x -> %y static 0.5 replicated : <1 x 64, f32> -> <1 x 64, s8>
  // expected-error @below {{expects no input_scale for weights in q12, which are multiplied with q16}}
  gemma.step.matmul %y, @pm -> %z none : <1 x 64, s8> -> <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<32x64xf32> from <"m", 0, 8192>
gemma.packed @pm from [@m] as q12 panels batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 3200
gemma.function @step_matmul_q12_q8 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  %z = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, q8>
  // expected-error @below {{expects input in q16 for weights in q12, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.matmul %y, @pm -> %z none : <1 x 64, q8> -> <1 x 32, f32>
}

// -----
gemma.function @step_quantize_c2 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{attribute 'within' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
  gemma.step.quantize %x -> %y within [-1.0, -0.25] replicated : <1 x 64, f32> -> <1 x 64, q8>
}

// -----
gemma.function @step_matmul_c1_result max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.matmul %x, @pm -> %y none : <1 x 64, f32> -> <1 x 64, q8>
}

// -----
gemma.function @step_matmul_c1_rows max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.matmul %x, @pm -> %y none : <1 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pt from [@m] as f32 table batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_matmul_c1_layout max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, not interleaved, got @pt in layout table, 64 cols, not interleaved}}
  gemma.step.matmul %x, @pt -> %y none : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @e : tensor<3x64x64xf32> from <"m", 0, 49152>
gemma.packed @pe from [@e] as f32 panels batch 3 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 49152
gemma.function @step_matmul_c1_batch max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight packed with batch 1, got 3}}
  gemma.step.matmul %x, @pe -> %y none : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_matmul_c1_width max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 96, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 96, f32>'}}
  gemma.step.matmul %x, @pm -> %y none : <1 x 64, f32> -> <1 x 96, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pq from [@m] as q8 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 4352
gemma.function @step_matmul_c1_activations max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects input in q8 or q16 for weights in q8, got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.matmul %x, @pq -> %y none : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_matmul_c1_quantized max_rows 1 {
  %a = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %x = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %a head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.quantize %a -> %x replicated : <1 x 64, f32> -> <1 x 64, q8>
  // expected-error @below {{expects input in f32 for weights in f32, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.matmul %x, @pm -> %y none : <1 x 64, q8> -> <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_matmul_c2_geglu max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, interleaved, got @pm in layout panels, 64 cols, not interleaved}}
  gemma.step.matmul %x, @pm -> %y geglu : <1 x 64, f32> -> <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pi from [@m] as f32 panels batch 1 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 16384
gemma.function @step_matmul_c2_interleave max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, not interleaved, got @pi in layout panels, 64 cols, interleaved}}
  gemma.step.matmul %x, @pi -> %y none : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_matmul_c2_factor max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects a factor if and only if the epilogue is gelu_mul}}
  gemma.step.matmul %x, @pm -> %y gelu_mul : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_matmul_c2_narrow max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %f = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects a factor at least as wide as the result, 64, got 32}}
  gemma.step.matmul %x, @pm -> %y gelu_mul factor %f : !gemma.buffer<1 x 32, f32> : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_matmul_c2_offset max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %f = gemma.buffer private : !gemma.buffer<1 x 96, f32>
  // expected-error @below {{expects factor_offset of at most 32 (width of the factor less that of the result), got 64}}
  gemma.step.matmul %x, @pm -> %y gelu_mul factor %f : !gemma.buffer<1 x 96, f32> factor_offset 64
    : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_matmul_c2_cap max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects a cap if and only if the epilogue is softcap}}
  gemma.step.matmul %x, @pm -> %y none cap 30.0 : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_matmul_c2_bound max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{attribute 'cap' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.matmul %x, @pm -> %y softcap cap 0.0 : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pi from [@m] as f32 panels batch 1 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 16384
gemma.function @step_qkv_c1_layout max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, not interleaved, got @pi in layout panels, 64 cols, interleaved}}
  gemma.step.qkv %x, @pi, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.weight @w.n : tensor<32xf32> from <"m", 0, 128>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
gemma.function @step_qkv_c1_rows max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{expects a weight of 128 rows (4 heads of query, keys and values x 32), got 64}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n k_norm @n eps 0.5
      cache @kv.0
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.weight @w.n : tensor<32xf32> from <"m", 0, 128>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
gemma.function @step_qkv_c1_shared_projection max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{expects a weight of 96 rows (3 heads of query, keys and values x 32), got 64}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n k_norm @n eps 0.5
      cache @kv.0 keys_are_values
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.function @step_qkv_c2_query max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 96, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 96, f32>'}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 96, f32>, <1 x 32, f32>
}

// -----
gemma.function @step_qkv_c2_raw max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects raw to be private, got a shared buffer}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.function @step_qkv_c2_rope_table max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects rope_table of type '!gemma.buffer<1 x 32, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.weight @v : tensor<64xf32> from <"m", 0, 256>
gemma.packed @pv from [@v] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_qkv_c2_norm max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{expects q_norm to be a packed vector of 32 elements, got @pv of 64 in layout vector}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @pv eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.function @step_qkv_c3_k_norm max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects k_norm and cache together or not at all}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n k_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.function @step_qkv_c3_keys_are_values max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects keys_are_values only with a cache}}
  "gemma.step.qkv"(%x, %r, %q, %raw)
    <{weight = @pm, heads = 2 : i64, head_dim = 32 : i64, q_norm = @n, keys_are_values, eps = 0.5 : f64}>
    : (!gemma.buffer<1 x 64, f32>, !gemma.buffer<1 x 32, f32>, !gemma.buffer<1 x 64, f32>, !gemma.buffer<1 x 32, f32>)
    -> ()
}

// -----
gemma.function @step_qkv_c3_raw_values max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects raw_values only with a cache}}
  "gemma.step.qkv"(%x, %r, %q, %raw)
    <{weight = @pm, heads = 2 : i64, head_dim = 32 : i64, q_norm = @n, raw_values, eps = 0.5 : f64}>
    : (!gemma.buffer<1 x 64, f32>, !gemma.buffer<1 x 32, f32>, !gemma.buffer<1 x 64, f32>, !gemma.buffer<1 x 32, f32>)
    -> ()
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
gemma.function @step_qkv_c3_head_dim max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{expects head_dim 64, that of @kv.0, got 32}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n k_norm @n eps 0.5
      cache @kv.0
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<256x64xf32> from <"m", 0, 65536>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 256 <64 -> 64> cols 64 <64 -> 64> bytes 65536
gemma.weight @w.n : tensor<64xf32> from <"m", 0, 256>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 3072 at 0 turned_pairs 8
gemma.function @step_qkv_c5 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 128, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 64 <theta = 100.0, pairs = 8, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects keys_are_values without raw_values, since @kv.0 has turned_pairs}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 64
      q_norm @n k_norm @n eps 0.5
      cache @kv.0
      : <1 x 64, f32>, <1 x 64, f32> -> <1 x 128, f32>, <1 x 64, f32>
}

// -----
gemma.function @step_qkv_c4 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.qkv %x, @pm, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.0
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.function @step_attention_c1_element max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects query in f32, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.attention %q, @kv.0 -> %y heads 2 : <1 x 64, q8> -> <1 x 64, f32>
}

// -----
gemma.function @step_attention_c1_result max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 32, f32>'}}
  gemma.step.attention %q, @kv.0 -> %y heads 2 : <1 x 64, f32> -> <1 x 32, f32>
}

// -----
gemma.kv_cache @kv.0 heads 3 head_dim 32 window 0
gemma.function @step_attention_c1_heads max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects heads to be a multiple of the 3 heads of @kv.0, got 2}}
  gemma.step.attention %q, @kv.0 -> %y heads 2 : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
gemma.function @step_attention_c1_width max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<1 x 128, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.attention %q, @kv.0 -> %y heads 2 : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 3072 at 0 turned_pairs 8
gemma.function @step_attention_c2_missing max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects a key_norm, since @kv.0 has turned_pairs}}
  gemma.step.attention %q, @kv.0 -> %y heads 1 : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 4096 at 0
gemma.function @step_attention_c3 max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects a cache with a window, since it has blocks, got @kv.0 without one}}
  gemma.step.attention %q, @kv.0 -> %y heads 1 blocks : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @w.n : tensor<64xf32> from <"m", 0, 256>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 4096 at 0
gemma.function @step_attention_c2_needless max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects no key_norm, since @kv.0 has no turned_pairs}}
  gemma.step.attention %q, @kv.0 -> %y heads 1 key_norm @n : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @w.n : tensor<32xf32> from <"m", 0, 128>
gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 3072 at 0 turned_pairs 8
gemma.function @step_attention_c2_width max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects key_norm to be a packed vector of 64 elements, got @n of 32 in layout vector}}
  gemma.step.attention %q, @kv.0 -> %y heads 1 key_norm @n : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 3072 at 0 turned_pairs 8
gemma.function @step_attention_splits_c3 max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 96, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects a key_norm, since @kv.0 has turned_pairs}}
  gemma.step.attention_splits %q, @kv.0 -> %y heads 1 : <1 x 64, f32> -> <1 x 96, f32>
}

// -----
gemma.function @step_attention_splits_c1_rows max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<2 x 64, f32>
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 : <2 x 64, f32> -> <2 x 96, f32>
}

// -----
gemma.kv_cache @kv.0 heads 3 head_dim 32 window 0
gemma.function @step_attention_splits_c1_heads max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects heads to be a multiple of the 3 heads of @kv.0, got 2}}
  gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
gemma.function @step_attention_splits_c1_width max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<1 x 128, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
gemma.function @step_attention_splits_c2_planned max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects @kv.0 to be planned: its capacity tells how many splits there are}}
  gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
}

// -----
// 256 positions are 2 splits; a window of 130 positions may touch 3.
gemma.kv_cache @kv.0 heads 1 head_dim 32 window 130
  as f16 capacity 256 bytes 32768 at 0
gemma.function @step_attention_splits_c2_parts max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects parts of type '!gemma.buffer<3 x 96, f32>', got '!gemma.buffer<2 x 96, f32>'}}
  gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
}

// -----
gemma.function @step_attention_merge_c1_rows max_rows 1 {
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  %y = gemma.buffer private : !gemma.buffer<2 x 64, q8>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, q8>', got '!gemma.buffer<2 x 64, q8>'}}
  gemma.step.attention_merge %parts, @kv.0 -> %y heads 2 replicated : <2 x 96, f32> -> <2 x 64, q8>
}

// -----
gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
  as f16 capacity 256 bytes 32768 at 0
gemma.function @step_attention_merge_c1_parts max_rows 1 {
  %q = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %q head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects parts of type '!gemma.buffer<2 x 96, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.attention_merge %q, @kv.0 -> %y heads 2 replicated : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_attention_merge_c2_s8 max_rows 1 {
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  // expected-error @below {{expects a static scale for a result in s8}}
  gemma.step.attention_merge %parts, @kv.0 -> %y heads 2 replicated : <2 x 96, f32> -> <1 x 64, s8>
}

// -----
gemma.function @step_attention_merge_c2_q8 max_rows 1 {
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{expects no static scale for a result in q8}}
  gemma.step.attention_merge %parts, @kv.0 -> %y heads 2 static 0.5 replicated : <2 x 96, f32> -> <1 x 64, q8>
}

// -----
gemma.function @step_ple_combine_c1_result max_rows 1 {
  %c = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 32, f32>'}}
  gemma.step.ple_combine %c -> %y context_scale 0.25
      norm @n groups 2 count 30 eps 0.5
      + @pt token_scale 2.0 result_scale 0.5 replicated
      : <1 x 64, f32> -> <1 x 32, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.function @step_ple_combine_c1_table max_rows 1 {
  %c = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %c head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects a table packed by row with 64 cols, got @pm in layout panels with 64}}
  gemma.step.ple_combine %c -> %y context_scale 0.25
      norm @n groups 2 count 30 eps 0.5
      + @pm token_scale 2.0 result_scale 0.5 replicated
      : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pt from [@m] as f32 table batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.weight @v : tensor<64xf32> from <"m", 0, 256>
gemma.packed @pv from [@v] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_ple_combine_c1_norm max_rows 1 {
  %c = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %c head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects norm to be a packed vector of 32 elements, got @pv of 64 in layout vector}}
  gemma.step.ple_combine %c -> %y context_scale 0.25
      norm @pv groups 2 count 30 eps 0.5
      + @pt token_scale 2.0 result_scale 0.5 replicated
      : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_ple_combine_c2_groups max_rows 1 {
  %c = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects groups to divide the width 64, got 3}}
  gemma.step.ple_combine %c -> %y context_scale 0.25
      norm @n groups 3 count 30 eps 0.5
      + @pt token_scale 2.0 result_scale 0.5 replicated
      : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_ple_combine_c2_count max_rows 1 {
  %c = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects count of at most 32 (the width of a group), got 33}}
  gemma.step.ple_combine %c -> %y context_scale 0.25
      norm @n groups 2 count 33 eps 0.5
      + @pt token_scale 2.0 result_scale 0.5 replicated
      : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_ple_combine_c3 max_rows 1 {
  %c = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @+1 {{attribute 'result_scale' failed to satisfy constraint: 64-bit float attribute that is finite}}
  gemma.step.ple_combine %c -> %y context_scale 0.25
      norm @n groups 2 count 30 eps 0.5
      + @pt token_scale 2.0 result_scale 0x7FF0000000000000 replicated
      : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_route_c1_scores max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects scores of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 32, f32>'}}
  gemma.step.route %s -> %p, %w experts 33 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
}

// -----
gemma.function @step_route_c1_picks max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects picks of type '!gemma.buffer<1 x 32, i32>', got '!gemma.buffer<1 x 32, f32>'}}
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, f32>, <1 x 32, f32>
}

// -----
gemma.weight @v : tensor<64xf32> from <"m", 0, 256>
gemma.packed @pv from [@v] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.function @step_route_c1_scale max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{expects per_expert_scale to be a packed vector of 32 elements, got @pv of 64 in layout vector}}
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @pv replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
}

// -----
gemma.function @step_route_c2 max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects top_k of at most 3 (the experts), got 4}}
  gemma.step.route %s -> %p, %w experts 3 top_k 4 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
}

// -----
gemma.weight @e : tensor<3x64x64xf32> from <"m", 0, 49152>
gemma.packed @pe from [@e] as f32 panels batch 3 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 49152
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_up_c1_layout max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %h = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, interleaved, got @pe in layout panels, 64 cols, not interleaved}}
  gemma.step.expert_up %x, @pe picks %p -> %h top_k 2 : <1 x 64, f32>, <1 x 32, i32> -> <2 x 32, f32>
}

// -----
gemma.function @step_expert_up_c1_rows max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %h = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 32, f32>', got '!gemma.buffer<1 x 32, f32>'}}
  gemma.step.expert_up %x, @pei picks %p -> %h top_k 2 : <1 x 64, f32>, <1 x 32, i32> -> <1 x 32, f32>
}

// -----
gemma.weight @e : tensor<3x64x64xf32> from <"m", 0, 49152>
gemma.packed @pei from [@e] as f32 panels batch 3 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 49152
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_up_c1_width max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %h = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<2 x 32, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.expert_up %x, @pei picks %p -> %h top_k 2 : <1 x 64, f32>, <1 x 32, i32> -> <2 x 64, f32>
}

// -----
gemma.weight @e : tensor<3x64x64xf32> from <"m", 0, 49152>
gemma.packed @pei from [@e] as f32 panels batch 3 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 49152
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_up_c1_activations max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %z = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %h = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  gemma.step.rope_table %z head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  %x = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  gemma.step.quantize %z -> %x replicated : <1 x 64, f32> -> <1 x 64, q8>
  // expected-error @below {{expects input in f32 for weights in f32, got '!gemma.buffer<1 x 64, q8>'}}
  gemma.step.expert_up %x, @pei picks %p -> %h top_k 2 : <1 x 64, q8>, <1 x 32, i32> -> <2 x 32, f32>
}

// -----
gemma.function @step_expert_up_c2_picks max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 64, i32>
  %h = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // expected-error @below {{expects picks of type '!gemma.buffer<1 x 32, i32>', got '!gemma.buffer<1 x 64, i32>'}}
  gemma.step.expert_up %x, @pei picks %p -> %h top_k 2 : <1 x 64, f32>, <1 x 64, i32> -> <2 x 32, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pi from [@m] as f32 panels batch 1 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 16384
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_up_c2_top_k max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %h = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // expected-error @below {{expects top_k of at most 1 (the experts, batch of the weight), got 2}}
  gemma.step.expert_up %x, @pi picks %p -> %h top_k 2 : <1 x 64, f32>, <1 x 32, i32> -> <2 x 32, f32>
}

// -----
gemma.weight @e : tensor<3x64x64xf32> from <"m", 0, 49152>
gemma.packed @pei from [@e] as f32 panels batch 3 interleave rows 64 <32 -> 32> cols 64 <64 -> 64> bytes 49152
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_down_c1_layout max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %h = gemma.buffer private : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %h head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <2 x 64, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, not interleaved, got @pei in layout panels, 64 cols, interleaved}}
  gemma.step.expert_down %h, @pei picks %p, %w -> %y top_k 2
    : <2 x 64, f32>, <1 x 32, i32>, <1 x 32, f32> -> <1 x 64, f32>
}

// -----
gemma.function @step_expert_down_c1_rows max_rows 1 {
  %h = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects input of type '!gemma.buffer<2 x 64, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.expert_down %h, @pe picks %p, %w -> %y top_k 2
    : <1 x 64, f32>, <1 x 32, i32>, <1 x 32, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @e : tensor<3x64x64xf32> from <"m", 0, 49152>
gemma.packed @pe from [@e] as f32 panels batch 3 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 49152
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_down_c1_width max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %h = gemma.buffer private : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %h head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <2 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<1 x 64, f32>', got '!gemma.buffer<1 x 32, f32>'}}
  gemma.step.expert_down %h, @pe picks %p, %w -> %y top_k 2
    : <2 x 64, f32>, <1 x 32, i32>, <1 x 32, f32> -> <1 x 32, f32>
}

// -----
gemma.function @step_expert_down_c2_weights max_rows 1 {
  %h = gemma.buffer private : !gemma.buffer<2 x 64, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects weights of type '!gemma.buffer<1 x 32, f32>', got '!gemma.buffer<1 x 64, f32>'}}
  gemma.step.expert_down %h, @pe picks %p, %w -> %y top_k 2
    : <2 x 64, f32>, <1 x 32, i32>, <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.weight @m : tensor<64x64xf32> from <"m", 0, 16384>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
gemma.packed @ps from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.function @step_expert_down_c2_top_k max_rows 1 {
  %s = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %p = gemma.buffer private : !gemma.buffer<1 x 32, i32>
  %w = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  gemma.step.rope_table %s head_dim 32 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.route %s -> %p, %w experts 3 top_k 2 scale @ps replicated : <1 x 32, f32> -> <1 x 32, i32>, <1 x 32, f32>
  %h = gemma.buffer private : !gemma.buffer<2 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %h head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <2 x 64, f32>
  // expected-error @below {{expects top_k of at most 1 (the experts, batch of the weight), got 2}}
  gemma.step.expert_down %h, @pm picks %p, %w -> %y top_k 2
    : <2 x 64, f32>, <1 x 32, i32>, <1 x 32, f32> -> <1 x 64, f32>
}

// -----
// expected-error @below {{expects parent op 'gemma.function'}}
gemma.barrier

// -----
gemma.function @step_observe_c1_element max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<2 x 64, q8>'}}
  gemma.step.observe %x, @pm at 0 : <2 x 64, q8>
}

// -----
gemma.weight @m : tensor<64x32xf32> from <"m", 0, 8192>
gemma.packed @pm from [@m] as f32 panels batch 1 rows 64 <64 -> 64> cols 32 <32 -> 32> bytes 8192
gemma.function @step_observe_c1_width max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> : <2 x 64, f32>
  gemma.barrier
  // expected-error @below {{expects weight packed in panels with 64 cols (width of the input), got @pm in layout panels with 32}}
  gemma.step.observe %x, @pm at 0 : <2 x 64, f32>
}

// -----
gemma.function @step_observe_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{expects picks and top_k together or not at all}}
  gemma.step.observe %x, @pm at 0 {top_k = 2 : i64} : <4 x 64, f32>
}

// -----
gemma.function @step_observe_c2_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<5 x 64, f32>
  %p = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
  // expected-error @below {{expects top_k to divide the 5 rows of the input, got 2}}
  gemma.step.observe %x, @pm picks %p top_k 2 at 0 : <5 x 64, f32>, !gemma.buffer<2 x 32, i32>
}

// -----
gemma.function @step_observe_c2_picks max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %p = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  // expected-error @below {{expects picks of type '!gemma.buffer<2 x 32, i32>', got '!gemma.buffer<4 x 32, i32>'}}
  gemma.step.observe %x, @pm picks %p top_k 2 at 0 : <4 x 64, f32>, !gemma.buffer<4 x 32, i32>
}

// -----
gemma.function @step_observe_c3 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // expected-error @below {{expects an offset that is a multiple of 64, got 32}}
  gemma.step.observe %x, @pm at 32 : <2 x 64, f32>
}
