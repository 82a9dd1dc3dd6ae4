// RUN: gemmac-opt --gemma-lower-steps=target=aarch64-linux %s | FileCheck %s
// A rotated cache in q4: keys and values are transformed and quantized before they are stored, queries transformed
// before the scores, and the merged result transformed back. Levels of AArch64: vectors of 8.

// CHECK:       module @neon {
// CHECK-LABEL: func.func @gemmac_decode_neon(
// CHECK:         call @[[QKV:qkv_bf16_k64_n256_q2_d40_[0-9a-f]+_kv_q4_rotated_h1_d40_c32_w0]](
// CHECK:         call @[[SPLITS:attention_splits_q4_rotated_h1_d40_c32_w0_q2]](
// CHECK:         call @[[MERGE:attention_merge_f32_h2_d40_w0_rotated]](

// CHECK:       func.func private @[[QKV]](
// Four steps within a vector, then elements 16 and 32 apart; a block is the 64 of a padded head,
// and what is stored is H x / 8.
// CHECK:         vector.shuffle {{.*}} [1, 0, 3, 2,
// CHECK:         vector.shuffle {{.*}} [2, 3, 0, 1,
// CHECK:         vector.shuffle {{.*}} [4, 5, 6, 7, 0, 1, 2, 3,
// CHECK:         vector.shuffle {{.*}} [8, 9, 10, 11, 12, 13, 14, 15, 0,
// CHECK:         arith.mulf {{.*}}, %{{.*}} : vector<16xf32>
// The scale, then 16 bytes of two elements each, which keys store one by one.
// CHECK:         arith.truncf {{.*}} : f32 to f16
// CHECK:         arith.minsi
// CHECK:         arith.maxsi
// CHECK:         arith.trunci {{.*}} : vector<16xi32> to vector<16xi8>
// CHECK:         scf.for
// CHECK:           llvm.store {{.*}} {alignment = 1 : i64} : i8, !llvm.ptr

// CHECK:       func.func private @[[SPLITS]](
// The queries of a head are copied and rotated once.
// CHECK:         scf.if
// CHECK:           vector.shuffle
// Per group of 32: products with the integers of both halves of a byte, then one product with the scales.
// CHECK:         scf.for
// CHECK:           arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK:           scf.for
// CHECK:             arith.extsi {{.*}} : vector<8xi8> to vector<8xi32>
// CHECK:             arith.shli
// CHECK:             arith.shrsi
// CHECK:             arith.sitofp {{.*}} : vector<8xi32> to vector<8xf32>
// CHECK:             arith.shrsi
// CHECK:             arith.sitofp
// CHECK:             math.fma {{.*}} : vector<8xf32>
// CHECK:           math.fma {{.*}} : vector<8xf32>

// CHECK:       func.func private @[[MERGE]](
// CHECK:         vector.shuffle
// The padding of each half, from its element 20 on, becomes zero again.
// CHECK:         arith.select {{.*}} : vector<16xi1>, vector<16xf32>
module {
  gemma.program context 64 slots 1 slot_bytes 2304 arena_bytes 2048 scratch_bytes 768
  gemma.weight @t : tensor<32x64xf32> from <"w", 0, 8192>
  gemma.weight @w4 : tensor<256x64xf32> from <"w", 0, 65536>
  gemma.weight @n : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @table from [@t] as f32 table batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 8192 at 0 row_at 0
  gemma.packed @p4 from [@w4] as bf16 panels batch 1 rows 256 <64 -> 64> cols 64 <64 -> 64> bytes 32768 at 8192
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 64 <64 -> 64> bytes 256 at 40960
  gemma.kv_cache @kv.0 heads 1 head_dim 40 window 0
    as q4 capacity 32 bytes 2304 at 0 rotated
  gemma.function @decode max_rows 1 arena_bytes 2048 scratch_bytes 768 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %rope = gemma.buffer private at 256 : !gemma.buffer<1 x 64, f32>
    %raw = gemma.buffer private at 512 : !gemma.buffer<1 x 64, f32>
    %q = gemma.buffer shared at 0 : !gemma.buffer<1 x 128, f32>
    %parts = gemma.buffer shared at 512 : !gemma.buffer<1 x 160, f32>
    %o = gemma.buffer shared at 1152 : !gemma.buffer<1 x 128, f32>
    gemma.step.embed %x, @table scale 1.0 replicated : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %rope head_dim 40 <theta = 1.0e4, pairs = 20, factor = 1.0> replicated
      : !gemma.buffer<1 x 64, f32>
    gemma.step.qkv %x, @p4, %rope -> %q raw %raw heads 2 head_dim 40
        q_norm @norm k_norm @norm eps 1.0e-6
        cache @kv.0
        : <1 x 64, f32>, <1 x 64, f32> -> <1 x 128, f32>, <1 x 64, f32>
    gemma.barrier
    gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 : !gemma.buffer<1 x 128, f32> -> !gemma.buffer<1 x 160, f32>
    gemma.barrier
    gemma.step.attention_merge %parts, @kv.0 -> %o heads 2 : !gemma.buffer<1 x 160, f32> -> !gemma.buffer<1 x 128, f32>
  }
}
