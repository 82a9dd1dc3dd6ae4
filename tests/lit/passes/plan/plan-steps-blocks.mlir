// RUN: gemmac-opt %s --gemma-plan-steps=block-rows=40 --gemma-place-buffers | FileCheck %s
// RUN: gemmac-opt %s --gemma-plan-steps=block-rows=160 | FileCheck %s --check-prefix=WHOLE
// Eight rows of patches belong to a row of the call: 40 of 160 multiplied at a time are 5 of 20. What flows between
// row-wise steps has room for a block; what attention reads, and what there is before, has room for all. Blocks end
// where nothing flows on that has room for a block alone.

// WHOLE-NOT: gemma.blocks
// CHECK-LABEL: gemma.function @encode max_rows 20
// CHECK:       %[[PATCHES:.*]] = gemma.buffer shared at {{[0-9]+}} : <160 x 64, f32>
// CHECK:       %[[SCALED:.*]] = gemma.buffer shared at {{[0-9]+}} block 5 : <160 x 64, f32>
// CHECK:       gemma.blocks rows 5
// CHECK-NEXT:  gemma.step.affine %[[PATCHES]] -> %[[SCALED]]
// CHECK:       gemma.step.matmul %[[SCALED]], @p.proj
// CHECK:       gemma.barrier
// CHECK-NEXT:  gemma.end_blocks
// CHECK-NEXT:  gemma.step.add_places
// CHECK:       gemma.barrier
// CHECK-NEXT:  gemma.blocks rows 5
// CHECK-NEXT:  gemma.step.norm %{{.*}} -> %[[NORMED:[0-9a-z]+]]
// CHECK:       gemma.step.encoder_qkv %[[NORMED]], {{.*}} -> %[[QUERY:[0-9a-z]+]], %{{.*}} raw
// CHECK:       gemma.barrier
// CHECK-NEXT:  gemma.end_blocks
// CHECK-NEXT:  gemma.step.encoder_attention %[[QUERY]], %{{.*}} -> %[[QUERY]]
// CHECK:       gemma.barrier
// CHECK-NEXT:  gemma.blocks rows 5
// CHECK:       gemma.step.matmul %[[QUERY]], @p.o
// CHECK:       gemma.step.add_norm
// CHECK:       gemma.barrier
// CHECK-NEXT:  gemma.end_blocks
// CHECK-NEXT:  gemma.output "rows"
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @proj : tensor<64x48xf32> as f32
    from <"m", 0, 12288>
  gemma.weight @places : tensor<16x64xf32> as f32
    from <"m", 0, 4096>
  gemma.weight @norm : tensor<64xf32> as f32
    from <"m", 0, 256>
  gemma.weight @head : tensor<32xf32> as f32
    from <"m", 0, 128>
  gemma.weight @q : tensor<64x64xf32> as f32
    from <"m", 0, 16384>
  gemma.weight @k : tensor<32x64xf32> as f32
    from <"m", 0, 8192>
  gemma.weight @v : tensor<32x64xf32> as f32
    from <"m", 0, 8192>
  gemma.weight @o : tensor<64x64xf32> as f32
    from <"m", 0, 16384>
  func.func @encode(%patches: tensor<?x48xf32> {gemma.name = "patches", gemma.per_row = 8 : i64},
      %places: tensor<?x2xi32> {gemma.name = "places", gemma.per_row = 8 : i64})
      -> (tensor<?x64xf32> {gemma.name = "rows"}) attributes {gemma.max_rows = 20 : i64} {
    %0 = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
        + %places in @places, @places : tensor<?x48xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
    %1 = gemma.encoder_attention %0, %places norm @norm eps 0.5
        heads 2 kv_heads 1 head_dim 32 theta 100.0
        q @q q_norm @head
        k @k k_norm @head
        v @v
        o @o post_norm @norm : tensor<?x64xf32>, tensor<?x2xi32>
    return %1 : tensor<?x64xf32>
  }
}
