// Level 1: every op, with and without what is optional, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @width : tensor<8xf32> from <"m", 0, 32>
gemma.weight @head : tensor<4xf32> from <"m", 32, 16>
gemma.weight @scalar : tensor<1xf32> from <"m", 48, 4>
gemma.weight @q : tensor<16x8xf32> from <"m", 64, 512>
gemma.weight @k : tensor<4x8xf32> from <"m", 576, 128>
gemma.weight @o : tensor<8x16xf32> from <"m", 1024, 512>
gemma.weight @gate : tensor<6x8xf32> from <"m", 2048, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 2240, 192>
gemma.weight @router : tensor<3x8xf32> from <"m", 4096, 96>
gemma.weight @per_expert : tensor<3xf32> from <"m", 4192, 12>
gemma.weight @gate_up : tensor<3x10x8xf32> from <"m", 4608, 960>
gemma.weight @experts_down : tensor<3x8x5xf32> from <"m", 5632, 480>
gemma.weight @ple_table : tensor<7x12xf32> from <"m", 8192, 336>
gemma.weight @ple_proj : tensor<12x8xf32> from <"m", 8528, 384>
gemma.weight @ple_gate : tensor<4x8xf32> from <"m", 9216, 128>
gemma.weight @ple_out : tensor<8x4xf32> from <"m", 9344, 128>
gemma.weight @table : tensor<11x8xf32> from <"m", 10240, 352>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 6

// CHECK-LABEL: func @qkv
func.func @qkv(%x: tensor<?x8xf32>, %positions: tensor<?xi32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  // CHECK:      gemma.qkv %{{.*}}, %{{.*}} norm @width eps 0.5
  // CHECK-NEXT:     heads 4 head_dim 4 rope <theta = 10000.0, pairs = 2, factor = 1.0>
  // CHECK-NEXT:     q @q q_norm @head
  // CHECK-NEXT:     k @k k_norm @head
  // CHECK-NEXT:     v @k
  // CHECK-NEXT:     cache @kv.0
  // CHECK-NEXT:     : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  %0 = gemma.qkv %x, %positions norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 10000.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      k @k k_norm @head
      v @k
      cache @kv.0
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  // Values as projected, and a scaled query.
  // CHECK:      gemma.qkv
  // CHECK:          q @q q_norm @head query_scale 0.0625
  // CHECK-NEXT:     k @k k_norm @head
  // CHECK-NEXT:     v @k
  // CHECK-NEXT:     cache @kv.0 raw_values
  %3 = gemma.qkv %x, %positions norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 10000.0, pairs = 2, factor = 1.0>
      q @q q_norm @head query_scale 0.0625
      k @k k_norm @head
      v @k
      cache @kv.0 raw_values
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  // Keys are values.
  // CHECK:      gemma.qkv
  // CHECK:          k @k k_norm @head
  // CHECK-NEXT:     cache @kv.0{{$}}
  // CHECK-NEXT:     :
  %1 = gemma.qkv %x, %positions norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 10000.0, pairs = 1, factor = 8.0>
      q @q q_norm @head
      k @k k_norm @head
      cache @kv.0
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  // A layer that reads another layer's cache.
  // CHECK:      gemma.qkv
  // CHECK:          q @q q_norm @head
  // CHECK-NEXT:     : tensor<?x8xf32>
  %2 = gemma.qkv %x, %positions norm @width eps 0.5
      heads 4 head_dim 4 rope <theta = 10000.0, pairs = 2, factor = 1.0>
      q @q q_norm @head
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x16xf32>
  return %0, %1, %2 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}

