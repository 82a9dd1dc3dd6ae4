// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s --check-prefix=BARRIERS
// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s
// How often threads meet.
// BARRIERS:       gemma.function @decode
// BARRIERS-COUNT-3: gemma.barrier
// BARRIERS-NOT:   gemma.barrier
// BARRIERS:       gemma.function @verify
// BARRIERS-COUNT-6: gemma.barrier
// BARRIERS-NOT:   gemma.barrier

// The dense MLP, the router and the experts run side by side: three barriers with one row.
// CHECK:       gemma.packed @p.gate_up_0
// CHECK-NEXT:    from [@gate_up]
// CHECK-NEXT:    as q8 panels batch 6 interleave
// CHECK-SAME:    rows 128 <40 -> 64> cols 32 <32 -> 32> bytes 27648
// CHECK:       gemma.packed @p.experts_down
// CHECK-NEXT:    from [@experts_down]
// CHECK-NEXT:    as q8 panels batch 6
// CHECK-SAME:    rows 32 <32 -> 32> cols 64 <40 -> 64> bytes 13056
// CHECK:       gemma.function @decode max_rows 1
// CHECK-SAME:    weight_bytes 26018 multiply_adds 17472 {
// CHECK:         gemma.step.norm %[[X:.*]] -> %[[DENSE:[0-9]+]] weight @p.n
// CHECK-NEXT:      factor 1.0
// CHECK:         gemma.step.norm %[[X]] -> %[[R:[0-9]+]] weight @p.router_scale
// CHECK-NEXT:      factor 0.25 {{.*}} replicated
// CHECK-SAME:      : <1 x 32, f32> -> <1 x 32, f32>
// CHECK:         gemma.step.norm %[[X]] -> %[[N:[0-9]+]] weight @p.n
// CHECK-NEXT:      {{.*}} replicated : <1 x 32, f32> -> <1 x 32, q8>
// CHECK:         gemma.step.matmul %[[R]], @p.router -> %[[SCORES:[0-9]+]] none
// CHECK:         gemma.step.matmul %[[DENSE]], @p.gate_up -> %[[HIDDEN:[0-9]+]] geglu
// CHECK:         %[[PICKS:.*]] = gemma.buffer private : <1 x 32, i32>
// CHECK-NEXT:    %[[W:.*]] = gemma.buffer private : <1 x 32, f32>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.route %[[SCORES]] -> %[[PICKS]], %[[W]] experts 6 top_k 2 scale @p.expert_scale replicated
// CHECK:         gemma.step.quantize %[[HIDDEN]] -> %[[HIDDEN8:[0-9]+]] replicated :
// CHECK:         gemma.step.matmul %[[HIDDEN8]], @p.down -> %[[M:[0-9]+]] none
// CHECK-NEXT:    %[[U:.*]] = gemma.buffer shared : <2 x 64, f32>
// CHECK-NEXT:    gemma.step.expert_up %[[N]], @p.gate_up_0 picks %[[PICKS]] -> %[[U]] top_k 2
// CHECK-NEXT:      : <1 x 32, q8>, <1 x 32, i32> -> <2 x 64, f32>
// CHECK-NEXT:    %[[U8:.*]] = gemma.buffer private : <2 x 64, q8>
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.quantize %[[U]] -> %[[U8]] replicated
// CHECK:         gemma.step.expert_down %[[U8]], @p.experts_down picks %[[PICKS]], %[[W]] -> %[[E:[0-9]+]] top_k 2
// CHECK:         gemma.step.norm %[[M]] -> %[[SUM:[0-9]+]] weight @p.n
// CHECK-NEXT:      factor
// CHECK-NEXT:    gemma.barrier
// CHECK-NEXT:    gemma.step.add_norm %[[SUM]], %[[E]] -> %[[SUM]] weight @p.n
// CHECK-NEXT:      eps
// CHECK-NEXT:    gemma.step.add_norm %[[X]], %[[SUM]] -> %[[X]] weight @p.n
// With several rows: the experts' rows are top-k per row, and quantizing them divides the call's rows.
// CHECK:       gemma.function @verify max_rows 8
// CHECK:         %[[PICKS:.*]] = gemma.buffer shared : <8 x 32, i32>
// CHECK:         %[[U:.*]] = gemma.buffer shared : <16 x 64, f32>
// CHECK:         gemma.step.quantize %[[U]] -> %{{[0-9]+}} : <16 x 64, f32> -> <16 x 64, q8>
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @n : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @gate : tensor<100x32xf32> as q4 from <"f", 0, 12800>
  gemma.weight @up : tensor<100x32xf32> as q4 from <"f", 0, 12800>
  gemma.weight @down : tensor<32x100xf32> as q4 from <"f", 0, 12800>
  gemma.weight @router : tensor<6x32xf32> as f32 from <"f", 0, 768>
  gemma.weight @router_scale : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @expert_scale : tensor<6xf32> from <"f", 0, 24>
  gemma.weight @gate_up : tensor<6x80x32xf32> as q8 from <"f", 0, 61440>
  gemma.weight @experts_down : tensor<6x32x40xf32> as q8 from <"f", 0, 30720>
  gemma.weight @table : tensor<6x32xf32> as q8 from <"f", 0, 768>

  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    %y = gemma.moe %x eps 0.5
        dense pre_norm @n
          geglu(@gate, @up) down @down
          post_norm @n
        router scale @router_scale factor 0.25 proj @router
          top_k 2 per_expert_scale @expert_scale
        experts pre_norm @n
          gate_up @gate_up down @experts_down
          post_norm @n
        sum post_norm @n
        : tensor<?x32xf32>
    return
  }
  func.func @verify(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 8 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    %y = gemma.moe %x eps 0.5
        dense pre_norm @n
          geglu(@gate, @up) down @down
          post_norm @n
        router scale @router_scale factor 0.25 proj @router
          top_k 2 per_expert_scale @expert_scale
        experts pre_norm @n
          gate_up @gate_up down @experts_down
          post_norm @n
        sum post_norm @n
        : tensor<?x32xf32>
    return
  }
}
