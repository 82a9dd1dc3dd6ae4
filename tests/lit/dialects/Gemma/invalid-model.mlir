// Symbols: one case per constraint, and one per way in which to break it.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expects elements f32, f16 or bf16, got 'f64'}}
gemma.weight @weight_c1_element : tensor<4x8xf64> from <"m", 0, 256>

// -----
// expected-error @below {{expects a static shape without empty dimensions, got 'tensor<?x8xf32>'}}
gemma.weight @weight_c1_dynamic : tensor<?x8xf32> from <"m", 0, 256>

// -----
// expected-error @below {{expects a static shape without empty dimensions, got 'tensor<0x8xf32>'}}
gemma.weight @weight_c1_empty : tensor<0x8xf32> from <"m", 0, 256>

// -----
// expected-error @below {{expects a source of 64 bytes ('tensor<4x8xbf16>' as bf16), got 128}}
gemma.weight @weight_c2 : tensor<4x8xbf16> from <"m", 0, 128>

// -----
// expected-error @below {{expects a source of 144 bytes ('tensor<4x64xf32>' as q4_0), got 1024}}
gemma.weight @weight_c2_blocks : tensor<4x64xf32> from <"m", 0, 1024> encoded q4_0

// -----
// expected-error @below {{expects an encoding of blocks, got bf16, which is an element type}}
gemma.weight @weight_c3_plain : tensor<4x8xbf16> from <"m", 0, 64> encoded bf16

// -----
// expected-error @below {{expects elements f32, which q4_0 decodes to, got 'bf16'}}
gemma.weight @weight_c3_element : tensor<4x32xbf16> from <"m", 0, 72> encoded q4_0

// -----
// expected-error @below {{expects a last dimension of whole blocks of 256 (q6_k), got 128}}
gemma.weight @weight_c3_blocks : tensor<4x128xf32> from <"m", 0, 420> encoded q6_k

// -----
// expected-error @below {{'q5_2' is no encoding}}
gemma.weight @weight_encoding : tensor<4x32xf32> from <"m", 0, 88> encoded q5_2

// -----
// expected-error @below {{expects scales, since int4 is an encoding of integers}}
gemma.weight @weight_c4_none : tensor<4x64xf32> from <"m", 0, 128> encoded int4

// -----
// expected-error @below {{expects no scales, since q4_0 has none of its own}}
gemma.weight @weight_c4_own : tensor<4x64xf32> from <"m", 0, 144> encoded q4_0 scaled <"m", 144, 16, bf16 per 32>

// -----
// expected-error @below {{expects columns that share a scale to divide the last dimension 64, got 48}}
gemma.weight @weight_c4_columns : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 128, 16, bf16 per 48>

// -----
// expected-error @below {{expects scales of 16 bytes, got 8}}
gemma.weight @weight_c4_bytes : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 128, 8, bf16 per 32>

// -----
// expected-error @below {{expects either a source or pieces, got neither}}
gemma.weight @weight_c5_neither : tensor<4x64xf32>

// -----
gemma.weight @piece : tensor<4x64xf32> from <"m", 0, 1024>
// expected-error @below {{expects either a source or pieces, got both}}
gemma.weight @weight_c5_both : tensor<4x64xf32> from <"m", 0, 1024> stacked [@piece]

// -----
gemma.weight @piece : tensor<4x64xf32> from <"m", 0, 1024>
// expected-error @below {{expects encoding and scales at the pieces, not at what is stacked from them}}
gemma.weight @weight_c5_encoding : tensor<4x64xf32> stacked [@piece] encoded q4_0

// -----
// expected-error @below {{expects piece to name a gemma.weight, got @missing, which is not in the module}}
gemma.weight @weight_c6_missing : tensor<4x64xf32> stacked [@missing]

// -----
gemma.weight @piece : tensor<64xf32> from <"m", 0, 256>
// expected-error @below {{expects piece @piece of rank 2 with a source, got 'tensor<64xf32>'}}
gemma.weight @weight_c6_rank : tensor<4x64xf32> stacked [@piece]

// -----
gemma.weight @piece : tensor<4x64xf32> from <"m", 0, 1024>
gemma.weight @stack : tensor<4x64xf32> stacked [@piece]
// expected-error @below {{expects piece @stack of rank 2 with a source, got 'tensor<4x64xf32>', stacked itself}}
gemma.weight @weight_c6_stacked : tensor<4x64xf32> stacked [@stack]

