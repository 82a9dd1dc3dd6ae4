// RUN: gemmac-opt --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// Static grids: scales are arguments of kernels, so that layers of one shape share them; sums of c4 stay integers.

// CHECK-LABEL: func.func @gemmac_decode_avx2(
// CHECK:         %[[IN:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:         call @quantize_s8_static_w64({{.*}}, %[[IN]])
// CHECK:         %[[OUT:.*]] = arith.constant 2.500000e-01 : f32
// CHECK:         %[[NONE:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         call @matmul_c4_k64_static_none_grid({{.*}}, %[[OUT]], %[[NONE]])
// CHECK:         %[[OTHER:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         call @quantize_s8_static_w64({{.*}}, %[[OTHER]])
// CHECK:         call @matmul_c8_k64_static_none(

// CHECK-LABEL: func.func private @quantize_s8_static_w64(
// CHECK:         arith.divf
// CHECK:         math.roundeven
// CHECK:         arith.fptosi {{.*}} : vector<16xf32> to vector<16xi32>

// CHECK-LABEL: func.func private @matmul_c4_k64_static_none_grid(
// CHECK:         scf.for {{.*}} -> (vector<16xi32>
// CHECK:           llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// CHECK:         arith.sitofp
// CHECK:         arith.mulf
// CHECK:         math.roundeven

// Bytes that may be -128 on either side are multiplied as words.
// CHECK-LABEL: func.func private @matmul_c8_k64_static_none(
// CHECK-NOT:     psign
// CHECK:         llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT:     math.roundeven
// CHECK:       module @avxvnni
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 512 scratch_bytes 512
  gemma.weight @t : tensor<16x64xf32> from <"w", 0, 4096>
  gemma.weight @four
    : tensor<64x64xf32> from <"w", 4096, 16384> input_activation_scale 0.5 output_activation_scale 0.25
  gemma.weight @eight : tensor<64x64xf32> from <"w", 20480, 16384> input_activation_scale 1.0
  gemma.packed @table from [@t] as f32 table batch 1 rows 16 <16 -> 16> cols 64 <64 -> 64> bytes 4096 at 0 row_at 0
  gemma.packed @a from [@four] as c4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304 at 4096
    input_scale 0.5 output_scales [0.25]
  gemma.packed @b from [@eight] as c8 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 4352 at 6400
    input_scale 1.0
  gemma.function @decode max_rows 1 arena_bytes 512 scratch_bytes 512 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %y = gemma.buffer private at 256 : !gemma.buffer<1 x 64, s8>
    %h = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
    %z = gemma.buffer shared at 256 : !gemma.buffer<1 x 64, f32>
    gemma.step.embed %x, @table scale 1.0 replicated : <1 x 64, f32>
    gemma.step.quantize %x -> %y static 0.5 replicated : <1 x 64, f32> -> <1 x 64, s8>
    gemma.step.matmul %y, @a -> %h none : <1 x 64, s8> -> <1 x 64, f32>
    gemma.barrier
    gemma.step.quantize %h -> %y static 1.0 replicated : <1 x 64, f32> -> <1 x 64, s8>
    gemma.step.matmul %y, @b -> %z none : <1 x 64, s8> -> <1 x 64, f32>
  }
}
