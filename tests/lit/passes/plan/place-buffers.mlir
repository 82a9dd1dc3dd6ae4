// RUN: gemmac-opt %s --gemma-place-buffers | FileCheck %s

// Shared buffers die at barriers, private ones after a step; inputs live from the beginning, outputs to the end;
// scratch comes in pages. The program gets the most of all functions.
// CHECK: gemma.program context 64 slots 1 slot_bytes 0
// CHECK-NEXT: arena_bytes 768 scratch_bytes 4096
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @w : tensor<32x32xf32> from <"f", 0, 4096>
  gemma.packed @p from [@w] as f32 panels batch 1 rows 32 <32 -> 32> cols 32 <32 -> 32> bytes 4096 at 0

  // CHECK-LABEL: gemma.function @decode
  // CHECK-SAME:  arena_bytes 384 scratch_bytes 4096
  gemma.function @decode max_rows 1 {
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
    // CHECK-NEXT: gemma.buffer shared at [[LOGITS:[0-9]+]] :
    %logits = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
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
    gemma.output "logits" %logits : <1 x 32, f32>
  }

  // What the caller writes is there before the first step, and what it reads is there after the last.
  // CHECK-LABEL: gemma.function @project
  // CHECK-SAME:  arena_bytes 384 scratch_bytes 0
  gemma.function @project max_rows 1 {
    // CHECK-NEXT: gemma.buffer shared at [[PATCHES:[0-9]+]] :
    %patches = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer shared at
    %x = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer shared at
    %y = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    // CHECK-NEXT: gemma.buffer shared at [[PATCHES]] :
    %z = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    gemma.input "patches" %patches : <1 x 32, f32>
    gemma.step.rope_table %x head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> : <1 x 32, f32>
    gemma.barrier
    gemma.step.matmul %patches, @p -> %y none : <1 x 32, f32> -> <1 x 32, f32>
    gemma.barrier
    gemma.step.matmul %y, @p -> %z none : <1 x 32, f32> -> <1 x 32, f32>
    gemma.output "angles" %x : <1 x 32, f32>
    gemma.output "embeddings" %z : <1 x 32, f32>
  }

  // Steps of one epoch overlap in time across threads, whatever their order: nothing is reused here.
  // CHECK-LABEL: gemma.function @verify
  // CHECK-SAME:  arena_bytes 768 scratch_bytes 0
  gemma.function @verify max_rows 2 {
    %a = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    %b = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    %c = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    gemma.step.rope_table %a head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> : <2 x 32, f32>
    gemma.step.norm %a -> %b factor 1.0 eps 0.5 count 32 : <2 x 32, f32> -> <2 x 32, f32>
    gemma.step.norm %b -> %c factor 1.0 eps 0.5 count 32 : <2 x 32, f32> -> <2 x 32, f32>
  }
}
