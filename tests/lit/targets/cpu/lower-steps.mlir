// RUN: gemmac-opt --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// The phase function: addresses and shares of threads, one call per step, kernels made once per shape.

// The gemma ops stay for the artifact writer.
// CHECK:      gemma.packed @a
// CHECK:      gemma.function @decode

// CHECK:      module @avx2 {
// CHECK-NEXT:   func.func private @gemmac_barrier(!llvm.ptr, i64)
// CHECK-NEXT:   func.func @gemmac_decode_avx2(%[[CALL:[^:]*]]: !llvm.ptr, %[[THREAD:[^:]*]]: i64) {
// data, arena, scratch, rows of gemmac_call, then threads; one row, so that `row_count` is not read
// CHECK:          %[[DATA:.*]] = llvm.load %[[CALL]]
// CHECK:          %[[ARENA:.*]] = llvm.load
// CHECK:          %[[SCRATCHES:.*]] = llvm.load
// CHECK:          %[[C32:.*]] = arith.constant 32
// CHECK:          llvm.getelementptr %[[CALL]][%[[C32]]]
// CHECK:          %[[CALLED:.*]] = llvm.load
// CHECK:          %[[C64:.*]] = arith.constant 64
// CHECK:          llvm.getelementptr %[[CALL]][%[[C64]]]
// CHECK:          %[[THREADS:.*]] = llvm.load
// CHECK:          %[[ROWS:.*]] = arith.constant 1
// CHECK:          %[[SKIPPED:.*]] = arith.muli %[[THREAD]], %{{.*}}
// CHECK:          %[[SCRATCH:.*]] = llvm.getelementptr %[[SCRATCHES]][%[[SKIPPED]]]

// A replicated step does all rows.
// CHECK:          %[[FIRST:.*]] = arith.constant 0
// CHECK:          call @[[EMBED:embed_q4_k64_n64_[0-9a-f]*]](%{{.*}}, %[[CALLED]], %[[SCRATCH]], %[[FIRST]], %[[ROWS]])
// CHECK:          call @[[NORM:norm_q8_w64_of64_[0-9a-f_]*]](%[[SCRATCH]],

// Panels are shared out: panels * thread / threads to panels * (thread + 1) / threads.
// CHECK:          %[[PANELS:.*]] = arith.constant 4
// CHECK:          %[[T0:.*]] = arith.muli %[[PANELS]], %[[THREAD]]
// CHECK:          %[[FROM:.*]] = arith.divui %[[T0]], %[[THREADS]]
// CHECK:          %[[NEXT:.*]] = arith.addi %[[THREAD]],
// CHECK:          %[[T1:.*]] = arith.muli %[[PANELS]], %[[NEXT]]
// CHECK:          %[[TO:.*]] = arith.divui %[[T1]], %[[THREADS]]
// CHECK:          call @[[MATMUL:matmul_q4_k64_none]]({{.*}}, %[[ROWS]], %[[FROM]], %[[TO]], %{{.*}}, %{{.*}})
// CHECK:          call @gemmac_barrier(%[[CALL]], %[[THREAD]])

// The second layer calls the same kernels.
// CHECK:          call @quantize_q8_w64(
// CHECK:          call @[[MATMUL]](
// CHECK:          call @gemmac_barrier(
// CHECK-NEXT:     return

// CHECK:        func.func private @[[EMBED]](%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64,
// CHECK-SAME:     %{{.*}}: i64)
// CHECK:        func.func private @[[NORM]](
// CHECK:        func.func private @[[MATMUL]](
// CHECK:          llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// CHECK:        func.func private @quantize_q8_w64(
// CHECK-NOT:    func.func private

// CHECK:      module @avxvnni {
// CHECK:          llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"

// CHECK:      module @avx512 {
// CHECK:        func.func @gemmac_decode_avx512(
// CHECK:          call @[[MATMUL]](
// CHECK:        func.func private @[[MATMUL]](
// CHECK-NOT:    func.func
// CHECK:          llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 512 scratch_bytes 384
  gemma.weight @w : tensor<64x64xf32> from <"w", 0, 16384>
  gemma.weight @n : tensor<64xf32> from <"w", 0, 256>
  gemma.packed @a from [@w] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304 at 0
  gemma.packed @b from [@w] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304 at 2304
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 64 <64 -> 64> bytes 256 at 4608
  gemma.function @decode max_rows 1 arena_bytes 512 scratch_bytes 384 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    %q = gemma.buffer private at 256 : !gemma.buffer<1 x 64, q8>
    %y = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
    %z = gemma.buffer shared at 256 : !gemma.buffer<1 x 64, f32>
    gemma.step.embed %x, @a scale 8.0 replicated : !gemma.buffer<1 x 64, f32>
    gemma.step.norm %x -> %q weight @norm factor 1.0 eps 1.0e-6 count 64 replicated
      : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 64, q8>
    gemma.step.matmul %q, @a -> %y none : !gemma.buffer<1 x 64, q8> -> !gemma.buffer<1 x 64, f32>
    gemma.barrier
    gemma.step.quantize %y -> %q replicated : !gemma.buffer<1 x 64, f32> -> !gemma.buffer<1 x 64, q8>
    gemma.step.matmul %q, @b -> %z none : !gemma.buffer<1 x 64, q8> -> !gemma.buffer<1 x 64, f32>
    gemma.barrier
  }
}
