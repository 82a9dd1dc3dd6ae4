// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: gemmac-opt %s --gemma-plan-steps=wide-towers | FileCheck %s --check-prefixes=CHECK,Q16
// Patches between layer norms and a sound's samples. A layer norm before a quantized matrix quantizes; an alternating
// table of places is packed once.

// CHECK: gemma.packed @p.proj
// CHECK: as q8 panels
// CHECK: gemma.packed @p.table
// CHECK: rows 32 <6 -> 32> cols 32 <8 -> 32>
// CHECK-NOT: gemma.packed @p.table
// CHECK-LABEL: gemma.function @encode_image max_rows 4
// CHECK: %[[P:.*]] = gemma.buffer shared : <4 x 32, f32>
// CHECK: gemma.input "patches" %[[P]]
// CHECK: %[[AT:.*]] = gemma.buffer shared : <4 x 32, i32>
// Q8:  %[[FIRST:.*]] = gemma.buffer shared : <4 x 32, q8>
// Q16: %[[FIRST:.*]] = gemma.buffer shared : <4 x 32, q16>
// CHECK: gemma.step.layer_norm %[[P]] -> %[[FIRST]] weight @p.in bias @p.in_bias count 12 eps 0.25
// CHECK: gemma.step.matmul %[[FIRST]], @p.proj -> %[[X:.*]] none
// CHECK: gemma.step.add_bias %[[X]], @p.bias -> %[[SHIFTED:.*]] :
// CHECK: gemma.step.layer_norm %[[SHIFTED]] -> %[[INNER:.*]] weight @p.norm bias @p.shift count 8 eps 0.25
// CHECK: gemma.step.add_places %[[INNER]], %[[AT]] -> %[[PLACED:.*]] columns @p.table rows @p.table alternating
// CHECK: gemma.step.layer_norm %[[PLACED]] -> %[[LAST:.*]] weight @p.last bias @p.end count 8 eps 0.25
// CHECK: gemma.step.norm %[[LAST]] -> %[[NORMED:.*]]
// CHECK-NEXT: factor 1.0 eps 0.5 count 8
// CHECK: gemma.step.matmul %[[NORMED]], @p.text -> %[[SOFT:.*]] none
// CHECK: gemma.output "soft_tokens" %[[SOFT]]

// CHECK-LABEL: gemma.function @encode_audio max_rows 3
// CHECK: gemma.input "samples" %[[SAMPLES:.*]] : <3 x 32, f32>
// CHECK: gemma.step.norm %[[SAMPLES]] -> %[[NORMED:.*]]
// CHECK-NEXT: factor 1.0 eps 0.5 count 8
// CHECK: gemma.step.matmul %[[NORMED]], @p.text

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @in : tensor<12xf32> as f32 from <"m", 0, 48>
  gemma.weight @in_bias : tensor<12xf32> as f32 from <"m", 48, 48>
  gemma.weight @proj : tensor<8x12xf32> as q8 from <"m", 128, 384>
  gemma.weight @bias : tensor<8xf32> as f32 from <"m", 512, 32>
  gemma.weight @norm : tensor<8xf32> as f32 from <"m", 544, 32>
  gemma.weight @shift : tensor<8xf32> as f32 from <"m", 576, 32>
  gemma.weight @last : tensor<8xf32> as f32 from <"m", 608, 32>
  gemma.weight @end : tensor<8xf32> as f32 from <"m", 640, 32>
  gemma.weight @table : tensor<6x8xf32> as f32 from <"m", 1024, 192>
  gemma.weight @text : tensor<5x8xf32> as f32 from <"m", 2048, 160>

  func.func @encode_image(%p: tensor<?x12xf32> {gemma.name = "patches", gemma.per_row = 1 : i64},
                          %at: tensor<?x2xi32> {gemma.name = "places", gemma.per_row = 1 : i64})
      -> (tensor<?x5xf32> {gemma.name = "soft_tokens"}) attributes {gemma.max_rows = 4 : i64} {
    %x = gemma.normed_patch_embed %p eps 0.25 norm @in bias @in_bias
        proj @proj bias @bias norm @norm bias @shift
        + %at in @table, @table alternating norm @last bias @end
        : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
    %y = gemma.norm_project %x eps 0.5 proj @text : tensor<?x8xf32> -> tensor<?x5xf32>
    return %y : tensor<?x5xf32>
  }

  func.func @encode_audio(%x: tensor<?x8xf32> {gemma.name = "samples", gemma.per_row = 1 : i64})
      -> (tensor<?x5xf32> {gemma.name = "soft_tokens"}) attributes {gemma.max_rows = 3 : i64} {
    %y = gemma.norm_project %x eps 0.5 proj @text : tensor<?x8xf32> -> tensor<?x5xf32>
    return %y : tensor<?x5xf32>
  }
}
