// RUN: gemmac-opt %s --gemma-place-buffers | FileCheck %s

// Shared buffers die at barriers, private ones after a step; logits live to the end; scratch comes in pages. The
// module gets the most of all phases.
// CHECK: module attributes {gemma.arena_bytes = 768 : i64, gemma.scratch_bytes = 4096 : i64}
module {
  gemma.weight @w : tensor<32x32xf32> from <"f", 0, 4096>
  gemma.packed @p from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096 at 0

  // CHECK-LABEL: gemma.phase @decode
  // CHECK-SAME:  arena_bytes = 384 : i64, scratch_bytes = 4096 : i64
  gemma.phase @decode decode max_rows 1 {
    // CHECK-NEXT: gemma.buffer private at [[A:[0-9]+]] :
    %a = gemma.buffer private : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer private at [[B:[0-9]+]] :
    %b = gemma.buffer private : !gemma.buffer<1 x 32, f32>
    // The third takes the place of the first, which the third step no longer touches.
    // CHECK-NEXT: gemma.buffer private at [[A]] :
    %c = gemma.buffer private : !gemma.buffer<1 x 32, f32>
    // Epochs 0 to 1, 1 to 2 (logits, which no step reads), 1, 2: the last takes the place of the first.
    // CHECK-NEXT: gemma.buffer shared at [[S:[0-9]+]] :
    %s = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer shared at [[LOGITS:[0-9]+]] label "logits" :
    %logits = gemma.buffer shared label "logits" : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer shared at
    %t = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer shared at [[S]] :
    %u = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    // CHECK-NOT: 1 x 64
    %unused = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %a head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> replicated : <1 x 32, f32>
    gemma.step.norm %a -> %b factor 1.0 eps 0.5 count 32 replicated : <1 x 32, f32> -> <1 x 32, f32>
    gemma.step.norm %b -> %c factor 1.0 eps 0.5 count 32 replicated : <1 x 32, f32> -> <1 x 32, f32>
    gemma.step.matmul %c, @p -> %s none : <1 x 32, f32> -> <1 x 32, f32>
    gemma.barrier
    gemma.step.matmul %s, @p -> %logits none : <1 x 32, f32> -> <1 x 32, f32>
    gemma.step.matmul %s, @p -> %t none : <1 x 32, f32> -> <1 x 32, f32>
    gemma.barrier
    gemma.step.matmul %c, @p -> %u none : <1 x 32, f32> -> <1 x 32, f32>
  }

  // Steps of one epoch overlap in time across threads, whatever their order: nothing is reused here.
  // CHECK-LABEL: gemma.phase @verify
  // CHECK-SAME:  arena_bytes = 768 : i64, scratch_bytes = 0 : i64
  gemma.phase @verify verify max_rows 2 {
    %a = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    %b = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    %c = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    gemma.step.rope_table %a head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> : <2 x 32, f32>
    gemma.step.norm %a -> %b factor 1.0 eps 0.5 count 32 : <2 x 32, f32> -> <2 x 32, f32>
    gemma.step.norm %b -> %c factor 1.0 eps 0.5 count 32 : <2 x 32, f32> -> <2 x 32, f32>
  }
}
