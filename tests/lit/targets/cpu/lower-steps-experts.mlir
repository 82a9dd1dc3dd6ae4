// RUN: gemmac-opt --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// Router and experts: panels are shared out, of all experts alike; the expert's number is read from the picks. Several
// rows are grouped by expert (tests/unit/cpu has the numbers).

// CHECK-LABEL: func.func @gemmac_decode_avx2(
// CHECK:         call @route_e4_k2(
// CHECK:         call @gemmac_barrier(
// 2 pairs of panels
// CHECK:         %[[UP:.*]] = arith.constant 2
// CHECK:         arith.muli %[[UP]], %{{.*}}
// CHECK:         call @expert_up_q8_k64_n64_e4_top2(
// CHECK:         call @gemmac_barrier(
// two rows of picks for each row
// CHECK:         %[[PICKS:.*]] = arith.constant 2
// CHECK:         arith.muli %{{.*}}, %[[PICKS]]
// CHECK:         call @quantize_q8_w32(
// CHECK:         call @expert_down_q8_k32_n64_e4_top2(

// CHECK-LABEL: func.func private @route_e4_k2(
// CHECK:         arith.cmpf ogt
// CHECK-LABEL: func.func private @expert_up_q8_k64_n64_e4_top2(
// CHECK:         %[[EXPERT:.*]] = llvm.load {{.*}} -> i32
// CHECK:         %[[INDEX:.*]] = arith.extsi %[[EXPERT]]
// bytes of one expert: 4 panels of 2 groups
// CHECK:         %[[BYTES:.*]] = arith.constant 4352
// CHECK:         arith.muli %[[INDEX]], %[[BYTES]]
// CHECK-LABEL: func.func private @expert_down_q8_k32_n64_e4_top2(
// four panels of every pick, then their sums
// in the order of picks
// CHECK:         scf.for %{{.*}} = %{{.*}} to %c2_i64{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>)
// CHECK:         math.fma
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 1536 scratch_bytes 384
  gemma.weight @t : tensor<16x64xf32> from <"w", 0, 4096>
  gemma.weight @r : tensor<32x64xf32> from <"w", 0, 8192>
  gemma.weight @u : tensor<4x64x64xf32> from <"w", 0, 65536>
  gemma.weight @d : tensor<4x64x32xf32> from <"w", 0, 32768>
  gemma.weight @n : tensor<4xf32> from <"w", 0, 16>
  gemma.packed @table from [@t] as f32 table batch 1 rows 16 <16 -> 16> cols 64 <64 -> 64> bytes 4096 at 0 row_at 0
  gemma.packed @router from [@r] as f32 panels batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 8192 at 4096
  gemma.packed @up from [@u] as q8 panels batch 4 interleave rows 64 <32 -> 32> cols 64 <64 -> 64>
    bytes 17408 at 12288
  gemma.packed @down from [@d] as q8 panels batch 4 rows 64 <64 -> 64> cols 32 <32 -> 32> bytes 9216 at 29696
  gemma.packed @scale from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 32 <4 -> 32> bytes 128 at 38912
  gemma.function @decode max_rows 1 arena_bytes 1536 scratch_bytes 384 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %q = gemma.buffer private at 256 : !gemma.buffer<1 x 64, q8>
    %scores = gemma.buffer shared at 0 : !gemma.buffer<1 x 32, f32>
    %picks = gemma.buffer shared at 128 : !gemma.buffer<1 x 32, i32>
    %weights = gemma.buffer shared at 256 : !gemma.buffer<1 x 32, f32>
    %middle = gemma.buffer shared at 384 : !gemma.buffer<2 x 32, f32>
    %mq = gemma.buffer shared at 640 : !gemma.buffer<2 x 32, q8>
    %y = gemma.buffer shared at 768 : !gemma.buffer<1 x 64, f32>
    gemma.step.embed %x, @table scale 1.0 replicated : !gemma.buffer<1 x 64, f32>
    gemma.step.quantize %x -> %q replicated : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 64, q8>
    gemma.step.matmul %x, @router -> %scores none : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 32, f32>
    gemma.barrier
    gemma.step.route %scores -> %picks, %weights experts 4 top_k 2 scale @scale
      : !gemma.buffer<1 x 32, f32> -> !gemma.buffer<1 x 32, i32>, !gemma.buffer<1 x 32, f32>
    gemma.barrier
    gemma.step.expert_up %q, @up picks %picks -> %middle top_k 2
      : !gemma.buffer<1 x 64, q8>, !gemma.buffer<1 x 32, i32> -> !gemma.buffer<2 x 32, f32>
    gemma.barrier
    gemma.step.quantize %middle -> %mq : !gemma.buffer<2 x 32, f32> -> !gemma.buffer<2 x 32, q8>
    gemma.barrier
    gemma.step.expert_down %mq, @down picks %picks, %weights -> %y top_k 2
      : !gemma.buffer<2 x 32, q8>, !gemma.buffer<1 x 32, i32>, !gemma.buffer<1 x 32, f32> -> !gemma.buffer<1 x 64, f32>
  }
}
