// RUN: gemmac-opt %s --gemma-mark-steps | FileCheck %s
// RUN: gemmac-opt %s --gemma-mark-steps --gemma-lower-steps=target=x86_64-linux | FileCheck %s --check-prefix=LOWER
// RUN: gemmac-opt %s --gemma-lower-steps=target=x86_64-linux | FileCheck %s --check-prefix=PLAIN

// Every step and barrier is followed by a mark that names its kernel: by its weight, its cache or its width. Lowered,
// the runtime is told the number of the mark.
module {
  gemma.program context 64 slots 1 slot_bytes 4096 arena_bytes 1024 scratch_bytes 384
  gemma.weight @w : tensor<64x64xf32> from <"w", 0, 16384>
  gemma.weight @n : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @table from [@w] as q8 table batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 4352 at 0 row_at 0
  gemma.packed @head from [@w] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304 at 4352
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <64 -> 64> cols 64 <64 -> 64> bytes 256 at 6656
  gemma.kv_cache @kv.0 heads 1 head_dim 32 window 16
    as f16 capacity 32 bytes 4096 at 0

  // CHECK-LABEL: gemma.function @decode
  // LOWER-LABEL: module @avx2
  // LOWER:         func.func private @gemmac_mark(!llvm.ptr, i64, i64)
  // LOWER:         func.func @gemmac_decode_avx2(%[[CALL:[^:]*]]: !llvm.ptr, %[[THREAD:[^:]*]]: i64) {
  // PLAIN-NOT:   gemmac_mark
  gemma.function @decode max_rows 1 arena_bytes 1024 scratch_bytes 384 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %q = gemma.buffer private at 256 : !gemma.buffer<1 x 64, q8>
    %y = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
    %z = gemma.buffer shared at 256 : !gemma.buffer<1 x 64, f32>
    // CHECK:      gemma.step.embed
    // CHECK-NEXT: gemma.mark "embed q8 64 x 64" of @table bytes 68
    // LOWER:      call @embed
    // LOWER:      %[[M0:.*]] = arith.constant 0 : i64
    // LOWER-NEXT: call @gemmac_mark(%[[CALL]], %[[THREAD]], %[[M0]])
    gemma.step.embed %x, @table scale 8.0 replicated : !gemma.buffer<1 x 64, f32>
    // CHECK:      gemma.step.norm
    // CHECK-NEXT:   factor
    // CHECK-NEXT: gemma.mark "norm f32 64" of @norm bytes 256
    gemma.step.norm %x -> %x weight @norm factor 1.0 eps 1.0e-6 count 64 replicated
      : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 64, f32>
    // CHECK:      gemma.step.quantize
    // CHECK-NEXT: gemma.mark "quantize 64" bytes 0
    gemma.step.quantize %x -> %q replicated : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 64, q8>
    // CHECK:      gemma.step.matmul
    // CHECK-NEXT: gemma.mark "matmul q4 64 x 64" of @head bytes 2304
    gemma.step.matmul %q, @head -> %y none : !gemma.buffer<1 x 64, q8> -> !gemma.buffer<1 x 64, f32>
    // CHECK-NEXT: gemma.barrier
    // CHECK-NEXT: gemma.mark "barrier" bytes 0
    // LOWER:      call @gemmac_barrier(
    // LOWER:      %[[M4:.*]] = arith.constant 4 : i64
    // LOWER-NEXT: call @gemmac_mark(%[[CALL]], %[[THREAD]], %[[M4]])
    gemma.barrier
    // CHECK:      gemma.step.attention
    // CHECK-NEXT: gemma.mark "attention head 32 window 16" of @kv.0 bytes 0
    // CHECK-NEXT: }
    gemma.step.attention %y, @kv.0 -> %z heads 2 : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 64, f32>
  }
}
