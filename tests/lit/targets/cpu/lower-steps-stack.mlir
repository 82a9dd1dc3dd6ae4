// RUN: gemmac-opt --split-input-file --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// RUN: gemmac-opt --split-input-file --gemma-lower-steps=target=aarch64-linux %s | FileCheck %s
// What kernels keep on the stack stays below the bound of StackModel.cpp, or lowering fails.

// Many query heads for one KV head: a row makes a tile that is filled up to whole passes.
// CHECK: func.func private @attention_f32_h1_d4_c64_w0_q241(
module {
  gemma.program context 64 slots 1 slot_bytes 16384 arena_bytes 131072 scratch_bytes 0
  gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0 as f32 capacity 64 bytes 16384 at 0
  gemma.function @prefill max_rows 2 {
    %query = gemma.buffer shared at 0 : !gemma.buffer<2 x 7712, f32>
    %mixed = gemma.buffer shared at 65536 : !gemma.buffer<2 x 7712, f32>
    gemma.input "query" %query : <2 x 7712, f32>
    gemma.step.attention %query, @kv.0 -> %mixed heads 241 : <2 x 7712, f32> -> <2 x 7712, f32>
    gemma.output "mixed" %mixed : <2 x 7712, f32>
  }
}

// -----

// Neither a matrix nor a cache, but the probabilities of many experts.
// CHECK: func.func private @route_e16384_k2(
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 131072 scratch_bytes 0
  gemma.weight @s : tensor<16384xf32> from <"w", 0, 65536>
  gemma.packed @scale from [@s] as f32 vector batch 1 rows 1 <16 -> 16> cols 16384 <16384 -> 16384> bytes 65536 at 0
  gemma.function @decode max_rows 1 {
    %scores = gemma.buffer shared at 0 : !gemma.buffer<1 x 16384, f32>
    %picks = gemma.buffer shared at 65536 : !gemma.buffer<1 x 32, i32>
    %weights = gemma.buffer shared at 65792 : !gemma.buffer<1 x 32, f32>
    gemma.input "scores" %scores : <1 x 16384, f32>
    gemma.step.route %scores -> %picks, %weights experts 16384 top_k 2 scale @scale
      : <1 x 16384, f32> -> <1 x 32, i32>, <1 x 32, f32>
    gemma.output "weights" %weights : <1 x 32, f32>
  }
}
