// RUN: gemmac-opt --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// Moments are added up in the cache memory, panels of 16 columns shared out from both ends of a block.

// CHECK-LABEL: func.func @gemmac_verify_avx2(
// CHECK:         call @embed_
// CHECK:         call @gemmac_barrier(
// CHECK:         %[[PANELS:.*]] = arith.constant 4
// CHECK:         arith.muli %[[PANELS]], %{{.*}}
// CHECK:         call @observe_k64_block64(

// CHECK-LABEL: func.func private @observe_k64_block64(
// CHECK:         %[[LAST:.*]] = arith.constant 3
// CHECK:         arith.subi %[[LAST]], %{{.*}}
// CHECK:         scf.for
// CHECK:           scf.for %{{.*}} iter_args
// CHECK:             math.fma
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 512 scratch_bytes 0
  gemma.weight @t : tensor<64x64xf32> from <"m", 0, 16384>
  gemma.packed @table from [@t] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384 at 0
  gemma.function @verify max_rows 2 arena_bytes 512 scratch_bytes 0 {
    %x = gemma.buffer shared at 0 : !gemma.buffer<2 x 64, f32>
    gemma.step.embed %x, @table scale 1.0 : !gemma.buffer<2 x 64, f32>
    gemma.barrier
    gemma.step.observe %x, @table at 64 : !gemma.buffer<2 x 64, f32>
  }
}