// -----
gemma.weight @a : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 128, 16, bf16 per 32>
gemma.weight @b : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 128, 8, bf16 per 64>
// expected-error @below {{expects pieces of one type, encoding and kind of scales, got @b unlike '@a'}}
gemma.weight @weight_c6_kind : tensor<2x4x64xf32> stacked [@a, @b]

// -----
gemma.weight @a : tensor<4x64xf32> from <"m", 0, 1024>
// expected-error @below {{expects pieces that make up 'tensor<2x4x64xf32>', got 256 elements in rows of 64}}
gemma.weight @weight_c6_elements : tensor<2x4x64xf32> stacked [@a]

// -----
// expected-error @below {{expects an offset that is not negative, got -1}}
gemma.weight @scales_attr_c1 : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", -1, 16, bf16 per 32>

// -----
// expected-error @below {{expects a positive number of bytes, got 0}}
gemma.weight @scales_attr_c2 : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 0, 0, bf16 per 32>

// -----
// expected-error @below {{expects scales of type f32, f16 or bf16, got q4_0}}
gemma.weight @scales_attr_c3 : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 0, 16, q4_0 per 32>

// -----
// expected-error @below {{expects a positive number of columns that share a scale, got 0}}
gemma.weight @scales_attr_c4 : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 0, 16, bf16 per 0>

// -----
// expected-error @below {{expects an addend only on a vector with a source, got 'tensor<4x8xf32>'}}
gemma.weight @weight_c7_matrix : tensor<4x8xf32> from <"m", 0, 128> addend 1.0

// -----
// expected-error @below {{attribute 'addend' failed to satisfy constraint: 64-bit float attribute that is finite}}
gemma.weight @weight_c7_finite : tensor<8xf32> from <"m", 0, 32> addend 0x7FF0000000000000

// -----
// expected-error @below {{attribute 'input_activation_scale' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
gemma.weight @weight_c8_zero : tensor<4x8xf32> from <"m", 0, 128> input_activation_scale 0.0

// -----
// expected-error @below {{attribute 'output_activation_scale' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
gemma.weight @weight_c8_sign : tensor<4x8xf32> from <"m", 0, 128> output_activation_scale -0.5

// -----
// expected-error @below {{expects activation scales only on a weight of rank 2, got 'tensor<8xf32>'}}
gemma.weight @weight_c8_rank : tensor<8xf32> from <"m", 0, 32> output_activation_scale 0.5

// -----
// expected-error @below {{attribute 'reads' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
gemma.weight @weight_c9_order : tensor<4x8xf32> from <"m", 0, 128> reads [1.0, -1.0]

// -----
// expected-error @below {{attribute 'gives' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
gemma.weight @weight_c9_finite : tensor<4x8xf32> from <"m", 0, 128> gives [-1.0, 0x7FF0000000000000]

// -----
// expected-error @below {{attribute 'gives' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
gemma.weight @weight_c9_count : tensor<4x8xf32> from <"m", 0, 128> gives [-1.0, 0.0, 1.0]

// -----
// expected-error @below {{expects bounds only on a weight of rank 2 without activation scales, got 'tensor<8xf32>'}}
gemma.weight @weight_c9_rank : tensor<8xf32> from <"m", 0, 32> reads [-1.0, 1.0]

// -----
// expected-error @below {{expects bounds only on a weight of rank 2 without activation scales, got 'tensor<4x8xf32>'}}
gemma.weight @weight_c9_scale : tensor<4x8xf32> from <"m", 0, 128> input_activation_scale 0.5 gives [-1.0, 1.0]

// -----
// expected-error @below {{expects softplus only on a vector with a source and without an addend, got 'tensor<4x8xf32>'}}
gemma.weight @weight_c10_matrix : tensor<4x8xf32> from <"m", 0, 128> softplus

// -----
// expected-error @below {{expects softplus only on a vector with a source and without an addend, got 'tensor<8xf32>'}}
gemma.weight @weight_c10_addend : tensor<8xf32> from <"m", 0, 32> addend 1.0 softplus

// -----
// expected-error @below {{expects planes that divide the last dimension 8, got 3}}
gemma.weight @weight_c11_size : tensor<4x8xf32> from <"m", 0, 128> planes 3

// -----
// expected-error @below {{attribute 'planes' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
gemma.weight @weight_c11_zero : tensor<4x8xf32> from <"m", 0, 128> planes 0

// -----
// expected-error @below {{expects planes only beside a source without scales}}
gemma.weight @weight_c11_scales : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 128, 16, bf16 per 32>
    planes 2

