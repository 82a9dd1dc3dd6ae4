// RUN: gemmac-opt --gemma-lower-steps="target=x86_64-linux levels=avx2" %s | FileCheck %s
// Layer norms of whole and of padded rows, to floats and to integers; places in one table (tests/unit/cpu has the
// numbers).

// CHECK-LABEL: func.func @gemmac_encode_avx2(
// CHECK:         call @layer_norm_f32_w64_of64_3ee4f8b588e368f1(
// CHECK:         call @layer_norm_q8_w64_of60_3ee4f8b588e368f1(
// CHECK:         call @add_places_alternating_f32_k64_f32(

// CHECK-LABEL: func.func private @layer_norm_f32_w64_of64_3ee4f8b588e368f1(
// CHECK-NOT:     arith.cmpi ult
// CHECK:         math.sqrt
// CHECK-LABEL: func.func private @layer_norm_q8_w64_of60_3ee4f8b588e368f1(
// CHECK:         arith.cmpi ult
// CHECK:         math.sqrt
// CHECK-LABEL: func.func private @add_places_alternating_f32_k64_f32(
// CHECK:         %[[TWO:.*]] = arith.constant 2 : i64
// CHECK:         arith.muli %{{.*}}, %[[TWO]]
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 65536 scratch_bytes 0
  gemma.weight @t : tensor<64x64xf32> from <"w", 0, 16384>
  gemma.weight @m : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @places from [@t] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384 at 0
  gemma.packed @vector from [@m] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256 at 16384
  gemma.function @encode max_rows 2 arena_bytes 65536 scratch_bytes 0 {
    %x = gemma.buffer shared at 0 : !gemma.buffer<2 x 64, f32>
    %at = gemma.buffer shared at 1024 : !gemma.buffer<2 x 32, i32>
    %y = gemma.buffer shared at 2048 : !gemma.buffer<2 x 64, f32>
    %z = gemma.buffer shared at 4096 : !gemma.buffer<2 x 64, q8>
    gemma.input "x" %x : <2 x 64, f32>
    gemma.input "places" %at : <2 x 32, i32>
    gemma.step.layer_norm %x -> %y weight @vector bias @vector count 64 eps 1.0e-5 : <2 x 64, f32> -> <2 x 64, f32>
    gemma.step.layer_norm %x -> %z weight @vector bias @vector count 60 eps 1.0e-5 : <2 x 64, f32> -> <2 x 64, q8>
    gemma.step.add_places %y, %at -> %y columns @places rows @places alternating
        : <2 x 64, f32>, <2 x 32, i32> -> <2 x 64, f32>
  }
}
