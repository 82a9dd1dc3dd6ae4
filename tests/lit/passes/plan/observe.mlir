// RUN: gemmac-opt %s --gemma-observe --split-input-file --verify-diagnostics | FileCheck %s

// Only verify observes. Moments lie behind the caches, one after the other: 64 columns take 4 panels of 16, 32, 48 and
// 64 rows, 10240 bytes; experts' second matrix has its own for each of three experts.
// CHECK:       gemma.program context 64 slots 1 slot_bytes 51264 moments_at 64
// CHECK-LABEL: gemma.function @decode
// CHECK-NOT:     gemma.step.observe
// CHECK-LABEL: gemma.function @verify
// CHECK:         gemma.step.observe %[[X:.*]], @router at 64 : <2 x 64, f32>
// CHECK-NEXT:    gemma.step.matmul %[[X]], @router
// CHECK:         gemma.step.observe %[[X]], @expert_up at 10304 : <2 x 64, f32>
// CHECK-NEXT:    gemma.step.expert_up %[[X]], @expert_up
// CHECK:         gemma.step.observe %[[H:.*]], @expert_down
// CHECK-NEXT:      picks %[[P:.*]] top_k 2 at 20544 : <4 x 64, f32>, !gemma.buffer<2 x 32, i32>
// CHECK-NEXT:    gemma.step.expert_down %[[H]], @expert_down picks %[[P]]
module {
  gemma.program context 64 slots 1 slot_bytes 64
  gemma.weight @t : tensor<64x64xf32> from <"m", 0, 16384>
  gemma.weight @r : tensor<3x64xf32> from <"m", 0, 768>
  gemma.weight @s : tensor<3xf32> from <"m", 0, 12>
  gemma.weight @u : tensor<3x128x64xf32> from <"m", 0, 98304>
  gemma.weight @d : tensor<3x64x64xf32> from <"m", 0, 49152>
  gemma.packed @table from [@t] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
  gemma.packed @router from [@r] as f32 panels batch 1 rows 32 <3 -> 32> cols 64 <64 -> 64> bytes 8192
  gemma.packed @per_expert from [@s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
  gemma.packed @expert_up from [@u] as f32 panels batch 3 interleave rows 128 <64 -> 64> cols 64 <64 -> 64>
    bytes 98304
  gemma.packed @expert_down from [@d] as f32 panels batch 3 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 49152
  gemma.function @decode max_rows 1 {
    %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
    %scores = gemma.buffer shared : !gemma.buffer<1 x 32, f32>
    gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
    gemma.step.matmul %x, @router -> %scores none : <1 x 64, f32> -> <1 x 32, f32>
  }
  gemma.function @verify max_rows 2 {
    %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
    %scores = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    %picks = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
    %weights = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
    %hidden = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
    %mixed = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
    gemma.step.embed %x, @table scale 1.0 : <2 x 64, f32>
    gemma.barrier
    gemma.step.matmul %x, @router -> %scores none : <2 x 64, f32> -> <2 x 32, f32>
    gemma.barrier
    gemma.step.route %scores -> %picks, %weights experts 3 top_k 2 scale @per_expert
      : <2 x 32, f32> -> <2 x 32, i32>, <2 x 32, f32>
    gemma.barrier
    gemma.step.expert_up %x, @expert_up picks %picks -> %hidden top_k 2 : <2 x 64, f32>, <2 x 32, i32> -> <4 x 64, f32>
    gemma.barrier
    gemma.step.expert_down %hidden, @expert_down picks %picks, %weights -> %mixed top_k 2
      : <4 x 64, f32>, <2 x 32, i32>, <2 x 32, f32> -> <2 x 64, f32>
  }
}

// -----
// expected-error @below {{has no gemma.program; run gemma-plan-caches first}}
module {}

// -----
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @t : tensor<64x64xf32> from <"m", 0, 16384>
  gemma.packed @table from [@t] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
  gemma.packed @head from [@t] as q8 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 4352
  gemma.function @verify max_rows 2 {
    %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
    %q = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
    %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
    gemma.step.embed %x, @table scale 1.0 : <2 x 64, f32>
    gemma.step.quantize %x -> %q : <2 x 64, f32> -> <2 x 64, q8>
    gemma.barrier
    // expected-error @below {{reads quantized rows; an observing program wants weights in f32 or bf16}}
    gemma.step.matmul %q, @head -> %y none : <2 x 64, q8> -> <2 x 64, f32>
  }
}
