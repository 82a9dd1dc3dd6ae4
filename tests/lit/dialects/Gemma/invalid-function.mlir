// The rules of a whole function: what stands in it, who may touch which buffer when, and where buffers lie.
// RUN: gemmac-opt %s --split-input-file --verify-diagnostics

gemma.function @function_c1 max_rows 1 {
  // expected-error @below {{is not allowed in a gemma.function, which expects gemma.buffer, gemma.input, gemma.output, gemma.barrier, gemma.blocks, gemma.end_blocks, gemma.mark and steps}}
  func.call @elsewhere() : () -> ()
}

// -----
gemma.function @mark_c1 max_rows 1 {
  // expected-error @below {{expects to follow a step or a gemma.barrier directly}}
  gemma.mark "nothing" bytes 0
}

// -----
gemma.function @mark_c1_twice max_rows 1 {
  gemma.barrier
  gemma.mark "barrier" bytes 0
  // expected-error @below {{expects to follow a step or a gemma.barrier directly}}
  gemma.mark "barrier" bytes 0
}

// -----
gemma.function @mark_c2 max_rows 1 {
  gemma.barrier
  // expected-error @below {{expects a name of what was done, got an empty one}}
  gemma.mark "" bytes 0
}

// -----
gemma.function @mark_c3 max_rows 1 {
  gemma.barrier
  // expected-error @below {{attribute 'bytes' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  gemma.mark "barrier" bytes -1
}

// -----
// Two steps that divide rows alike need no barrier; a step that divides panels does.
gemma.function @function_c2_read_after_rows max_rows 4 {
  %x = gemma.buffer shared label "x" : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<4 x 64, q8>
  %z = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.step.quantize %x -> %y : <4 x 64, f32> -> <4 x 64, q8>
  // expected-note @above {{the other step}}
  // expected-error @below {{reads buffer in the same epoch as a step that writes it: expects a gemma.barrier between them}}
  gemma.step.matmul %y, @w -> %z none : <4 x 64, q8> -> <4 x 64, f32>
}

// -----
gemma.function @function_c2_read_after_panels max_rows 4 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer shared label "y" : !gemma.buffer<4 x 64, f32>
  %z = gemma.buffer shared : !gemma.buffer<4 x 64, q8>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  // expected-note @below {{the other step}}
  gemma.step.matmul %x, @w -> %y none : <4 x 64, f32> -> <4 x 64, f32>
  // expected-error @below {{reads buffer 'y' in the same epoch as a step that writes it: expects a gemma.barrier between them}}
  gemma.step.quantize %y -> %z : <4 x 64, f32> -> <4 x 64, q8>
}

// -----
gemma.function @function_c2_write_after_read max_rows 4 {
  %x = gemma.buffer shared label "x" : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  // expected-note @below {{the other step}}
  gemma.step.matmul %x, @w -> %y none : <4 x 64, f32> -> <4 x 64, f32>
  // expected-error @below {{writes buffer 'x' in the same epoch as a step that reads it: expects a gemma.barrier between them}}
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
}

// -----
gemma.function @function_c2_write_after_row_read max_rows 4 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer shared label "y" : !gemma.buffer<4 x 64, f32>
  %z = gemma.buffer shared : !gemma.buffer<4 x 64, q8>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.step.embed %y, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  // expected-note @below {{the other step}}
  gemma.step.quantize %y -> %z : <4 x 64, f32> -> <4 x 64, q8>
  // expected-error @below {{writes buffer 'y' in the same epoch as a step that reads it: expects a gemma.barrier between them}}
  gemma.step.matmul %x, @w -> %y none : <4 x 64, f32> -> <4 x 64, f32>
}

// -----
gemma.function @function_c2_two_writers max_rows 4 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer shared label "y" : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  // expected-note @below {{the other step}}
  gemma.step.matmul %x, @w -> %y none : <4 x 64, f32> -> <4 x 64, f32>
  // expected-error @below {{writes buffer 'y' in the same epoch as a step that writes it: expects a gemma.barrier between them}}
  gemma.step.matmul %x, @w -> %y none : <4 x 64, f32> -> <4 x 64, f32>
}

// -----
gemma.function @function_c2_replicated_read max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared label "y" : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  // expected-note @below {{the other step}}
  gemma.step.matmul %x, @w -> %y none : <1 x 64, f32> -> <1 x 64, f32>
  // expected-error @below {{reads buffer 'y' in the same epoch as a step that writes it: expects a gemma.barrier between them}}
  gemma.step.add_norm %x, %y -> %x weight @n eps 0.5 count 60 replicated : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @function_c2_in_place max_rows 4 {
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  // expected-error @below {{expects to write another shared buffer than it reads: threads read rows that others write}}
  gemma.step.matmul %x, @w -> %x none : <4 x 64, f32> -> <4 x 64, f32>
}

