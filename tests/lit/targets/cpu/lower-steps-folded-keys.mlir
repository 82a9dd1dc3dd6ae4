// RUN: gemmac-opt --gemma-lower-steps=target=aarch64-linux %s | FileCheck %s
// A cache that stores 16 of the 64 elements of a key, since keys are values. Levels of AArch64: vectors of 8.

// CHECK:       module @neon {
// CHECK-LABEL: func.func @gemmac_decode_neon(
// CHECK:         call @[[QKV:qkv_bf16_k64_n192_q2_d64_[0-9a-f]+_kv_f16_h1_d64_c32_w0_turned8_shared]](
// CHECK:         call @[[SPLITS:attention_splits_f16_h1_d64_c32_w0_turned8_q2]](

// Of 16 elements of each half of the head, 8 turn: these are stored, padding beside them, 32 in all.
// CHECK:       func.func private @[[QKV]](
// CHECK:         arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK:         arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK:         arith.constant 32 : i64
// CHECK:         arith.truncf {{.*}} : f32 to f16

// The query's part for the stored keys, then that for the values: times the weight of the
// keys' norm, zero where pairs turn.
// CHECK:       func.func private @[[SPLITS]](
// CHECK:         scf.if
// CHECK:           arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK:           arith.mulf {{.*}} : vector<16xf32>
// CHECK:           arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// Scores of the stored keys, to which those of the values are added: 16 sums of every 16th element.
// CHECK:         arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK:         math.fma {{.*}} : vector<8xf32>
// CHECK:         arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK:         math.fma {{.*}} : vector<16xf32>
// CHECK:         arith.addf {{.*}} : f32
module {
  gemma.program context 64 slots 1 slot_bytes 6144 arena_bytes 2048 scratch_bytes 768
  gemma.weight @t : tensor<32x64xf32> from <"w", 0, 8192>
  gemma.weight @w3 : tensor<192x64xf32> from <"w", 0, 49152>
  gemma.weight @n : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @table from [@t] as f32 table batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 8192 at 0 row_at 0
  gemma.packed @p3 from [@w3] as bf16 panels batch 1 rows 192 <64 -> 64> cols 64 <64 -> 64> bytes 24576 at 8192
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 64 <64 -> 64> bytes 256 at 32768
  gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
    as f16 capacity 32 bytes 6144 at 0 turned_pairs 8
  gemma.function @decode max_rows 1 arena_bytes 2048 scratch_bytes 768 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %rope = gemma.buffer private at 256 : !gemma.buffer<1 x 64, f32>
    %raw = gemma.buffer private at 512 : !gemma.buffer<1 x 64, f32>
    %q = gemma.buffer shared at 0 : !gemma.buffer<1 x 128, f32>
    %parts = gemma.buffer shared at 512 : !gemma.buffer<1 x 160, f32>
    gemma.step.embed %x, @table scale 1.0 replicated : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %rope head_dim 64 <theta = 1.0e4, pairs = 8, factor = 1.0> replicated
      : !gemma.buffer<1 x 64, f32>
    gemma.step.qkv %x, @p3, %rope -> %q raw %raw heads 2 head_dim 64
        q_norm @norm k_norm @norm eps 1.0e-6
        cache @kv.0 keys_are_values
        : <1 x 64, f32>, <1 x 64, f32> -> <1 x 128, f32>, <1 x 64, f32>
    gemma.barrier
    gemma.step.attention_splits %q, @kv.0 -> %parts heads 2 key_norm @norm
      : !gemma.buffer<1 x 128, f32> -> !gemma.buffer<1 x 160, f32>
  }
}
