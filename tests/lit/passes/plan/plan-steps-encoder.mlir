// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s
// Attention among the rows of a picture is in f32 where its projections read f32, and in int16, whose memory counts as
// i32, where they read integers: 12 rows padded to 32, and for each KV head d elements and a scale.

// CHECK-LABEL: gemma.function @of_floats
// CHECK:       %[[MEMORY:.*]] = gemma.buffer shared : <16 x 64, f32>
// CHECK:       gemma.step.encoder_qkv %{{.*}}, @p.q_k_v, {{.*}} -> %[[QUERY:.*]], %[[MEMORY]] raw
// CHECK:       : <12 x 64, f32>, <12 x 32, f32> -> <12 x 64, f32>, <16 x 64, f32>, <12 x 32, f32>
// CHECK:       gemma.step.encoder_attention %[[QUERY]], %[[MEMORY]] -> %[[QUERY]]

// CHECK-LABEL: gemma.function @of_integers
// CHECK:       %[[MEMORY:.*]] = gemma.buffer shared : <32 x 64, i32>
// CHECK:       gemma.step.encoder_qkv %{{.*}}, @p.wq_wk_wv, {{.*}} -> %[[QUERY:.*]], %[[MEMORY]] raw
// CHECK:       : <12 x 64, q16>, <12 x 32, f32> -> <12 x 64, f32>, <32 x 64, i32>, <12 x 32, f32>
// CHECK:       gemma.step.encoder_attention %[[QUERY]], %[[MEMORY]] -> %[[QUERY]]
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @norm : tensor<64xf32> as f32 from <"m", 0, 256>
  gemma.weight @head : tensor<32xf32> as f32 from <"m", 0, 128>
  gemma.weight @q : tensor<64x64xf32> as f32 from <"m", 0, 16384>
  gemma.weight @k : tensor<32x64xf32> as f32 from <"m", 0, 8192>
  gemma.weight @v : tensor<32x64xf32> as f32 from <"m", 0, 8192>
  gemma.weight @o : tensor<64x64xf32> as f32 from <"m", 0, 16384>
  gemma.weight @wq : tensor<64x64xf32> as q12 from <"m", 0, 16384>
  gemma.weight @wk : tensor<32x64xf32> as q12 from <"m", 0, 8192>
  gemma.weight @wv : tensor<32x64xf32> as q12 from <"m", 0, 8192>
  gemma.weight @wo : tensor<64x64xf32> as q12 from <"m", 0, 16384>
  func.func @of_floats(%rows: tensor<?x64xf32> {gemma.name = "rows", gemma.per_row = 4 : i64},
      %places: tensor<?x2xi32> {gemma.name = "places", gemma.per_row = 4 : i64})
      -> (tensor<?x64xf32> {gemma.name = "rows"}) attributes {gemma.max_rows = 3 : i64} {
    %0 = gemma.encoder_attention %rows, %places norm @norm eps 0.5
        heads 2 kv_heads 1 head_dim 32 theta 100.0
        q @q q_norm @head
        k @k k_norm @head
        v @v
        o @o post_norm @norm : tensor<?x64xf32>, tensor<?x2xi32>
    return %0 : tensor<?x64xf32>
  }
  func.func @of_integers(%rows: tensor<?x64xf32> {gemma.name = "rows", gemma.per_row = 4 : i64},
      %places: tensor<?x2xi32> {gemma.name = "places", gemma.per_row = 4 : i64})
      -> (tensor<?x64xf32> {gemma.name = "rows"}) attributes {gemma.max_rows = 3 : i64} {
    %0 = gemma.encoder_attention %rows, %places norm @norm eps 0.5
        heads 2 kv_heads 1 head_dim 32 theta 100.0
        q @wq q_norm @head
        k @wk k_norm @head
        v @wv
        o @wo post_norm @norm : tensor<?x64xf32>, tensor<?x2xi32>
    return %0 : tensor<?x64xf32>
  }
}