// -----
// expected-error @below {{expects row_planes that divide the rows of a weight of rank 2, got 3 and 'tensor<4x8xf32>'}}
gemma.weight @weight_c12_size : tensor<4x8xf32> from <"m", 0, 128> row_planes 3

// -----
// expected-error @below {{expects row_planes that divide the rows of a weight of rank 2, got 2 and 'tensor<8xf32>'}}
gemma.weight @weight_c12_rank : tensor<8xf32> from <"m", 0, 32> row_planes 2

// -----
// expected-error-re @below {{attribute 'row_planes' failed to satisfy constraint: {{.*}} whose value is positive}}
gemma.weight @weight_c12_zero : tensor<4x8xf32> from <"m", 0, 128> row_planes 0

// -----
// expected-error @below {{expects row_planes only beside a source without scales}}
gemma.weight @weight_c12_scales : tensor<4x64xf32> from <"m", 0, 128> encoded int4 scaled <"m", 128, 16, bf16 per 32>
    row_planes 2

// -----
// expected-error @below {{expects positive heads and a positive even head_dim, got 1 and 7}}
gemma.kv_cache @kv_cache_c1_head_dim heads 1 head_dim 7 window 0

// -----
// expected-error @below {{expects positive heads and a positive even head_dim, got 0 and 8}}
gemma.kv_cache @kv_cache_c1_heads heads 0 head_dim 8 window 0

// -----
// expected-error @below {{expects a window that is not negative, got -1}}
gemma.kv_cache @kv_cache_c1_window heads 1 head_dim 8 window -1

// -----
// expected-error @below {{expects format, capacity, offset and bytes together: the plan stage sets all four}}
gemma.kv_cache @kv_cache_c2_partial heads 1 head_dim 8 window 0 capacity 32

// -----
// expected-error @below {{expects format f32, f16, q8 or q4, got q6}}
gemma.kv_cache @kv_cache_c2_format heads 1 head_dim 8 window 0
  as q6 capacity 16 bytes 1024 at 0

// -----
// expected-error @below {{expects a capacity that is a positive multiple of 16, got 24}}
gemma.kv_cache @kv_cache_c2_capacity heads 1 head_dim 8 window 0
  as f16 capacity 24 bytes 1024 at 0

// -----
// expected-error @below {{expects an offset that is a multiple of 64, got 32}}
gemma.kv_cache @kv_cache_c2_offset heads 1 head_dim 8 window 0
  as f16 capacity 16 bytes 2048 at 32

// -----
// expected-error @+1 {{expects 2048 bytes (keys and values of 1 heads x 16 positions x 32 padded elements), got 512}}
gemma.kv_cache @kv_cache_c2_bytes heads 1 head_dim 8 window 0
  as f16 capacity 16 bytes 512 at 0

// -----
// expected-error @below {{expects only a planned cache to be rotated or to have turned_pairs or exponents, got one without a format}}
gemma.kv_cache @kv_cache_c3 heads 1 head_dim 8 window 0 rotated

// -----
// expected-error @below {{expects only a planned cache to be rotated or to have turned_pairs or exponents, got one without a format}}
gemma.kv_cache @kv_cache_c3_pairs heads 1 head_dim 64 window 0 turned_pairs 8

// -----
// expected-error @below {{expects only a planned cache to be rotated or to have turned_pairs or exponents, got one without a format}}
gemma.kv_cache @kv_cache_c3_exponent heads 1 head_dim 64 window 0 value_exponent 2

// -----
// expected-error @below {{attribute 'value_bound' failed to satisfy constraint}}
gemma.kv_cache @kv_cache_c5 heads 1 head_dim 64 window 0 value_bound -1.0

// -----
// expected-error @below {{expects exponents between -100 and 100, got 101}}
gemma.kv_cache @kv_cache_c6 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 4096 at 0 key_exponent 101

// -----
// expected-error @below {{expects turned_pairs above 0 and below 32 (half of head_dim), got 32}}
gemma.kv_cache @kv_cache_c4_all heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 4096 at 0 turned_pairs 32

// -----
// expected-error @below {{expects turned_pairs above 0 and below 32 (half of head_dim), got 0}}
gemma.kv_cache @kv_cache_c4_none heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 4096 at 0 turned_pairs 0

// -----
// expected-error @below {{expects 3072 bytes (keys and values of 1 heads x 16 positions x 64 padded elements, of keys 32), got 4096}}
gemma.kv_cache @kv_cache_c2_turned heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 4096 at 0 turned_pairs 8

// -----
// expected-error @below {{expects source to name a gemma.weight, got @missing, which is not in the module}}
gemma.packed @packed_c1_missing from [@missing] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096

