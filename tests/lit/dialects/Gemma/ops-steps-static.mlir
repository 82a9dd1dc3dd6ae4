// Steps on static int8 grids, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @w.vector : tensor<64xf32> from <"m", 0, 256>
gemma.weight @w.o
  : tensor<64x64xf32> from <"m", 256, 16384> input_activation_scale 0.5 output_activation_scale 0.25
gemma.kv_cache @kv.0 heads 1 head_dim 32 window 0
  as f16 capacity 256 bytes 32768 at 0
gemma.packed @norm from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <64 -> 64> bytes 256
gemma.packed @o from [@w.o] as c4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304
  input_scale 0.5 output_scales [0.25]
gemma.packed @floats from [@w.o] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
  input_scale 0.5 output_scales [0.25]

gemma.function @decode max_rows 1 {
  %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  // CHECK: gemma.buffer private : <1 x 64, s8>
  %y = gemma.buffer private : !gemma.buffer<1 x 64, s8>
  %values = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  %query = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  %parts = gemma.buffer shared : !gemma.buffer<2 x 96, f32>
  %z = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
  gemma.step.rope_table %x head_dim 64 <theta = 100.0, pairs = 0, factor = 1.0> replicated : <1 x 64, f32>
  // CHECK: gemma.step.norm %{{.*}} -> %{{.*}} weight @norm
  // CHECK-NEXT:   factor 1.0 eps 0.5 count 64
  // CHECK-SAME: static 0.5 replicated : <1 x 64, f32> -> <1 x 64, f32>
  gemma.step.norm %x -> %values weight @norm factor 1.0 eps 0.5 count 64 static 0.5 replicated
    : <1 x 64, f32> -> <1 x 64, f32>
  gemma.step.matmul %values, @floats -> %query none : <1 x 64, f32> -> <1 x 64, f32>
  gemma.barrier
  gemma.step.attention_splits %query, @kv.0 -> %parts heads 2 : <1 x 64, f32> -> <2 x 96, f32>
  gemma.barrier
  // CHECK: gemma.step.attention_merge %{{.*}}, @kv.0 -> %{{.*}} heads 2 static 0.5 replicated
  // CHECK-SAME: : <2 x 96, f32> -> <1 x 64, s8>
  gemma.step.attention_merge %parts, @kv.0 -> %y heads 2 static 0.5 replicated : <2 x 96, f32> -> <1 x 64, s8>
  // CHECK: gemma.step.quantize %{{.*}} -> %{{.*}} static 0.5 replicated : <1 x 64, f32> -> <1 x 64, s8>
  gemma.step.quantize %x -> %y static 0.5 replicated : <1 x 64, f32> -> <1 x 64, s8>
  // CHECK: gemma.step.matmul %{{.*}}, @o -> %{{.*}} none : <1 x 64, s8> -> <1 x 64, f32>
  gemma.step.matmul %y, @o -> %z none : <1 x 64, s8> -> <1 x 64, f32>
}
