// RUN: gemmac-opt --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// Steps that read the rows of others divide rows too; a convolution has two rows of its input for each of the result.

// CHECK-LABEL: func.func @gemmac_encode_avx2(
// CHECK:         call @conv2d_f32_{{.*}}_b16_c1_of3_every1_in1_
// CHECK:         call @glu_w64(
// CHECK:         call @silu_f32_within_w64(
// CHECK:         call @add_w64(
// CHECK:         call @add_bias_w64(
// CHECK:         call @depthwise_conv_f32_{{.*}}_w64_taps5(
// CHECK:         call @sinusoids_h20(
// CHECK:         call @relative_attention_h2_d32_w64_
// CHECK:         call @norm_f32_w64_of60_{{.*}}_l{{[0-9a-f]+}}(
// CHECK:         call @add_norm_w64_of60_{{.*}}_l{{[0-9a-f]+}}_f{{[0-9a-f]+}}(
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 32768 scratch_bytes 0
  gemma.weight @w.n : tensor<60xf32> from <"w", 0, 240>
  gemma.packed @n from [@w.n] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256 at 0
  gemma.weight @w.cn : tensor<3xf32> from <"w", 0, 12>
  gemma.packed @cn from [@w.cn] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128 at 256
  gemma.weight @w.s : tensor<20xf32> from <"w", 0, 80>
  gemma.packed @s from [@w.s] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <20 -> 32> bytes 128 at 384
  gemma.weight @w.b : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @b from [@w.b] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256 at 512
  gemma.weight @w.c : tensor<3x9xf32> from <"w", 0, 108>
  gemma.packed @c from [@w.c] as f32 panels batch 1 rows 32 <3 -> 32> cols 32 <9 -> 32> bytes 4096 at 1024
  gemma.weight @w.t : tensor<64x5xf32> from <"w", 0, 1280>
  gemma.packed @t from [@w.t] as f32 panels batch 1 rows 64 <64 -> 64> cols 32 <5 -> 32> bytes 8192 at 8192
  gemma.function @encode max_rows 2 arena_bytes 32768 scratch_bytes 0 {
    %mel = gemma.buffer shared at 0 : !gemma.buffer<4 x 32, f32>
    %valid = gemma.buffer shared at 512 : !gemma.buffer<4 x 32, i32>
    %flags = gemma.buffer shared at 1024 : !gemma.buffer<8 x 32, i32>
    %x = gemma.buffer shared at 2048 : !gemma.buffer<2 x 128, f32>
    %y = gemma.buffer shared at 3072 : !gemma.buffer<2 x 64, f32>
    %z = gemma.buffer shared at 3584 : !gemma.buffer<2 x 64, f32>
    %u = gemma.buffer shared at 4096 : !gemma.buffer<2 x 64, f32>
    %v = gemma.buffer shared at 4608 : !gemma.buffer<2 x 64, f32>
    gemma.input "mel" %mel : <4 x 32, f32>
    gemma.input "valid" %valid : <4 x 32, i32>
    gemma.input "flags" %flags : <8 x 32, i32>
    gemma.step.conv2d %mel, %valid every 1 -> %x weight @c norm @cn
        bins 16 channels 1 count 3 eps 0.5 : <4 x 32, f32>, <4 x 32, i32> -> <2 x 128, f32>
    gemma.barrier
    gemma.step.glu %x -> %y : <2 x 128, f32> -> <2 x 64, f32>
    gemma.step.silu %y -> %u within [-1.0, 1.0] : <2 x 64, f32> -> <2 x 64, f32>
    gemma.step.add %y, %u -> %y : <2 x 64, f32>, <2 x 64, f32> -> <2 x 64, f32>
    gemma.step.add_bias %y, @b -> %y : <2 x 64, f32> -> <2 x 64, f32>
    gemma.barrier
    gemma.step.depthwise_conv %y, @t -> %z taps 5 : <2 x 64, f32> -> <2 x 64, f32>
    gemma.step.sinusoids %v half 20 : <2 x 64, f32>
    gemma.barrier
    gemma.step.relative_attention %y, %z, %z, %v, %flags every 4 -> %u heads 2 head_dim 20
        scale @s key_scale 1.5
        past 12 future 0 distances 12 cap 50.0
        : <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <2 x 64, f32>, <8 x 32, i32> -> <2 x 64, f32>
    gemma.barrier
    gemma.step.norm %u limit 2.0 -> %y weight @n
        factor 1.0 eps 0.5 count 60 : <2 x 64, f32> -> <2 x 64, f32>
    gemma.step.add_norm %y, %u limit 2.0 -> %y weight @n
        factor 0.5 eps 0.5 count 60 : <2 x 64, f32>, <2 x 64, f32> -> <2 x 64, f32>
  }
}
