// Levels 0 and 1 of the vision tower: every op, with and without what is optional, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @head : tensor<4xf32> from <"m", 32, 16>
gemma.weight @proj : tensor<8x12xf32> from <"m", 64, 384>
gemma.weight @columns : tensor<5x8xf32> from <"m", 512, 160>
gemma.weight @rows : tensor<5x8xf32> from <"m", 672, 160>
// CHECK: gemma.weight @q : tensor<16x8xf32>
// CHECK-NEXT: from <"m", 1024, 512>
// CHECK-NEXT: reads [-3.25, 3.0] gives [-4.5, 4.0]{{$}}
gemma.weight @q : tensor<16x8xf32> from <"m", 1024, 512> reads [-3.25, 3.0] gives [-4.5, 4.0]
// CHECK: gemma.weight @k : tensor<8x8xf32>
// CHECK-NEXT: from <"m", 1536, 256>
// CHECK-NEXT: reads [-3.25, 3.0]{{$}}
gemma.weight @k : tensor<8x8xf32> from <"m", 1536, 256> reads [-3.25, 3.0]
// CHECK: gemma.weight @o : tensor<8x16xf32>
// CHECK-NEXT: from <"m", 2048, 512> gives [-1.0, 1.0]{{$}}
gemma.weight @o : tensor<8x16xf32> from <"m", 2048, 512> gives [-1.0, 1.0]
gemma.weight @text : tensor<6x8xf32> from <"m", 4096, 192>

// CHECK-LABEL: func @level_0
func.func @level_0(%patches: tensor<?x12xf32>, %places: tensor<?x2xi32>) -> tensor<?x8xf32> {
  // CHECK: gemma.affine %{{.*}} by 2.0 plus -1.0 : tensor<?x12xf32>
  %0 = gemma.affine %patches by 2.0 plus -1.0 : tensor<?x12xf32>
  %1 = gemma.linear %0, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  // CHECK: gemma.add_places %{{.*}}, %{{.*}}, @columns, @rows : tensor<?x8xf32>, tensor<?x2xi32>
  %2 = gemma.add_places %1, %places, @columns, @rows : tensor<?x8xf32>, tensor<?x2xi32>
  // CHECK: gemma.rope_places %{{.*}}, %{{.*}} heads 2 theta 100.0 : tensor<?x8xf32>, tensor<?x2xi32>
  %3 = gemma.rope_places %2, %places heads 2 theta 100.0 : tensor<?x8xf32>, tensor<?x2xi32>
  // CHECK: gemma.attention_all %{{.*}}, %{{.*}}, %{{.*}} heads 2 kv_heads 2 : tensor<?x8xf32>, tensor<?x8xf32>
  %4 = gemma.attention_all %3, %3, %2 heads 2 kv_heads 2 : tensor<?x8xf32>, tensor<?x8xf32>
  // CHECK: gemma.pool %{{.*}} by 9 factor 0.25 : tensor<?x8xf32> -> tensor<?x8xf32>
  %5 = gemma.pool %4 by 9 factor 0.25 : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: gemma.standardize %{{.*}}, @width, @width : tensor<?x8xf32>
  %6 = gemma.standardize %5, @width, @width : tensor<?x8xf32>
  return %6 : tensor<?x8xf32>
}

// CHECK-LABEL: func @shared_heads
func.func @shared_heads(%q: tensor<18x16xf32>, %k: tensor<18x8xf32>) -> tensor<2x16xf32> {
  // CHECK: gemma.attention_all %{{.*}} heads 4 kv_heads 2 : tensor<18x16xf32>, tensor<18x8xf32>
  %0 = gemma.attention_all %q, %k, %k heads 4 kv_heads 2 : tensor<18x16xf32>, tensor<18x8xf32>
  // CHECK: gemma.pool %{{.*}} by 9 factor 1.0 : tensor<18x16xf32> -> tensor<2x16xf32>
  %1 = gemma.pool %0 by 9 factor 1.0 : tensor<18x16xf32> -> tensor<2x16xf32>
  return %1 : tensor<2x16xf32>
}

// CHECK-LABEL: func @level_1
func.func @level_1(%patches: tensor<?x12xf32>, %places: tensor<?x2xi32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  // CHECK:      gemma.patch_embed %{{.*}} by 2.0 plus -1.0 proj @proj
  // CHECK-NEXT:     + %{{.*}} in @columns, @rows : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  %0 = gemma.patch_embed %patches by 2.0 plus -1.0 proj @proj
      + %places in @columns, @rows : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  // CHECK:      gemma.encoder_attention %{{.*}}, %{{.*}} norm @width eps 0.5
  // CHECK-NEXT:     heads 4 kv_heads 2 head_dim 4 theta 100.0
  // CHECK-NEXT:     q @q q_norm @head
  // CHECK-NEXT:     k @k k_norm @head
  // CHECK-NEXT:     v @k
  // CHECK-NEXT:     o @o post_norm @width : tensor<?x8xf32>, tensor<?x2xi32>
  %1 = gemma.encoder_attention %0, %places norm @width eps 0.5
      heads 4 kv_heads 2 head_dim 4 theta 100.0
      q @q q_norm @head
      k @k k_norm @head
      v @k
      o @o post_norm @width : tensor<?x8xf32>, tensor<?x2xi32>
  // CHECK:      gemma.pool_project %{{.*}} by 9 factor 0.25
  // CHECK-NEXT:     eps 0.5 proj @text : tensor<?x8xf32> -> tensor<?x6xf32>
  %2 = gemma.pool_project %1 by 9 factor 0.25
      eps 0.5 proj @text : tensor<?x8xf32> -> tensor<?x6xf32>
  // CHECK:      gemma.pool_project %{{.*}} by 9 factor 0.25 standardize @width, @width
  // CHECK-NEXT:     eps 0.5 proj @text : tensor<?x8xf32> -> tensor<?x6xf32>
  %3 = gemma.pool_project %1 by 9 factor 0.25 standardize @width, @width
      eps 0.5 proj @text : tensor<?x8xf32> -> tensor<?x6xf32>
  return %2, %3 : tensor<?x6xf32>, tensor<?x6xf32>
}
