// RUN: gemmac-opt --gemma-lower-steps="target=x86_64-linux levels=avx2" %s | FileCheck %s
// Blocks are a loop over rows of the call. What has room for all rows is read and written where the block's begin, what
// has room for a block at its own beginning; rows are shared out within a block, and all threads meet at its end.

// CHECK-LABEL: func.func @gemmac_encode_avx2(
// CHECK:         scf.for %[[FIRST:.*]] = %{{.*}} to %{{.*}} step %{{.*}} : i64 {
// CHECK:           %[[LEFT:.*]] = arith.subi %{{.*}}, %[[FIRST]]
// CHECK:           %[[ROWS:.*]] = arith.minsi %[[LEFT]], %{{.*}}
// CHECK:           arith.muli %[[ROWS]], %arg1
// CHECK:           %[[PER_ROW:.*]] = arith.constant 9 : i64
// CHECK:           %[[BEFORE:.*]] = arith.muli %[[FIRST]], %[[PER_ROW]]
// CHECK:           %[[BYTES:.*]] = arith.muli %[[BEFORE]], %{{.*}}
// CHECK-NEXT:      llvm.getelementptr %{{.*}}[%[[BYTES]]]
// CHECK:           call @quantize_q8_w64(
// CHECK:           call @gemmac_barrier(
// CHECK:           call @matmul_q8_k64_none_chunk512(
// CHECK:           call @gemmac_barrier(
// CHECK-NEXT:    }
// CHECK-NEXT:    return
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 524288 scratch_bytes 0
  gemma.weight @w.o : tensor<64x64xf32> from <"w", 0, 16384>
  gemma.packed @o from [@w.o] as q8 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 4352 at 0
  gemma.function @encode max_rows 70 arena_bytes 524288 scratch_bytes 0 {
    %x = gemma.buffer shared at 0 : !gemma.buffer<630 x 64, f32>
    %q = gemma.buffer shared at 161280 block 35 : !gemma.buffer<630 x 64, q8>
    %y = gemma.buffer shared at 262144 : !gemma.buffer<630 x 64, f32>
    gemma.input "rows" %x : <630 x 64, f32>
    gemma.blocks rows 35
    gemma.step.quantize %x -> %q : <630 x 64, f32> -> <630 x 64, q8>
    gemma.barrier
    gemma.step.matmul %q, @o -> %y none : <630 x 64, q8> -> <630 x 64, f32>
    gemma.barrier
    gemma.end_blocks
    gemma.output "y" %y : <630 x 64, f32>
  }
}
