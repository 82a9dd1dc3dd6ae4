// Attributes and the buffer type: one case per constraint.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expects theta above 1, got 1}}
func.func private @rope_attr_c1() attributes {x = #gemma.rope<theta = 1.0, pairs = 2, factor = 1.0>}

// -----
// expected-error @below {{expects theta and factor in f64, got 'f32' and 'f64'}}
func.func private @rope_attr_c1_type() attributes {x = #gemma.rope<theta = 100.0 : f32, pairs = 2, factor = 1.0>}

// -----
// expected-error @below {{expects pairs not to be negative, got -1}}
func.func private @rope_attr_c2() attributes {x = #gemma.rope<theta = 100.0, pairs = -1, factor = 1.0>}

// -----
// expected-error @below {{expects factor above 0, got 0}}
func.func private @rope_attr_c3() attributes {x = #gemma.rope<theta = 100.0, pairs = 2, factor = 0.0>}

// -----
// expected-error @below {{expects an offset that is not negative, got -8}}
func.func private @source_attr_c1() attributes {x = #gemma.source<"m", -8, 4>}

// -----
// expected-error @below {{expects a positive number of bytes, got 0}}
func.func private @source_attr_c2() attributes {x = #gemma.source<"m", 0, 0>}

// -----
// expected-error @below {{expects a block between 1 and its padded size, got 40 -> 32}}
func.func private @axis_attr_c1() attributes {x = #gemma.axis<40 -> 32>}

// -----
// expected-error @below {{expects a padded size that is a multiple of 16, got 40}}
func.func private @axis_attr_c2() attributes {x = #gemma.axis<36 -> 40>}

// -----
// expected-error @below {{expects a crossed axis to have an even block, got 9}}
func.func private @axis_attr_c3() attributes {x = #gemma.axis<9 -> 16 crossed>}

// -----
// expected-error @below {{expects a positive number of rows, got 0}}
func.func private @buffer_type_c1(!gemma.buffer<0 x 32, f32>)

// -----
// expected-error @below {{expects a width that is a positive multiple of 32, got 48}}
func.func private @buffer_type_c2(!gemma.buffer<1 x 48, f32>)

// -----
// expected-error @below {{expects a width of at most 131040 in s8, got 131072}}
func.func private @buffer_type_c3(!gemma.buffer<1 x 131072, s8>)

// -----
// expected-error @below {{expects rows x width, got 3 numbers}}
func.func private @buffer_type_shape(!gemma.buffer<1 x 2 x 32, f32>)

// -----
// expected-error @below {{'q7' is no format}}
gemma.packed @unknown_format from [@w] as q7 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 1024