// CHECK-LABEL: func @layer
func.func @layer(%query: tensor<?x16xf32>, %x: tensor<?x8xf32>, %positions: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK:      gemma.attend %{{.*}}, %{{.*}}, @kv.0 heads 4 o @o
  // CHECK-NEXT:     post_norm @width eps 0.5
  // CHECK-NEXT:     + %{{.*}} : tensor<?x16xf32>, tensor<?xi32>, tensor<?x8xf32>
  %0 = gemma.attend %query, %positions, @kv.0 heads 4 o @o
      post_norm @width eps 0.5
      + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x8xf32>
  // CHECK-NEXT: gemma.ffn %{{.*}} pre_norm @width eps 0.5
  // CHECK-NEXT:     geglu(@gate, @gate) down @down
  // CHECK-NEXT:     post_norm @width : tensor<?x8xf32>
  %1 = gemma.ffn %0 pre_norm @width eps 0.5
      geglu(@gate, @gate) down @down
      post_norm @width : tensor<?x8xf32>
  // CHECK-NEXT: gemma.ffn
  // CHECK:          post_norm @width layer_scale @scalar : tensor<?x8xf32>
  %2 = gemma.ffn %1 pre_norm @width eps 0.5
      geglu(@gate, @gate) down @down
      post_norm @width layer_scale @scalar : tensor<?x8xf32>
  // CHECK-NEXT: gemma.moe %{{.*}} eps 0.5
  // CHECK-NEXT:     dense pre_norm @width
  // CHECK-NEXT:       geglu(@gate, @gate) down @down
  // CHECK-NEXT:       post_norm @width
  // CHECK-NEXT:     router scale @width factor 0.25 proj @router
  // CHECK-NEXT:       top_k 2 per_expert_scale @per_expert
  // CHECK-NEXT:     experts pre_norm @width
  // CHECK-NEXT:       gate_up @gate_up down @experts_down
  // CHECK-NEXT:       post_norm @width
  // CHECK-NEXT:     sum post_norm @width layer_scale @scalar
  // CHECK-NEXT:     : tensor<?x8xf32>
  %3 = gemma.moe %2 eps 0.5
      dense pre_norm @width
        geglu(@gate, @gate) down @down
        post_norm @width
      router scale @width factor 0.25 proj @router
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @width
        gate_up @gate_up down @experts_down
        post_norm @width
      sum post_norm @width layer_scale @scalar
      : tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// CHECK-LABEL: func @per_layer_embedding
func.func @per_layer_embedding(%ids: tensor<?xi32>, %x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK:      gemma.ple_input %{{.*}} proj @ple_proj context_scale 0.25
  // CHECK-NEXT:     norm @head groups 3 eps 0.5
  // CHECK-NEXT:     + @ple_table[%{{.*}}] token_scale 2.0 result_scale 0.5
  // CHECK-NEXT:     : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x12xf32>
  %ple = gemma.ple_input %x proj @ple_proj context_scale 0.25
      norm @head groups 3 eps 0.5
      + @ple_table[%ids] token_scale 2.0 result_scale 0.5
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x12xf32>
  // CHECK-NEXT: gemma.ple_mix %{{.*}} gelu(@ple_gate) * %{{.*}} at 8
  // CHECK-NEXT:     proj @ple_out
  // CHECK-NEXT:     post_norm @width eps 0.5 layer_scale @scalar
  // CHECK-NEXT:     : tensor<?x8xf32>, tensor<?x12xf32>
  %y = gemma.ple_mix %x gelu(@ple_gate) * %ple at 8
      proj @ple_out
      post_norm @width eps 0.5 layer_scale @scalar
      : tensor<?x8xf32>, tensor<?x12xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @final
func.func @final(%x: tensor<1x8xf32>) -> (tensor<1x11xf32>, tensor<1x11xf32>) {
  // CHECK:      gemma.head %{{.*}} norm @width eps 0.5 table @table softcap 30.0
  // CHECK-NEXT:     : tensor<1x8xf32> -> tensor<1x11xf32>
  %0 = gemma.head %x norm @width eps 0.5 table @table softcap 30.0
      : tensor<1x8xf32> -> tensor<1x11xf32>
  // CHECK-NEXT: gemma.head %{{.*}} norm @width eps 0.5 table @table{{$}}
  // CHECK-NEXT:     : tensor<1x8xf32> -> tensor<1x11xf32>
  %1 = gemma.head %x norm @width eps 0.5 table @table
      : tensor<1x8xf32> -> tensor<1x11xf32>
  return %0, %1 : tensor<1x11xf32>, tensor<1x11xf32>
}
