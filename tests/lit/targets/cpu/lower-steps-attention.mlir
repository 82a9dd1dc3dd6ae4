// RUN: gemmac-opt --gemma-lower-steps=target=aarch64-linux %s | FileCheck %s
// A layer with its own cache, one that stores keys as values, one that reads another's cache: three kernels of qkv over
// one projection, which matrices of all heights share, one kernel of attention per cache shape. Levels of AArch64.

// CHECK:       module @neon {
// CHECK-LABEL: func.func @gemmac_decode_neon(
// CHECK:         call @rope_table_d40_
// 2 q heads, 1 k head, 1 v head
// CHECK:         %[[HEADS:.*]] = arith.constant 4
// CHECK:         arith.muli %[[HEADS]],
// CHECK:         call @[[OWN:qkv_bf16_k64_n256_q2_d40_[0-9a-f]+_kv_f16_h1_d40_c32_w16]](
// CHECK:         call @[[SHARED:qkv_bf16_k64_n192_q2_d40_[0-9a-f]+_kv_f32_h1_d40_c64_w0_shared]](
// CHECK:         call @[[READER:qkv_bf16_k64_n128_q2_d40_[0-9a-f]+]](
// CHECK:         call @gemmac_barrier(
// CHECK:         call @[[SLIDING:attention_f16_h1_d40_c32_w16_q2]](
// CHECK:         call @[[GLOBAL:attention_f32_h1_d40_c64_w0_q2]](
// CHECK:         call @gemmac_barrier(
// CHECK:         call @[[SLIDING]](

// CHECK:       func.func private @matmul_bf16_k64_none(
// CHECK:       func.func private @[[OWN]](
// CHECK:         scf.for %[[HEAD:.*]] = %{{.*}} to %{{.*}} step
// CHECK:           call @matmul_bf16_k64_none(
// q heads, then k, then v
// CHECK:           arith.cmpi slt, %[[HEAD]],
// CHECK:           scf.if
// CHECK:           } else {
// CHECK:             scf.if
// f16 cache
// CHECK:               arith.truncf {{.*}} : f32 to f16
// CHECK:             } else {
// CHECK:               arith.truncf {{.*}} : vector<16xf32> to vector<16xf16>
// CHECK:       func.func private @[[SHARED]](
// CHECK:           scf.if
// CHECK-NOT:       scf.if
// CHECK:       func.func private @[[READER]](
// CHECK:           call @matmul_bf16_k64_none(
// CHECK-NOT:       scf.if
// CHECK:       func.func private @[[SLIDING]](
// CHECK:         arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK:       func.func private @[[GLOBAL]](
// CHECK-NOT:   func.func
// CHECK:       module @dotprod {
// CHECK:         func.func @gemmac_decode_dotprod(
module {
  gemma.program context 64 slots 1 slot_bytes 40960 arena_bytes 3072 scratch_bytes 768
  gemma.weight @t : tensor<32x64xf32> from <"w", 0, 8192>
  gemma.weight @w4 : tensor<256x64xf32> from <"w", 0, 65536>
  gemma.weight @w3 : tensor<192x64xf32> from <"w", 0, 49152>
  gemma.weight @w2 : tensor<128x64xf32> from <"w", 0, 32768>
  gemma.weight @n : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @table from [@t] as f32 table batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 8192 at 0 row_at 0
  gemma.packed @p4 from [@w4] as bf16 panels batch 1 rows 256 <64 -> 64> cols 64 <64 -> 64> bytes 32768 at 8192
  gemma.packed @p3 from [@w3] as bf16 panels batch 1 rows 192 <64 -> 64> cols 64 <64 -> 64> bytes 24576 at 40960
  gemma.packed @p2 from [@w2] as bf16 panels batch 1 rows 128 <64 -> 64> cols 64 <64 -> 64> bytes 16384 at 65536
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 64 <64 -> 64> bytes 256 at 81920
  gemma.kv_cache @kv.0 heads 1 head_dim 40 window 16
    as f16 capacity 32 bytes 8192 at 0
  gemma.kv_cache @kv.1 heads 1 head_dim 40 window 0
    as f32 capacity 64 bytes 32768 at 8192
  gemma.function @decode max_rows 1 arena_bytes 3072 scratch_bytes 768 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %rope = gemma.buffer private at 256 : !gemma.buffer<1 x 64, f32>
    %raw = gemma.buffer private at 512 : !gemma.buffer<1 x 64, f32>
    %q0 = gemma.buffer shared at 0 : !gemma.buffer<1 x 128, f32>
    %q1 = gemma.buffer shared at 512 : !gemma.buffer<1 x 128, f32>
    %q2 = gemma.buffer shared at 1024 : !gemma.buffer<1 x 128, f32>
    %o0 = gemma.buffer shared at 1536 : !gemma.buffer<1 x 128, f32>
    %o1 = gemma.buffer shared at 2048 : !gemma.buffer<1 x 128, f32>
    %o2 = gemma.buffer shared at 2560 : !gemma.buffer<1 x 128, f32>
    gemma.step.embed %x, @table scale 1.0 replicated : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %rope head_dim 40 <theta = 1.0e4, pairs = 20, factor = 1.0> replicated
      : !gemma.buffer<1 x 64, f32>
    gemma.step.qkv %x, @p4, %rope -> %q0 raw %raw heads 2 head_dim 40
        q_norm @norm k_norm @norm eps 1.0e-6
        cache @kv.0
        : <1 x 64, f32>, <1 x 64, f32> -> <1 x 128, f32>, <1 x 64, f32>
    gemma.step.qkv %x, @p3, %rope -> %q1 raw %raw heads 2 head_dim 40
        q_norm @norm k_norm @norm eps 1.0e-6
        cache @kv.1 keys_are_values
        : <1 x 64, f32>, <1 x 64, f32> -> <1 x 128, f32>, <1 x 64, f32>
    gemma.step.qkv %x, @p2, %rope -> %q2 raw %raw heads 2 head_dim 40
        q_norm @norm eps 1.0e-6
        : <1 x 64, f32>, <1 x 64, f32> -> <1 x 128, f32>, <1 x 64, f32>
    gemma.barrier
    gemma.step.attention %q0, @kv.0 -> %o0 heads 2 : !gemma.buffer<1 x 128, f32> -> !gemma.buffer<1 x 128, f32>
    gemma.step.attention %q1, @kv.1 -> %o1 heads 2 : !gemma.buffer<1 x 128, f32> -> !gemma.buffer<1 x 128, f32>
    gemma.barrier
    gemma.step.attention %q2, @kv.0 -> %o2 heads 2 : !gemma.buffer<1 x 128, f32> -> !gemma.buffer<1 x 128, f32>
  }
}
