// The facts of a program, and the attributes of the dialect on ops of others. Modules name the cases.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

module @program_c1 {
  // expected-error @below {{expects to be the only one of its module}}
  gemma.program context 64 slots 1 slot_bytes 0
  // expected-note @below {{the other one}}
  gemma.program context 64 slots 1 slot_bytes 0
}

// -----
module @program_c2_multiple {
  // expected-error @below {{expects slot_bytes to be a multiple of 64, got 100}}
  gemma.program context 64 slots 1 slot_bytes 100
}

// -----
module @program_c2_cache {
  // expected-error @below {{expects @kv.0, which ends at 16384, within slot_bytes 8192}}
  gemma.program context 64 slots 1 slot_bytes 8192
  gemma.kv_cache @kv.0 heads 1 head_dim 16 window 0 as f32 capacity 64 bytes 16384 at 0
}

// -----
module @program_c3_place {
  // expected-error @below {{expects moments_at inside of the 64 bytes of one slot, got 128 and 1 slots}}
  gemma.program context 64 slots 1 slot_bytes 64 moments_at 128
}

// -----
module @program_c3_slots {
  // expected-error @below {{expects moments_at inside of the 64 bytes of one slot, got 0 and 2 slots}}
  gemma.program context 64 slots 2 slot_bytes 64 moments_at 0
}

// -----
module @program_c4 {
  // expected-error @below {{expects activation_bits 8 or 16, got 4}}
  gemma.program context 64 slots 1 slot_bytes 0 activation_bits 4
}

// -----
module @program_c5_together {
  // expected-error @below {{expects data_bytes, mapped_bytes and table_row_bytes together: gemma-plan-steps sets all three}}
  gemma.program context 64 slots 1 slot_bytes 0 data_bytes 64 table_row_bytes 0
}

// -----
module @program_c5_mapped {
  // expected-error @below {{expects mapped_bytes within the 64 data_bytes, got 128}}
  gemma.program context 64 slots 1 slot_bytes 0 data_bytes 64 mapped_bytes 128 table_row_bytes 0
}

// -----
module @program_c6_together {
  // expected-error @below {{expects arena_bytes and scratch_bytes together: gemma-place-buffers sets both}}
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 64
}

// -----
module @program_c6_enough {
  // expected-error @below {{expects arena_bytes and scratch_bytes that suffice for @decode, which needs 512 and 64}}
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 256 scratch_bytes 64
  gemma.function @decode max_rows 1 arena_bytes 512 scratch_bytes 64 {
  }
}

// -----
// expected-error @below {{expects 'gemma.model' to be a dictionary on a module}}
module @model_kind attributes {gemma.model = 4 : i64} {
}

// -----
// expected-error @below {{expects 'vocab' of 'gemma.model' to be a positive i64, got 0 : i64}}
module @model_vocab attributes {gemma.model = {vocab = 0 : i64}} {
}

// -----
// expected-error @below {{expects 'name' of 'gemma.model' to be a string, got 4 : i64}}
module @model_name attributes {gemma.model = {name = 4 : i64}} {
}

// -----
// expected-error @below {{expects name, architecture, vocab, hidden, layers and context in 'gemma.model', got 'width'}}
module @model_field attributes {gemma.model = {width = 4 : i64}} {
}

// -----
// expected-error @below {{expects 'gemma.model' or 'gemma.max_rows', got the attribute 'gemma.context'}}
module @unknown attributes {gemma.context = 4 : i64} {
}

// -----
// expected-error @below {{expects 'gemma.max_rows' to be a positive i64, got 0 : i64}}
func.func private @rows() attributes {gemma.max_rows = 0 : i64}

// -----
// expected-error @below {{expects 'gemma.name' to be a string that is not empty, got ""}}
func.func private @name_empty(tensor<?x8xf32> {gemma.name = ""})

// -----
// expected-error @below {{expects 'gemma.name' to be a string that is not empty, got 4 : i64}}
func.func private @name_kind() -> (tensor<?x8xf32> {gemma.name = 4 : i64})

// -----
// expected-error @below {{expects argument "ids" to be [rows, static width] of f32 or i32, got 'tensor<?xi32>'}}
func.func private @name_rank(tensor<?xi32> {gemma.name = "ids"})

// -----
// expected-error @below {{expects result "soft" to be [rows, static width] of f32, got 'tensor<?x8xi32>'}}
func.func private @name_element() -> (tensor<?x8xi32> {gemma.name = "soft"})

// -----
// expected-error @below {{expects 'gemma.per_row' to be a positive i64, got 0 : i64}}
func.func private @per_row_positive(tensor<?x8xf32> {gemma.name = "x", gemma.per_row = 0 : i64})

// -----
// expected-error @below {{expects 'gemma.name' beside 'gemma.per_row' of argument 1}}
func.func private @per_row_alone(tensor<?x8xf32>, tensor<?x8xf32> {gemma.per_row = 9 : i64})

// -----
// expected-error @below {{expects 'gemma.name' or 'gemma.per_row' on an argument, got the attribute 'gemma.rows'}}
func.func private @argument_unknown(tensor<?x8xf32> {gemma.rows = 9 : i64})

// -----
// expected-error @below {{expects 'gemma.name' on a result, got the attribute 'gemma.per_row'}}
func.func private @result_unknown() -> (tensor<?x8xf32> {gemma.per_row = 9 : i64})