// -----
gemma.function @function_c3_rows max_rows 4 {
  %x = gemma.buffer private label "x" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{divides rows among threads and touches the private buffer 'x': expects `replicated`, or a shared buffer}}
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
}

// -----
gemma.function @function_c3_panels max_rows 4 {
  %x = gemma.buffer private : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer private label "y" : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <4 x 64, f32>
  // expected-error @below {{divides its work among threads and writes the private buffer 'y': expects a shared one}}
  gemma.step.matmul %x, @w -> %y none : <4 x 64, f32> -> <4 x 64, f32>
}

// -----
gemma.function @function_c3_replicated max_rows 4 {
  %x = gemma.buffer shared label "x" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{is replicated and writes the shared buffer 'x': expects a private one, or rows divided among threads}}
  gemma.step.embed %x, @table scale 1.0 replicated : <4 x 64, f32>
}

// -----
gemma.function @function_c3_raw_read max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private label "raw" : !gemma.buffer<1 x 32, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 32, q8>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 4, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.qkv %x, @w, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
  // expected-error @below {{touches buffer 'raw', in which another step keeps what each thread works on alone}}
  gemma.step.quantize %raw -> %y replicated : <1 x 32, f32> -> <1 x 32, q8>
}

// -----
gemma.function @function_c3_raw_written max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private label "raw" : !gemma.buffer<1 x 32, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 4, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.rope_table %raw head_dim 32 <theta = 100.0, pairs = 4, factor = 1.0> replicated : <1 x 32, f32>
  // expected-error @below {{keeps what each thread works on in buffer 'raw', which another step wrote: expects one that only such steps touch}}
  gemma.step.qkv %x, @w, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
}

// -----
gemma.function @function_c4_shared max_rows 4 {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer shared at 0 label "x" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{at 960 overlaps buffer 'x' at 0 .. 1024, which lives at the same time}}
  %y = gemma.buffer shared at 960 : !gemma.buffer<4 x 64, q8>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.step.quantize %x -> %y : <4 x 64, f32> -> <4 x 64, q8>
}

// -----
// Steps of a serial phase follow each other, but a step's own buffers live at once.
gemma.function @function_c4_serial max_rows 4 serial {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer shared at 0 label "x" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{at 960 overlaps buffer 'x' at 0 .. 1024, which lives at the same time}}
  %y = gemma.buffer shared at 960 : !gemma.buffer<4 x 64, q8>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.step.quantize %x -> %y : <4 x 64, f32> -> <4 x 64, q8>
}

// -----
// A buffer lives on between its first and its last step.
gemma.function @function_c4_between max_rows 4 {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer shared at 0 label "x" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{at 0 overlaps buffer 'x' at 0 .. 1024, which lives at the same time}}
  %y = gemma.buffer shared at 0 : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  gemma.step.embed %y, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  gemma.step.add_norm %x, %x -> %x weight @n eps 0.5 count 60 : <4 x 64, f32>, <4 x 64, f32> -> <4 x 64, f32>
}

// -----
gemma.function @function_c4_private max_rows 1 {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer private at 0 label "x" : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{at 192 overlaps buffer 'x' at 0 .. 256, which lives at the same time}}
  %y = gemma.buffer private at 192 : !gemma.buffer<1 x 64, q8>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, q8>
}

// -----
// The caller reads outputs after the call.
gemma.function @function_c4_output max_rows 4 {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer shared at 0 label "logits" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{at 0 overlaps buffer 'logits' at 0 .. 1024, which lives at the same time}}
  %y = gemma.buffer shared at 0 : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  gemma.step.embed %y, @table scale 1.0 : <4 x 64, f32>
  gemma.output "logits" %x : <4 x 64, f32>
}

// -----
// And writes inputs before it.
gemma.function @function_c4_input max_rows 4 {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer shared at 0 label "patches" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{at 0 overlaps buffer 'patches' at 0 .. 1024, which lives at the same time}}
  %y = gemma.buffer shared at 0 : !gemma.buffer<4 x 64, f32>
  gemma.input "patches" %x : <4 x 64, f32>
  gemma.step.embed %y, @table scale 1.0 : <4 x 64, f32>
  gemma.barrier
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
}

// -----
gemma.function @function_c4_arena max_rows 4 arena_bytes 1024 {
  // expected-error @below {{expects to end within the function's 1024 bytes, got 1088}}
  %x = gemma.buffer shared at 64 : !gemma.buffer<4 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <4 x 64, f32>
}

// -----
gemma.function @function_c4_placed max_rows 1 scratch_bytes 1024 {
  // expected-error @below {{expects an offset: the function has scratch_bytes}}
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
}

