// RUN: gemmac-opt --gemma-lower-steps="target=x86_64-linux levels=avx2" %s | FileCheck %s
// Steps of a vision tower in two functions that leave room for 35 and 70 soft tokens, 16 patches each: both call the
// same kernels (tests/unit/cpu has the numbers).

// CHECK-LABEL: func.func @gemmac_encode_35_avx2(
// CHECK:         call @affine_q8_within_w64_of48_4000000000000000_bff0000000000000({{.*}} i64, i64, f32, f32) -> ()
// CHECK:         call @rope_places_table_d32_4059000000000000(
// 16 rows for each of the call, 512 of them at a time
// CHECK:         %[[PER_ROW:.*]] = arith.constant 16 : i64
// CHECK-NEXT:    %[[ROWS:.*]] = arith.muli %{{.*}}, %[[PER_ROW]]
// CHECK:         %[[BLOCK:.*]] = arith.constant 512 : i64
// CHECK-NEXT:    scf.for %[[FIRST:.*]] = %{{.*}} to %[[ROWS]] step %[[BLOCK]] : i64 {
// CHECK:           %[[LEFT:.*]] = arith.subi %[[ROWS]], %[[FIRST]]
// CHECK:           %[[COUNT:.*]] = arith.minsi %[[LEFT]], %{{.*}}
// CHECK:           call @matmul_q8_k64_none_chunk512_bounds({{.*}}, %[[COUNT]], {{.*}} f32, f32, f32, f32) -> ()
// CHECK:         call @add_places_f32_k64_f32(
// CHECK:         call @norm_f32_w64_of64_plain_within_{{[0-9a-f_]+}}({{.*}} f32, f32) -> ()
// from the keys of a head to those of the next: 560 positions; and how many lie before those of the step
// CHECK:         %[[STEP:.*]] = arith.constant 71680 : i64
// CHECK:         call @encoder_qkv_f32_k64_n96_q1_kv1_d32_3eb0c6f7a0b5ed8d_upto512_blocks({{.*}}, %[[STEP]], %{{.*}}) :
// CHECK:         %[[STEP:.*]] = arith.constant 71680 : i64
// CHECK:         call @encoder_attention_q1_kv1_d32({{.*}}, %[[STEP]]) :
// CHECK:         call @quantize_f32_within_w32({{.*}} f32, f32) -> ()
// CHECK:         call @pool_w64_by16_standardized_3fe0000000000000(

// CHECK-LABEL: func.func private @encoder_qkv_f32_k64_n96_q1_kv1_d32_3eb0c6f7a0b5ed8d_upto512_blocks(
// CHECK:         scf.for %{{.*}} = %{{.*}} to %arg8 step
// CHECK:           call @matmul_f32_k64_none_chunk512(
// queries, then keys and zeros that fill up their last block, then values
// CHECK:         scf.if
// CHECK:         } else {
// CHECK:           scf.if
// CHECK:             scf.for %{{.*}} = %arg8 to
// CHECK:           } else {
// CHECK:             scf.for %{{.*}} = %arg8 to

