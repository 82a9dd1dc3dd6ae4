// Level 2 of the vision tower: one case per constraint of a step, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

gemma.function @step_affine_c1_input max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, q8>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, q8>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<18 x 64, q8>'}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 48 : <18 x 64, q8> -> <18 x 64, f32>
}

// -----
gemma.function @step_affine_c1_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<2 x 64, f32>'}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 48 : <18 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_affine_c1_static max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, s8>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects a static scale for a result in s8}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 48 : <18 x 64, f32> -> <18 x 64, s8>
}

// -----
gemma.function @step_affine_c2_factor max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  gemma.step.affine %x -> %y by 0x7FF0000000000000 plus -1.0 count 48 : <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_affine_c2_offset max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{attribute 'offset' failed to satisfy constraint: 64-bit float attribute that is finite}}
  gemma.step.affine %x -> %y by 2.0 plus 0x7FF0000000000000 count 48 : <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_affine_c3_zero max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{attribute 'count' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 0 : <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_affine_c3_wide max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects count of at most 64 (the width), got 65}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 65 : <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_affine_c4_order max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{attribute 'within' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 48 within [1.0, -1.0] : <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_affine_c4_one max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{attribute 'within' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
  gemma.step.affine %x -> %y by 2.0 plus -1.0 count 48 within [1.0] : <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_add_places_c1_input max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, q8>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, q8>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects input in f32, got '!gemma.buffer<18 x 64, q8>'}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, q8>, <18 x 32, i32> -> <18 x 64, f32>
}

// -----
gemma.function @step_add_places_c1_result max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 96, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects result of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<18 x 96, f32>'}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, i32> -> <18 x 96, f32>
}

// -----
gemma.function @step_add_places_c1_places max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, f32>
  // expected-error @below {{expects places of type '!gemma.buffer<18 x 32, i32>', got '!gemma.buffer<18 x 32, f32>'}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_add_places_c1_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <2 x 32, i32>
  // expected-error @below {{expects places of type '!gemma.buffer<18 x 32, i32>', got '!gemma.buffer<2 x 32, i32>'}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <2 x 32, i32> -> <18 x 64, f32>
}

// -----
gemma.weight @w.columns : tensor<40x60xf32> from <"m", 0, 9600>
gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.function @step_add_places_c2_missing max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects rows to name a gemma.packed, got @rows, which is not in the module}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
}

// -----
gemma.weight @w.columns : tensor<40x60xf32> from <"m", 0, 9600>
gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.packed @rows from [@w.columns] as f32 table batch 1 rows 40 <40 -> 64> cols 64 <60 -> 64> bytes 10240
gemma.function @step_add_places_c2_layout max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects rows packed in panels, 64 cols, not interleaved, got @rows in layout table, 64 cols, not interleaved}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
}

// -----
gemma.weight @w.columns : tensor<40x60xf32> from <"m", 0, 9600>
gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.weight @w.rows : tensor<40x90xf32> from <"m", 16384, 14400>
gemma.packed @rows from [@w.rows] as f32 panels batch 1 rows 64 <40 -> 64> cols 96 <90 -> 96> bytes 24576
gemma.function @step_add_places_c2_width max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 96, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 96, f32>
  gemma.input "x" %x : <18 x 96, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects columns packed in panels, 96 cols, not interleaved, got @columns in layout panels, 64 cols, not interleaved}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 96, f32>, <18 x 32, i32> -> <18 x 96, f32>
}

// -----
gemma.weight @w.columns : tensor<40x60xf32> from <"m", 0, 9600>
gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.weight @w.rows : tensor<2x40x60xf32> from <"m", 16384, 19200>
gemma.packed @rows from [@w.rows] as f32 panels batch 2 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 32768
gemma.function @step_add_places_c2_batch max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects rows packed with batch 1, got 2}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
}

// -----
gemma.weight @w.columns : tensor<40x60xf32> from <"m", 0, 9600>
gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.weight @w.rows : tensor<20x60xf32> from <"m", 16384, 4800>
gemma.packed @rows from [@w.rows] as f32 panels batch 1 rows 32 <20 -> 32> cols 64 <60 -> 64> bytes 8192
gemma.function @step_add_places_c2_tables max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects tables of as many rows, got 64 and 32}}
  gemma.step.add_places %x, %places -> %y columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
}

// -----
gemma.function @step_rope_places_table_c1_places max_rows 2 {
  %places = gemma.buffer shared : !gemma.buffer<18 x 64, i32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  gemma.input "places" %places : <18 x 64, i32>
  // expected-error @below {{expects places of type '!gemma.buffer<18 x 32, i32>', got '!gemma.buffer<18 x 64, i32>'}}
  gemma.step.rope_places_table %places -> %t head_dim 20 theta 100.0 : <18 x 64, i32> -> <18 x 32, f32>
}