// -----
gemma.function @function_c5 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %r = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %q = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %p = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<1 x 32, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  gemma.step.rope_table %r head_dim 32 <theta = 100.0, pairs = 4, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.qkv %x, @w, %r -> %p raw %raw heads 2 head_dim 32
      q_norm @n eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
  gemma.barrier
  // expected-note @below {{the other step}}
  gemma.step.qkv %x, @w, %r -> %q raw %raw heads 2 head_dim 32
      q_norm @n k_norm @n eps 0.5
      cache @kv.0
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
  // expected-error @below {{reads cache @kv.0 in the same epoch as a step that writes it: expects a gemma.barrier between them}}
  gemma.step.attention %p, @kv.0 -> %y heads 2 : <1 x 64, f32> -> <1 x 64, f32>
}

// -----
gemma.function @function_c6 max_rows 1 {
  %x = gemma.buffer private label "x" : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, q8>
  // expected-error @below {{reads buffer 'x', which no step has written}}
  gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, q8>
}

// -----
gemma.function @function_c6_output max_rows 1 {
  %x = gemma.buffer shared label "x" : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{gives buffer 'x', which no step has written}}
  gemma.output "x" %x : <1 x 64, f32>
}

// -----
gemma.function @function_c8_late max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  // expected-error @below {{expects to stand before all steps: the caller writes it before the call}}
  gemma.input "patches" %y : <1 x 64, f32>
}

// -----
gemma.function @function_c8_inputs max_rows 1 {
  %x = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.input "patches" %x : <1 x 64, f32>
  // expected-error @below {{expects a name of its own, got a second input 'patches'}}
  gemma.input "patches" %y : <1 x 64, f32>
}

// -----
gemma.function @function_c8_outputs max_rows 1 {
  %x = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.input "patches" %x : <1 x 64, f32>
  gemma.output "patches" %x : <1 x 64, f32>
  // expected-error @below {{expects a name of its own, got a second output 'patches'}}
  gemma.output "patches" %x : <1 x 64, f32>
}

// -----
gemma.function @input_c1 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects a shared buffer: the caller has no scratch of threads}}
  gemma.input "patches" %x : <1 x 64, f32>
}

// -----
gemma.function @input_c2 max_rows 1 {
  %x = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  // expected-error @below {{expects a name, got an empty one}}
  gemma.input "" %x : <1 x 64, f32>
}

// -----
gemma.function @output_c1 max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
  // expected-error @below {{expects a shared buffer: the caller has no scratch of threads}}
  gemma.output "x" %x : <1 x 64, f32>
}

// -----
gemma.function @output_c2 max_rows 1 {
  %x = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <1 x 64, f32>
  // expected-error @below {{expects a name, got an empty one}}
  gemma.output "" %x : <1 x 64, f32>
}

// -----
gemma.function @function_c7 max_rows 8 {
  // expected-error @below {{expects at least 8 rows (max_rows of the function), got 4}}
  %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
}

// -----
gemma.function @function_c9_open max_rows 8 {
  // expected-error @below {{expects a gemma.end_blocks behind it}}
  gemma.blocks rows 4
}

// -----
gemma.function @function_c9_twice max_rows 8 {
  // expected-note @below {{the blocks before}}
  gemma.blocks rows 4
  // expected-error @below {{expects a gemma.end_blocks before it}}
  gemma.blocks rows 4
}

// -----
gemma.function @function_c9_end max_rows 8 {
  // expected-error @below {{expects a gemma.blocks before it}}
  gemma.end_blocks
}

// -----
gemma.function @function_c9_barrier max_rows 8 {
  %x = gemma.buffer shared : !gemma.buffer<8 x 64, f32>
  gemma.blocks rows 4
  gemma.step.embed %x, @table scale 1.0 : <8 x 64, f32>
  // expected-error @below {{expects a gemma.barrier between the step before and itself: threads do a block together}}
  gemma.end_blocks
}

// -----
gemma.function @function_c9_step max_rows 8 {
  %x = gemma.buffer shared : !gemma.buffer<8 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<8 x 64, f32>
  gemma.input "x" %x : <8 x 64, f32>
  gemma.blocks rows 4
  // expected-error @below {{stands between gemma.blocks and gemma.end_blocks, which expect steps whose rows depend on nothing but the same rows}}
  gemma.step.depthwise_conv %x, @t -> %y taps 5 : <8 x 64, f32> -> <8 x 64, f32>
}

// -----
gemma.function @function_c10_outside max_rows 8 {
  %x = gemma.buffer shared block 4 label "x" : !gemma.buffer<8 x 64, f32>
  // expected-error @below {{touches buffer 'x' with room for a block of 4 rows: expects to stand in a gemma.blocks of so many rows, the only one to touch it}}
  gemma.step.embed %x, @table scale 1.0 : <8 x 64, f32>
}