// CHECK-LABEL: func.func @gemmac_encode_70_avx2(
// CHECK:         call @matmul_q8_k64_none_chunk512_bounds(
// CHECK:         %[[STEP:.*]] = arith.constant 143360 : i64
// CHECK:         call @encoder_qkv_f32_k64_n96_q1_kv1_d32_3eb0c6f7a0b5ed8d_upto512_blocks({{.*}}, %[[STEP]], %{{.*}}) :
// CHECK:         %[[STEP:.*]] = arith.constant 143360 : i64
// CHECK:         call @encoder_attention_q1_kv1_d32({{.*}}, %[[STEP]]) :
// CHECK-NOT:   func.func private
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 2024960 scratch_bytes 143360
  gemma.weight @p : tensor<64x64xf32> from <"w", 0, 16384> gives [-3.0, 3.5]
  gemma.weight @t : tensor<64x64xf32> from <"w", 0, 16384>
  gemma.weight @w : tensor<96x64xf32> from <"w", 0, 24576>
  gemma.weight @n : tensor<32xf32> from <"w", 0, 128>
  gemma.weight @m : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @patch from [@p] as q8 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 4352 at 0
    output_bounds [-3.0, 3.5]
  gemma.packed @columns from [@t] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384 at 4352
  gemma.packed @rows from [@t] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384 at 20736
  gemma.packed @qkv from [@w] as f32 panels batch 1 rows 96 <16 -> 16> cols 64 <64 -> 64> bytes 24576 at 37120
  gemma.packed @head from [@n] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32> bytes 128 at 61696
  gemma.packed @bias from [@m] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256 at 61824
  gemma.function @encode_35 max_rows 35 arena_bytes 1012480 scratch_bytes 71680 {
    %patches = gemma.buffer shared at 0 : !gemma.buffer<560 x 64, f32>
    %places = gemma.buffer shared at 143360 : !gemma.buffer<560 x 32, i32>
    %pixels = gemma.buffer shared at 215040 : !gemma.buffer<560 x 64, q8>
    %table = gemma.buffer shared at 286720 : !gemma.buffer<560 x 32, f32>
    %x = gemma.buffer shared at 358400 : !gemma.buffer<560 x 64, f32>
    %r = gemma.buffer shared at 501760 : !gemma.buffer<560 x 64, f32>
    %query = gemma.buffer shared at 645120 : !gemma.buffer<560 x 32, f32>
    %memory = gemma.buffer shared at 716800 : !gemma.buffer<560 x 64, f32>
    %mixed = gemma.buffer shared at 860160 : !gemma.buffer<560 x 32, f32>
    %clamped = gemma.buffer shared at 931840 : !gemma.buffer<560 x 32, f32>
    %soft = gemma.buffer shared at 1003520 : !gemma.buffer<35 x 64, f32>
    %raw = gemma.buffer private at 0 : !gemma.buffer<560 x 32, f32>
    gemma.input "patches" %patches : <560 x 64, f32>
    gemma.input "places" %places : <560 x 32, i32>
    gemma.step.affine %patches -> %pixels by 2.0 plus -1.0 count 48 within [-1.5, 1.25]
      : <560 x 64, f32> -> <560 x 64, q8>
    gemma.step.rope_places_table %places -> %table head_dim 32 theta 100.0 : <560 x 32, i32> -> <560 x 32, f32>
    gemma.barrier
    gemma.step.matmul %pixels, @patch -> %x none : <560 x 64, q8> -> <560 x 64, f32>
    gemma.barrier
    gemma.step.add_places %x, %places -> %x columns @columns rows @rows
      : <560 x 64, f32>, <560 x 32, i32> -> <560 x 64, f32>
    gemma.step.norm %x -> %r factor 1.0 eps 1.0e-6 count 64 within [-2.0, 2.0] : <560 x 64, f32> -> <560 x 64, f32>
    gemma.barrier
    gemma.step.encoder_qkv %r, @qkv, %table -> %query, %memory raw %raw heads 1 kv_heads 1 head_dim 32
      q_norm @head k_norm @head eps 1.0e-6
      : <560 x 64, f32>, <560 x 32, f32> -> <560 x 32, f32>, <560 x 64, f32>, <560 x 32, f32>
    gemma.barrier
    gemma.step.encoder_attention %query, %memory -> %mixed heads 1 kv_heads 1 head_dim 32
      : <560 x 32, f32>, <560 x 64, f32> -> <560 x 32, f32>
    gemma.barrier
    gemma.step.quantize %mixed -> %clamped within [-0.5, 0.5] : <560 x 32, f32> -> <560 x 32, f32>
    gemma.step.pool %x -> %soft by 16 factor 0.5 bias @bias scale @bias : <560 x 64, f32> -> <35 x 64, f32>
  }
  gemma.function @encode_70 max_rows 70 arena_bytes 2024960 scratch_bytes 143360 {
    %patches = gemma.buffer shared at 0 : !gemma.buffer<1120 x 64, f32>
    %places = gemma.buffer shared at 286720 : !gemma.buffer<1120 x 32, i32>
    %pixels = gemma.buffer shared at 430080 : !gemma.buffer<1120 x 64, q8>
    %table = gemma.buffer shared at 573440 : !gemma.buffer<1120 x 32, f32>
    %x = gemma.buffer shared at 716800 : !gemma.buffer<1120 x 64, f32>
    %r = gemma.buffer shared at 1003520 : !gemma.buffer<1120 x 64, f32>
    %query = gemma.buffer shared at 1290240 : !gemma.buffer<1120 x 32, f32>
    %memory = gemma.buffer shared at 1433600 : !gemma.buffer<1120 x 64, f32>
    %mixed = gemma.buffer shared at 1720320 : !gemma.buffer<1120 x 32, f32>
    %clamped = gemma.buffer shared at 1863680 : !gemma.buffer<1120 x 32, f32>
    %soft = gemma.buffer shared at 2007040 : !gemma.buffer<70 x 64, f32>
    %raw = gemma.buffer private at 0 : !gemma.buffer<1120 x 32, f32>
    gemma.input "patches" %patches : <1120 x 64, f32>
    gemma.input "places" %places : <1120 x 32, i32>
    gemma.step.affine %patches -> %pixels by 2.0 plus -1.0 count 48 within [-1.5, 1.25]
      : <1120 x 64, f32> -> <1120 x 64, q8>
    gemma.step.rope_places_table %places -> %table head_dim 32 theta 100.0 : <1120 x 32, i32> -> <1120 x 32, f32>
    gemma.barrier
    gemma.step.matmul %pixels, @patch -> %x none : <1120 x 64, q8> -> <1120 x 64, f32>
    gemma.barrier
    gemma.step.add_places %x, %places -> %x columns @columns rows @rows
      : <1120 x 64, f32>, <1120 x 32, i32> -> <1120 x 64, f32>
    gemma.step.norm %x -> %r factor 1.0 eps 1.0e-6 count 64 within [-2.0, 2.0] : <1120 x 64, f32> -> <1120 x 64, f32>
    gemma.barrier
    gemma.step.encoder_qkv %r, @qkv, %table -> %query, %memory raw %raw heads 1 kv_heads 1 head_dim 32
      q_norm @head k_norm @head eps 1.0e-6
      : <1120 x 64, f32>, <1120 x 32, f32> -> <1120 x 32, f32>, <1120 x 64, f32>, <1120 x 32, f32>
    gemma.barrier
    gemma.step.encoder_attention %query, %memory -> %mixed heads 1 kv_heads 1 head_dim 32
      : <1120 x 32, f32>, <1120 x 64, f32> -> <1120 x 32, f32>
    gemma.barrier
    gemma.step.quantize %mixed -> %clamped within [-0.5, 0.5] : <1120 x 32, f32> -> <1120 x 32, f32>
    gemma.step.pool %x -> %soft by 16 factor 0.5 bias @bias scale @bias : <1120 x 64, f32> -> <70 x 64, f32>
  }
}
