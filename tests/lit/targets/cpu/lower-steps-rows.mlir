// RUN: gemmac-opt --gemma-lower-steps=target=x86_64-linux %s | FileCheck %s
// RUN: gemmac-opt --gemma-lower-steps=target=aarch64-linux %s | FileCheck %s --check-prefix=ARM
// Several rows: steps on rows divide them among threads, products run in tiles of rows.

// CHECK-LABEL: func.func @gemmac_verify_avx2(
// CHECK:         %[[C40:.*]] = arith.constant 40
// CHECK:         llvm.getelementptr %{{.*}}[%[[C40]]]
// CHECK:         %[[ROWS:.*]] = llvm.load
// CHECK:         %[[T0:.*]] = arith.muli %[[ROWS]], %{{.*}}
// CHECK:         %[[FROM:.*]] = arith.divui %[[T0]]
// CHECK:         %[[T1:.*]] = arith.muli %[[ROWS]], %{{.*}}
// CHECK:         %[[TO:.*]] = arith.divui %[[T1]]
// CHECK:         call @embed_f32_k64_n16_rows_{{.*}}, %[[FROM]], %[[TO]])
// CHECK:         call @add_norm_w64_of60_scaled_{{.*}}(
// CHECK:         call @norm_f32_w64_of60_plain_
// CHECK:         call @matmul_f16_k64_geglu_rows(
// CHECK:         call @matmul_f16_k64_gelu_mul_rows(
// CHECK:         call @matmul_f16_k64_softcap_{{[0-9a-f]+}}_rows(
// CHECK:         call @ple_combine_f32_k64_n16_rows_g2_of20_

// Four pairs of panels at a time; of each, for a tile of rows, a group of columns after the other, with sums in memory.
// CHECK-LABEL: func.func private @matmul_f16_k64_geglu_rows(
// CHECK:         llvm.alloca
// CHECK:         scf.for {{.*}} step %[[FOUR:[^ ]*]]
// CHECK:           arith.minsi
// CHECK:           scf.for {{.*}} step %{{.*}}
// CHECK:             scf.for
// CHECK:               llvm.store {{.*}} : vector<16xf32>
// CHECK:             scf.for
// CHECK:               scf.for
// CHECK:                 prefetch
// CHECK:                 scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK:                 llvm.store {{.*}} {alignment = 64 : i64} : vector<16xf32>
// CHECK:             scf.for
// CHECK:               llvm.store {{.*}} {alignment = 4 : i64} : vector<16xf32>

// With registers for the sums of a tile of four rows:
// ARM-LABEL: module @dotprod
// ARM-LABEL: func.func private @matmul_f16_k64_geglu_rows(
// at most half a tile of rows: one pair of panels, two rows at a time, then one
// ARM:         %[[MANY:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS:.*]] : i64
// ARM:         %[[HALF:.*]] = arith.select %[[MANY]], %[[FIRST:.*]], %[[LAST:[^ ]*]] : i64
// ARM:         arith.subi %[[HALF]], %[[FIRST]]
// ARM:         scf.for
// ARM:           scf.for
// ARM:             scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// ARM:             scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// more: one pair, four rows at a time, then two, then one
// ARM:         arith.subi %[[LAST]], %[[HALF]]
// ARM:           scf.for
// ARM:             scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>,
// ARM-SAME:          vector<16xf32>, vector<16xf32>, vector<16xf32>)
// ARM:             scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// ARM:             scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 10240 scratch_bytes 0
  gemma.weight @t : tensor<16x64xf32> from <"w", 0, 4096>
  gemma.weight @w : tensor<32x64xf32> from <"w", 0, 8192>
  gemma.weight @n : tensor<60xf32> from <"w", 0, 240>
  gemma.weight @g : tensor<20xf32> from <"w", 0, 80>
  gemma.weight @s : tensor<1xf32> from <"w", 0, 4>
  gemma.packed @table from [@t] as f32 table batch 1 rows 16 <16 -> 16> cols 64 <64 -> 64> bytes 4096 at 0 row_at 0
  gemma.packed @pair from [@w, @w] as f16 panels batch 1 interleave rows 64 <32 -> 32> cols 64 <64 -> 64>
    bytes 8192 at 4096
  gemma.packed @single from [@w] as f16 panels batch 1 rows 32 <32 -> 32> cols 64 <64 -> 64> bytes 4096 at 12288
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 64 <60 -> 64> bytes 256 at 16384
  gemma.packed @groups from [@g] as f32 vector batch 1 rows 1 <16 -> 16> cols 32 <20 -> 32> bytes 128 at 16640
  gemma.packed @scalar from [@s] as f32 vector batch 1 rows 1 <16 -> 16> cols 32 <1 -> 32> bytes 128 at 16768
  gemma.function @verify max_rows 8 arena_bytes 10240 scratch_bytes 0 {
    %x = gemma.buffer shared at 0 : !gemma.buffer<8 x 64, f32>
    %y = gemma.buffer shared at 2048 : !gemma.buffer<8 x 64, f32>
    %p = gemma.buffer shared at 4096 : !gemma.buffer<8 x 64, f32>
    %a = gemma.buffer shared at 6144 : !gemma.buffer<8 x 32, f32>
    %b = gemma.buffer shared at 7168 : !gemma.buffer<8 x 32, f32>
    %c = gemma.buffer shared at 8192 : !gemma.buffer<8 x 32, f32>
    gemma.step.embed %x, @table scale 1.0 : !gemma.buffer<8 x 64, f32>
    gemma.step.add_norm %x, %x -> %x weight @norm layer_scale @scalar eps 1.0e-6 count 60
      : !gemma.buffer<8 x 64, f32>, !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 64, f32>
    gemma.step.norm %x -> %y factor 1.0 eps 1.0e-6 count 60 : !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 64, f32>
    gemma.barrier
    gemma.step.matmul %y, @pair -> %a geglu : !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 32, f32>
    gemma.step.matmul %y, @single -> %b gelu_mul factor %x : !gemma.buffer<8 x 64, f32> factor_offset 32
      : !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 32, f32>
    gemma.step.matmul %y, @single -> %c softcap cap 30.0 : !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 32, f32>
    gemma.step.ple_combine %y -> %p context_scale 0.125
        norm @groups groups 2 count 20 eps 1.0e-6
        + @table token_scale 4.0 result_scale 0.5
        : !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 64, f32>
  }
}