// -----
gemma.function @step_rope_places_table_c1_rows max_rows 2 {
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %t = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects places of type '!gemma.buffer<2 x 32, i32>', got '!gemma.buffer<18 x 32, i32>'}}
  gemma.step.rope_places_table %places -> %t head_dim 20 theta 100.0 : <18 x 32, i32> -> <2 x 32, f32>
}

// -----
gemma.function @step_rope_places_table_c1_width max_rows 2 {
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects result of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<18 x 32, f32>'}}
  gemma.step.rope_places_table %places -> %t head_dim 36 theta 100.0 : <18 x 32, i32> -> <18 x 32, f32>
}

// -----
gemma.function @step_rope_places_table_c2 max_rows 2 {
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{expects a head_dim that is a multiple of 4, got 22}}
  gemma.step.rope_places_table %places -> %t head_dim 22 theta 100.0 : <18 x 32, i32> -> <18 x 32, f32>
}

// -----
gemma.function @step_rope_places_table_c3 max_rows 2 {
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // expected-error @below {{attribute 'theta' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.rope_places_table %places -> %t head_dim 20 theta 0.0 : <18 x 32, i32> -> <18 x 32, f32>
}

// -----
gemma.weight @w.qkv : tensor<128x64xf32> from <"m", 0, 32768>
gemma.packed @qkv from [@w.qkv] as f32 table batch 1 rows 128 <16 -> 16> cols 64 <64 -> 64> bytes 32768
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.function @step_encoder_qkv_c1_layout max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects weight packed in panels, 64 cols, not interleaved, got @qkv in layout table, 64 cols, not interleaved}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.weight @w.qkv : tensor<128x64xf32> from <"m", 0, 32768>
gemma.packed @qkv from [@w.qkv] as f32 panels batch 1 rows 128 <16 -> 16> cols 64 <64 -> 64> bytes 32768
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.function @step_encoder_qkv_c1_activations max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, q8>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, q8>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects input in f32 for weights in f32, got '!gemma.buffer<18 x 64, q8>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, q8>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.weight @w.qkv : tensor<128x64xf32> from <"m", 0, 32768>
gemma.packed @qkv from [@w.qkv] as f32 panels batch 1 rows 128 <16 -> 16> cols 64 <64 -> 64> bytes 32768
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.function @step_encoder_qkv_c1_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 128, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects a weight of 192 rows (32 for each head), got 128}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 2 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 128, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c2_query max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<18 x 32, f32>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 32, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c2_raw max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<2 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects raw of type '!gemma.buffer<18 x 32, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <2 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c2_shared max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects raw to be private, got a shared buffer}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c2_table max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <2 x 32, f32>
  // expected-error @below {{expects rope_table of type '!gemma.buffer<18 x 32, f32>', got '!gemma.buffer<2 x 32, f32>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <2 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.weight @w.qkv : tensor<128x64xf32> from <"m", 0, 32768>
gemma.packed @qkv from [@w.qkv] as f32 panels batch 1 rows 128 <16 -> 16> cols 64 <64 -> 64> bytes 32768
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.weight @w.wide : tensor<64xf32> from <"m", 32768, 256>
gemma.packed @wide from [@w.wide] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <32 -> 32> bytes 256
gemma.function @step_encoder_qkv_c2_q_norm max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects q_norm to be a packed vector of 32 elements, got @wide of 64 in layout vector}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @wide k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.weight @w.qkv : tensor<128x64xf32> from <"m", 0, 32768>
gemma.packed @qkv from [@w.qkv] as f32 panels batch 1 rows 128 <16 -> 16> cols 64 <64 -> 64> bytes 32768
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.weight @w.wide : tensor<64xf32> from <"m", 32768, 256>
gemma.packed @wide from [@w.wide] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <32 -> 32> bytes 256
gemma.function @step_encoder_qkv_c2_k_norm max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects k_norm to be a packed vector of 32 elements, got @wide of 64 in layout vector}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @wide eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c3_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects memory of type '!gemma.buffer<32 x 64, f32>', got '!gemma.buffer<18 x 64, f32>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <18 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c3_words max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 32, i32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects memory of type '!gemma.buffer<32 x 64, i32>', got '!gemma.buffer<32 x 32, i32>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 32, i32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c3_width max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 32, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects memory of type '!gemma.buffer<32 x 64, f32>', got '!gemma.buffer<32 x 32, f32>'}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 32, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c4_eps max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{attribute 'eps' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 32
      q_norm @norm k_norm @norm eps 0.0
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_qkv_c4_heads max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %t = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "x" %x : <18 x 64, f32>
  gemma.input "t" %t : <18 x 32, f32>
  // expected-error @below {{expects heads to be a multiple of the 2 kv_heads, got 3}}
  gemma.step.encoder_qkv %x, @qkv, %t -> %query, %memory raw %raw heads 3 kv_heads 2 head_dim 32
      q_norm @norm k_norm @norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
}

