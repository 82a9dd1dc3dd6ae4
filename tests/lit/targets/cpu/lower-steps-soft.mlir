// RUN: gemmac-opt --gemma-lower-steps="target=x86_64-linux levels=avx2" %s | FileCheck %s
// Soft tokens and blocks have kernels of their own; functions without share those that they always had.

// CHECK:       func.func @gemmac_prefill_block_avx2(
// CHECK:         call @[[SOFT:embed_f32_k64_n100_rows_[0-9a-f]+_soft]](
// CHECK-SAME:      : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64)
// CHECK:         call @[[BLOCKS:attention_f16_h1_d32_c32_w16_q2_blocks]](
// A negative token's row is copied.
// CHECK:       func.func private @[[SOFT]](
// CHECK:         scf.for
// CHECK:           arith.cmpi slt
// CHECK-NEXT:      scf.if
// CHECK:           } else {
// CHECK:       func.func @gemmac_prefill_avx2(
// CHECK:         call @embed_f32_k64_n100_rows_{{[0-9a-f]+}}({{.*}}) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64)
// CHECK:         call @attention_f16_h1_d32_c32_w16_q2(
module {
  gemma.program context 32 slots 1 slot_bytes 8192 data_bytes 25600 mapped_bytes 0 table_row_bytes 256
      arena_bytes 8192 scratch_bytes 64
  gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
  gemma.packed @table from [@w.table]
    as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600 at 0 row_at 0
  gemma.kv_cache @kv.0 heads 1 head_dim 32 window 16 as f16 capacity 32 bytes 4096 at 0
  gemma.function @prefill_block max_rows 4 arena_bytes 8192 scratch_bytes 0 {
    %soft = gemma.buffer shared at 0 : !gemma.buffer<4 x 64, f32>
    gemma.input "soft_tokens" %soft : <4 x 64, f32>
    %x = gemma.buffer shared at 1024 : !gemma.buffer<4 x 64, f32>
    %y = gemma.buffer shared at 2048 : !gemma.buffer<4 x 64, f32>
    gemma.step.embed %x, @table scale 8.0 soft %soft : <4 x 64, f32>, !gemma.buffer<4 x 64, f32>
    gemma.barrier
    gemma.step.attention %x, @kv.0 -> %y heads 2 blocks : <4 x 64, f32> -> <4 x 64, f32>
  }
  gemma.function @prefill max_rows 4 arena_bytes 8192 scratch_bytes 0 {
    %x = gemma.buffer shared at 1024 : !gemma.buffer<4 x 64, f32>
    %y = gemma.buffer shared at 2048 : !gemma.buffer<4 x 64, f32>
    gemma.step.embed %x, @table scale 8.0 : <4 x 64, f32>
    gemma.barrier
    gemma.step.attention %x, @kv.0 -> %y heads 2 : <4 x 64, f32> -> <4 x 64, f32>
  }
}