// -----
gemma.function @function_c10_rows max_rows 8 {
  %x = gemma.buffer shared block 4 label "x" : !gemma.buffer<8 x 64, f32>
  gemma.blocks rows 3
  // expected-error @below {{touches buffer 'x' with room for a block of 4 rows: expects}}
  gemma.step.embed %x, @table scale 1.0 : <8 x 64, f32>
}

// -----
gemma.function @function_c10_other max_rows 8 {
  %x = gemma.buffer shared block 4 label "x" : !gemma.buffer<8 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<8 x 64, f32>
  gemma.blocks rows 4
  gemma.step.embed %x, @table scale 1.0 : <8 x 64, f32>
  gemma.barrier
  gemma.end_blocks
  gemma.blocks rows 4
  // expected-error @below {{touches buffer 'x' with room for a block of 4 rows: expects}}
  gemma.step.matmul %x, @w -> %y none : <8 x 64, f32> -> <8 x 64, f32>
}

// -----
gemma.function @function_c10_input max_rows 8 {
  %x = gemma.buffer shared block 4 label "x" : !gemma.buffer<8 x 64, f32>
  // expected-error @below {{gives buffer 'x', which has room for a block alone}}
  gemma.input "x" %x : <8 x 64, f32>
}

// -----
gemma.function @function_c10_output max_rows 8 {
  %x = gemma.buffer shared block 4 label "x" : !gemma.buffer<8 x 64, f32>
  gemma.blocks rows 4
  gemma.step.embed %x, @table scale 1.0 : <8 x 64, f32>
  gemma.barrier
  gemma.end_blocks
  // expected-error @below {{gives buffer 'x', which has room for a block alone}}
  gemma.output "x" %x : <8 x 64, f32>
}

// -----
// What a block reads is there for the next one: %y may not lie where %x does.
gemma.function @function_c10_placed max_rows 8 arena_bytes 4096 scratch_bytes 0 {
  // expected-note @below {{the other buffer}}
  %x = gemma.buffer shared at 0 label "x" : !gemma.buffer<8 x 64, f32>
  %y = gemma.buffer shared at 2048 block 4 : !gemma.buffer<8 x 64, f32>
  // expected-error @below {{at 0 overlaps buffer 'x' at 0 .. 2048, which lives at the same time}}
  %z = gemma.buffer shared at 0 : !gemma.buffer<8 x 64, f32>
  gemma.input "x" %x : <8 x 64, f32>
  gemma.blocks rows 4
  gemma.step.matmul %x, @w -> %y none : <8 x 64, f32> -> <8 x 64, f32>
  gemma.barrier
  gemma.step.matmul %y, @w -> %z none : <8 x 64, f32> -> <8 x 64, f32>
  gemma.barrier
  gemma.end_blocks
  gemma.output "z" %z : <8 x 64, f32>
}

// -----
gemma.function @function_c11 max_rows 4 {
  %x = gemma.buffer private ring 4 label "x" : !gemma.buffer<4 x 64, f32>
  // expected-error @below {{writes buffer 'x', a ring: expects one gemma.step.conv2d to write it and the step behind to read it, another one}}
  gemma.step.embed %x, @table scale 1.0 replicated : <4 x 64, f32>
}

// -----
gemma.function @function_c11_read max_rows 4 {
  %mel = gemma.buffer shared : !gemma.buffer<16 x 32, f32>
  %valid = gemma.buffer shared : !gemma.buffer<16 x 32, i32>
  %x = gemma.buffer private ring 4 label "x" : !gemma.buffer<8 x 128, f32>
  %y = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  gemma.input "mel" %mel : <16 x 32, f32>
  gemma.input "valid" %valid : <16 x 32, i32>
  gemma.step.conv2d %mel, %valid every 1 -> %x weight @c norm @n
      bins 16 channels 1 count 5 eps 0.5 : <16 x 32, f32>, <16 x 32, i32> -> <8 x 128, f32>
  gemma.step.sinusoids %y half 20 : <4 x 64, f32>
  gemma.barrier
  // expected-error @below {{reads buffer 'x', a ring: expects one gemma.step.conv2d to write it and the step behind to read it, another one}}
  gemma.step.conv2d %x, %valid every 2 -> %y weight @c norm @n
      bins 8 channels 5 count 5 eps 0.5 : <8 x 128, f32>, <16 x 32, i32> -> <4 x 64, f32>
}

// -----
// expected-error @below {{attribute 'max_rows' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
gemma.function @function_max_rows max_rows 0 {
}
