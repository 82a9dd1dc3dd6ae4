// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s --check-prefix=BARRIERS
// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s
// How often threads meet.
// BARRIERS:       gemma.function @verify
// BARRIERS-COUNT-6: gemma.barrier
// BARRIERS-NOT:   gemma.barrier

// Two layers of 20 per-layer inputs each: every layer's slice is padded by itself, so the second begins at element 32.
// The table is read by row and lies last in the data.
// CHECK:       gemma.packed @p.ple_proj
// CHECK-NEXT:    from [@ple_proj]
// CHECK-NEXT:    as f16 panels batch 1 rows 64 <20 -> 32> cols 64 <50 -> 64>
// CHECK:       gemma.packed @p.gate
// CHECK-NEXT:    from [@gate]
// CHECK-NEXT:    as q8 panels batch 1 rows 32 <20 -> 32> cols 64 <50 -> 64>
// CHECK:       gemma.packed @p.proj
// CHECK-NEXT:    from [@proj]
// CHECK-NEXT:    as q8 panels batch 1 rows 64 <50 -> 64> cols 32 <20 -> 32>
// CHECK:       gemma.packed @p.ple_table
// CHECK-NEXT:    from [@ple_table]
// CHECK-NEXT:    as q4 table batch 1 rows 6 <6 -> 32> cols 64 <20 -> 32>
// CHECK-SAME:    bytes 256 at 13504 row_at 128
// CHECK:       gemma.function @verify max_rows 8
// CHECK-SAME:    weight_bytes 13160 multiply_adds 4000 {
// CHECK:         gemma.step.embed %[[X:.*]], @p.table
// CHECK-NEXT:    %[[CONTEXT:.*]] = gemma.buffer shared : <8 x 64, f32>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.matmul %[[X]], @p.ple_proj -> %[[CONTEXT]] none
// CHECK-NEXT:    %[[PLE:.*]] = gemma.buffer shared label "ple" : <8 x 64, f32>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.ple_combine %[[CONTEXT]] -> %[[PLE]] context_scale 0.25
// CHECK-NEXT:      norm @p.ple_norm groups 2 count 20 eps 0.5
// CHECK-NEXT:      + @p.ple_table token_scale 4.0 result_scale 0.5
// CHECK-NEXT:      : <8 x 64, f32> -> <8 x 64, f32>
// CHECK-NEXT:    %[[X8:.*]] = gemma.buffer shared : <8 x 64, q8>
// CHECK-NEXT:    gemma.step.quantize %[[X]] -> %[[X8]]
// CHECK-NEXT:    %[[GATED:.*]] = gemma.buffer shared : <8 x 32, f32>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.matmul %[[X8]], @p.gate -> %[[GATED]] gelu_mul
// CHECK-NEXT:      factor %[[PLE]] : !gemma.buffer<8 x 64, f32> factor_offset 32
// CHECK-NEXT:    %[[GATED8:.*]] = gemma.buffer shared : <8 x 32, q8>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.quantize %[[GATED]] -> %[[GATED8]]
// CHECK-NEXT:    %[[BRANCH:.*]] = gemma.buffer shared : <8 x 64, f32>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.matmul %[[GATED8]], @p.proj -> %[[BRANCH]] none
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.add_norm %[[X]], %[[BRANCH]] -> %[[X]] weight @p.post
// CHECK-NEXT:      eps 0.5 count 50 :
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @ple_table : tensor<6x40xf32> as q4 from <"f", 0, 960>
  gemma.weight @ple_proj : tensor<40x50xf32> as f16 from <"f", 0, 8000>
  gemma.weight @ple_norm : tensor<20xf32> from <"f", 0, 80>
  gemma.weight @gate : tensor<20x50xf32> as q8 from <"f", 0, 4000>
  gemma.weight @proj : tensor<50x20xf32> as q8 from <"f", 0, 4000>
  gemma.weight @post : tensor<50xf32> from <"f", 0, 200>
  gemma.weight @table : tensor<6x50xf32> as q8 from <"f", 0, 1200>

  func.func @verify(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 8 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x50xf32>
    %ple = gemma.ple_input %x proj @ple_proj context_scale 0.25
        norm @ple_norm groups 2 eps 0.5
        + @ple_table[%ids] token_scale 4.0 result_scale 0.5
        : tensor<?x50xf32>, tensor<?xi32> -> tensor<?x40xf32>
    %y = gemma.ple_mix %x gelu(@gate) * %ple at 20
        proj @proj
        post_norm @post eps 0.5
        : tensor<?x50xf32>, tensor<?x40xf32>
    return
  }
}