// -----
// expected-note @below {{defined here}}
gemma.kv_cache @kv.0 heads 1 head_dim 8 window 0
// expected-error @below {{expects source to name a gemma.weight, got @kv.0, a gemma.kv_cache}}
gemma.packed @packed_c1_kind from [@kv.0] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096

// -----
// expected-error @below {{expects at least one source, got 0}}
gemma.packed @packed_c1_none from [] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{expects source @w of rank 1 and batch 1, got 'tensor<32x32xf32>'}}
gemma.packed @packed_c1_rank from [@w] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128

// -----
gemma.weight @w : tensor<2x32x32xf32> from <"m", 0, 8192>
// expected-error @below {{expects source @w of rank 3 and batch 3, got 'tensor<2x32x32xf32>'}}
gemma.packed @packed_c1_batch from [@w] as f32 panels batch 3 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 12288

// -----
// expected-error @below {{expects batch 1 in a table, got 2}}
gemma.packed @packed_c1_batched_table from [@w] as f32 table batch 2 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 8192

// -----
gemma.weight @a : tensor<32x32xf32> from <"m", 0, 4096>
gemma.weight @b : tensor<32x64xf32> from <"m", 4096, 8192>
// expected-error @below {{expects source @b with 32 columns, as the first has, got 64}}
gemma.packed @packed_c1_columns from [@a, @b] as f32 panels batch 1 rows 64 <32 -> 32> cols 32 <32 -> 32> bytes 8192

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{expects rows 32 and cols 32 (sources padded by their axes), got 64 and 32}}
gemma.packed @packed_c2_rows from [@w] as f32 panels batch 1 rows 64 <32 -> 32> cols 32 <32 -> 32> bytes 8192

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{expects the block of row_axis to divide the source's 32 elements, got 24}}
gemma.packed @packed_c2_block from [@w] as f32 panels batch 1 rows 32 <24 -> 32> cols 32 <32 -> 32> bytes 4096

// -----
// expected-error @below {{expects cols that are a positive multiple of 32, got 48}}
gemma.packed @packed_c2_cols from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 48 <48 -> 48> bytes 6144

// -----
// expected-error @below {{expects rows that are a positive multiple of 32, got 16}}
gemma.packed @packed_c2_padding from [@w] as f32 panels batch 1 rows 16 <16 -> 16> cols 32 <32 -> 32> bytes 2048

// -----
// expected-error @below {{expects 640 bytes (1 x 32 x 32 in q4 panels), got 512}}
gemma.packed @packed_c3 from [@w] as q4 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 512

// -----
// expected-error @below {{expects a vector in f32, got f16}}
gemma.packed @packed_c3_vector from [@w] as f16 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128

// -----
gemma.weight @w : tensor<33x32xf32> from <"m", 0, 4224>
// expected-error @below {{expects two sources of one shape to interleave, or one with an even number of rows, got 1 source of type 'tensor<33x32xf32>'}}
gemma.packed @packed_c4_odd from [@w] as f32 panels batch 1 interleave rows 64 <33 -> 48> cols 32 <32 -> 32>
  bytes 8192

// -----
gemma.weight @a : tensor<32x32xf32> from <"m", 0, 4096>
gemma.weight @b : tensor<64x32xf32> from <"m", 4096, 8192>
// expected-error @below {{expects two sources of one shape to interleave, or one with an even number of rows, got 2 sources, the first of type 'tensor<32x32xf32>'}}
gemma.packed @packed_c4_shapes from [@a, @b] as f32 panels batch 1 interleave rows 96 <32 -> 32> cols 32 <32 -> 32>
  bytes 12288

// -----
// expected-error @below {{expects panels to interleave, got a table}}
gemma.packed @packed_c4_panels from [@w] as f32 table batch 1 interleave rows 32 <32 -> 32> cols 32 <32 -> 32>
  bytes 4096

// -----
// expected-error @below {{expects an offset that is a multiple of 64, got 32}}
gemma.packed @packed_c5 from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096 at 32

// -----
// expected-error @below {{expects a scale only on a vector, got the layout panels}}
gemma.packed @packed_c7_matrix from [@w] as f32 panels batch 1 scale 0.5 rows 32 <32 -> 32> cols 32 <32 -> 32>
  bytes 4096

// -----
// expected-error @below {{attribute 'scale' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
gemma.packed @packed_c7_sign from [@w] as f32 vector batch 1 scale -0.5 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128

// -----
// expected-error @below {{expects row_at on tables only, got the layout panels}}
gemma.packed @packed_c8_matrix from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32>
  bytes 4096 row_at 0

// -----
// expected-error @below {{expects a row_at that is a multiple of 64, got 32}}
gemma.packed @packed_c8_alignment from [@w] as f32 table batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32>
  bytes 4096 row_at 32

// -----
gemma.weight @w : tensor<32x48xf32> from <"m", 0, 6144>
// expected-error @below {{expects col_axis padded to multiples of 32, since each block has its c4 scale, got 16}}
gemma.packed @packed_c9 from [@w] as c4 table batch 1 rows 32 <32 -> 32> cols 64 <16 -> 16> bytes 1536

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> input_activation_scale 0.5
gemma.weight @v : tensor<32x32xf32> from <"m", 0, 4096> input_activation_scale 0.25
// expected-error @below {{expects as input_scale the input_activation_scale of each source of a matrix, which '@v' has otherwise}}
gemma.packed @packed_c10_unlike from [@w, @v] as c8 panels batch 1 rows 64 <32 -> 32> cols 32 <32 -> 32> bytes 2304
  input_scale 0.5

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> input_activation_scale 0.5
// expected-error @below {{expects as input_scale the input_activation_scale of each source of a matrix, which '@w' has otherwise}}
gemma.packed @packed_c10_missing from [@w] as c8 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 1152

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> input_activation_scale 0.5
// expected-error @below {{expects as input_scale the input_activation_scale of each source of a matrix, which '@w' has otherwise}}
gemma.packed @packed_c10_table from [@w] as c8 table batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 1152
  input_scale 0.5

// -----
// expected-error @below {{attribute 'input_scale' failed to satisfy constraint: 64-bit float attribute that is finite and above 0}}
gemma.packed @packed_c10_sign from [@w] as c8 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 1152
  input_scale -0.5

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> output_activation_scale 0.5
gemma.weight @v : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{expects as output_scales those of the sources of a matrix, in order}}
gemma.packed @packed_c6_order from [@w, @v] as c8 panels batch 1 rows 64 <32 -> 32> cols 32 <32 -> 32> bytes 2304
  output_scales [0.0, 0.5]

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> output_activation_scale 0.5
// expected-error @below {{expects as output_scales those of the sources of a matrix, in order}}
gemma.packed @packed_c6_missing from [@w] as c8 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 1152

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> reads [-1.0, 1.0]
gemma.weight @v : tensor<32x32xf32> from <"m", 0, 4096> reads [-1.0, 2.0]
// expected-error @below {{expects as input_bounds what each source of a matrix reads, which for '@v' is something else}}
gemma.packed @packed_c11_unlike from [@w, @v] as f32 panels batch 1 rows 64 <32 -> 32> cols 32 <32 -> 32> bytes 8192
  input_bounds [-1.0, 1.0]

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> reads [-1.0, 1.0]
// expected-error @below {{expects as input_bounds what each source of a matrix reads, which for '@w' is something else}}
gemma.packed @packed_c11_missing from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> reads [-1.0, 1.0]
// expected-error @below {{expects as input_bounds what each source of a matrix reads, which for '@w' is something else}}
gemma.packed @packed_c11_table from [@w] as f32 table batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096
  input_bounds [-1.0, 1.0]

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{attribute 'input_bounds' failed to satisfy constraint: f64 dense array attribute of two finite numbers, the first not above 0, the second not below}}
gemma.packed @packed_c11_order from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096
  input_bounds [1.0, -1.0]

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> gives [-1.0, 1.0]
gemma.weight @v : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{expects as output_bounds what the sources of a matrix give, in order}}
gemma.packed @packed_c12_order from [@w, @v] as f32 panels batch 1 rows 64 <32 -> 32> cols 32 <32 -> 32> bytes 8192
  output_bounds [-3.4028234663852886e38, 3.4028234663852886e38, -1.0, 1.0]

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> gives [-1.0, 1.0]
// expected-error @below {{expects as output_bounds what the sources of a matrix give, in order}}
gemma.packed @packed_c12_missing from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096>
// expected-error @below {{expects as output_bounds what the sources of a matrix give, in order}}
gemma.packed @packed_c12_needless from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096
  output_bounds [-3.4028234663852886e38, 3.4028234663852886e38]

// -----
gemma.weight @w : tensor<32x32xf32> from <"m", 0, 4096> gives [-1.0, 1.0]
// expected-error @below {{expects as output_bounds what the sources of a matrix give, in order}}
gemma.packed @packed_c12_table from [@w] as f32 table batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096
  output_bounds [-1.0, 1.0]