// -----
gemma.function @step_encoder_attention_c1_query max_rows 2 {
  %query = gemma.buffer shared : !gemma.buffer<18 x 96, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "query" %query : <18 x 96, f32>
  gemma.input "memory" %memory : <32 x 64, f32>
  // expected-error @below {{expects query of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<18 x 96, f32>'}}
  gemma.step.encoder_attention %query, %memory -> %y heads 2 kv_heads 1 head_dim 32
      : <18 x 96, f32>, <32 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_encoder_attention_c1_result max_rows 2 {
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, q8>
  gemma.input "query" %query : <18 x 64, f32>
  gemma.input "memory" %memory : <32 x 64, f32>
  // expected-error @below {{expects result of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<18 x 64, q8>'}}
  gemma.step.encoder_attention %query, %memory -> %y heads 2 kv_heads 1 head_dim 32
      : <18 x 64, f32>, <32 x 64, f32> -> <18 x 64, q8>
}

// -----
gemma.function @step_encoder_attention_c2 max_rows 2 {
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "query" %query : <18 x 64, f32>
  gemma.input "memory" %memory : <18 x 64, f32>
  // expected-error @below {{expects memory of type '!gemma.buffer<32 x 64, f32>', got '!gemma.buffer<18 x 64, f32>'}}
  gemma.step.encoder_attention %query, %memory -> %y heads 2 kv_heads 1 head_dim 32
      : <18 x 64, f32>, <18 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_encoder_attention_c2_words max_rows 2 {
  %query = gemma.buffer shared : !gemma.buffer<34 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<48 x 64, i32>
  %y = gemma.buffer shared : !gemma.buffer<34 x 64, f32>
  gemma.input "query" %query : <34 x 64, f32>
  gemma.input "memory" %memory : <48 x 64, i32>
  // expected-error @below {{expects memory of type '!gemma.buffer<64 x 64, i32>', got '!gemma.buffer<48 x 64, i32>'}}
  gemma.step.encoder_attention %query, %memory -> %y heads 2 kv_heads 1 head_dim 32
      : <34 x 64, f32>, <48 x 64, i32> -> <34 x 64, f32>
}

// -----
gemma.function @step_encoder_attention_c3 max_rows 2 {
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  gemma.input "query" %query : <18 x 64, f32>
  gemma.input "memory" %memory : <32 x 64, f32>
  // expected-error @below {{expects heads to be a multiple of the 2 kv_heads, got 3}}
  gemma.step.encoder_attention %query, %memory -> %y heads 3 kv_heads 2 head_dim 32
      : <18 x 64, f32>, <32 x 64, f32> -> <18 x 64, f32>
}

// -----
gemma.function @step_pool_c1_rows max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<20 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <20 x 64, f32>
  // expected-error @below {{expects input of type '!gemma.buffer<18 x 64, f32>', got '!gemma.buffer<20 x 64, f32>'}}
  gemma.step.pool %x -> %y by 9 factor 0.25 : <20 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.function @step_pool_c1_width max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects input of type '!gemma.buffer<18 x 96, f32>', got '!gemma.buffer<18 x 64, f32>'}}
  gemma.step.pool %x -> %y by 9 factor 0.25 : <18 x 64, f32> -> <2 x 96, f32>
}

// -----
gemma.function @step_pool_c1_result max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects result in f32, got '!gemma.buffer<2 x 64, q8>'}}
  gemma.step.pool %x -> %y by 9 factor 0.25 : <18 x 64, f32> -> <2 x 64, q8>
}

// -----
gemma.function @step_pool_c2 max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{attribute 'factor' failed to satisfy constraint: 64-bit float attribute that is finite}}
  gemma.step.pool %x -> %y by 9 factor 0x7FF0000000000000 : <18 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<60xf32> from <"m", 0, 240>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256
gemma.function @step_pool_c3_alone max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects bias and scale together or not at all}}
  "gemma.step.pool"(%x, %y) <{count = 9 : i64, factor = 0.25 : f64, bias = @vector}>
      : (!gemma.buffer<18 x 64, f32>, !gemma.buffer<2 x 64, f32>) -> ()
}

// -----
gemma.weight @w.vector : tensor<60xf32> from <"m", 0, 240>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.function @step_pool_c3_bias max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects bias to be a packed vector of 64 elements, got @norm of 32 in layout vector}}
  gemma.step.pool %x -> %y by 9 factor 0.25 bias @norm scale @vector : <18 x 64, f32> -> <2 x 64, f32>
}

// -----
gemma.weight @w.vector : tensor<60xf32> from <"m", 0, 240>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256
gemma.weight @w.norm : tensor<32xf32> from <"m", 32768, 128>
gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <16 -> 16> bytes 128
gemma.function @step_pool_c3_scale max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "x" %x : <18 x 64, f32>
  // expected-error @below {{expects scale to be a packed vector of 64 elements, got @norm of 32 in layout vector}}
  gemma.step.pool %x -> %y by 9 factor 0.25 bias @vector scale @norm : <18 x 64, f32> -> <2 x 64, f32>
}
