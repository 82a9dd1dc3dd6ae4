// Symbols: weights, caches, packed weights.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

// CHECK: gemma.weight @plain : tensor<64x96xbf16>
// CHECK-NEXT: from <"model.safetensors", 4096, 12288>
gemma.weight @plain : tensor<64x96xbf16> from <"model.safetensors", 4096, 12288>
// CHECK: gemma.weight @layers.0.mlp.up_proj.weight
// CHECK-SAME: : tensor<100x64xf32> as q4
// CHECK-NEXT: from <"a-00001.safetensors", 0, 25600>
gemma.weight @layers.0.mlp.up_proj.weight
  : tensor<100x64xf32> as q4 from <"a-00001.safetensors", 0, 25600>
// CHECK: gemma.weight @gate : tensor<100x64xf16> as q8
// CHECK-NEXT: from <"b", 8, 12800>
gemma.weight @gate : tensor<100x64xf16> as q8 from <"b", 8, 12800>
// CHECK: gemma.weight @experts : tensor<4x72x64xbf16>
gemma.weight @experts : tensor<4x72x64xbf16> from <"b", 12808, 36864>
// CHECK: gemma.weight @norm : tensor<72xf32>
gemma.weight @norm : tensor<72xf32> from <"b", 65536, 288>
// CHECK: gemma.weight @blocks : tensor<3x512xf32>
// CHECK-NEXT: from <"model.gguf", 66000, 1260> encoded q6_k
gemma.weight @blocks : tensor<3x512xf32> from <"model.gguf", 66000, 1260> encoded q6_k
// CHECK: gemma.weight @chosen
// CHECK-SAME: : tensor<3x64xf32> as q4
// CHECK-NEXT: from <"model.gguf", 68000, 108> encoded q4_0
gemma.weight @chosen : tensor<3x64xf32> as q4 from <"model.gguf", 68000, 108> encoded q4_0
// CHECK: gemma.weight @without_its_1 : tensor<72xf32>
// CHECK-NEXT: from <"b", 65536, 288> addend 1.0
gemma.weight @without_its_1 : tensor<72xf32> from <"b", 65536, 288> addend 1.0
// CHECK: gemma.weight @per_dim : tensor<64xf32>
// CHECK-NEXT: from <"b", 65536, 256> softplus
gemma.weight @per_dim : tensor<64xf32> from <"b", 65536, 256> softplus
// CHECK: gemma.weight @patches : tensor<4x768xf32>
// CHECK-NEXT: from <"b", 65536, 12288> planes 3
gemma.weight @patches : tensor<4x768xf32> from <"b", 65536, 12288> planes 3
// CHECK: gemma.weight @places : tensor<6x64xf32>
// CHECK-NEXT: from <"b", 65536, 1536> row_planes 2
gemma.weight @places : tensor<6x64xf32> from <"b", 65536, 1536> row_planes 2

// CHECK: gemma.weight @on_grids : tensor<100x64xf32>
// CHECK-NEXT: from <"a", 0, 25600>
// CHECK-NEXT: input_activation_scale 0.5
// CHECK-NEXT: output_activation_scale 0.25
gemma.weight @on_grids
  : tensor<100x64xf32> from <"a", 0, 25600> input_activation_scale 0.5 output_activation_scale 0.25
// CHECK: gemma.weight @on_one_grid : tensor<100x64xf32>
// CHECK-NEXT: from <"a", 0, 25600>
// CHECK-NEXT: input_activation_scale 0.5
gemma.weight @on_one_grid : tensor<100x64xf32> from <"a", 0, 25600> input_activation_scale 0.5

// CHECK: gemma.weight @integers
// CHECK-SAME: : tensor<96x64xf32>
// CHECK-NEXT: from <"m", 0, 3072> encoded int4
// CHECK-NEXT: scaled <"n", 3072, 384, bf16 per 32>
gemma.weight @integers : tensor<96x64xf32> from <"m", 0, 3072> encoded int4 scaled <"n", 3072, 384, bf16 per 32>
// CHECK: gemma.weight @stacked : tensor<2x96x64xf32>
// CHECK-NEXT: stacked [@integers, @integers]
gemma.weight @stacked : tensor<2x96x64xf32> stacked [@integers, @integers]

// A list that is longer than a line.
// CHECK:      gemma.weight @long_list
// CHECK-NEXT:   stacked [@layers.0.mlp.experts.0.gate_proj.weight, @layers.0.mlp.experts.0.gate_proj.weight,
// CHECK-NEXT:     @layers.0.mlp.experts.0.gate_proj.weight, @layers.0.mlp.experts.0.gate_proj.weight]
gemma.weight @layers.0.mlp.experts.0.gate_proj.weight : tensor<2x8xf32> from <"m", 0, 64>
gemma.weight @long_list : tensor<4x2x8xf32>
  stacked [@layers.0.mlp.experts.0.gate_proj.weight, @layers.0.mlp.experts.0.gate_proj.weight,
    @layers.0.mlp.experts.0.gate_proj.weight, @layers.0.mlp.experts.0.gate_proj.weight]

// CHECK: gemma.kv_cache @kv.0 heads 1 head_dim 256 window 512
gemma.kv_cache @kv.0 heads 1 head_dim 256 window 512
// A head of 72 takes 96 elements: each half of 36 is padded to 48.
// CHECK: gemma.kv_cache @kv.1 heads 2 head_dim 72 window 0
// CHECK-NEXT: as f16 capacity 32 bytes 24576 at 64{{$}}
gemma.kv_cache @kv.1 heads 2 head_dim 72 window 0
  as f16 capacity 32 bytes 24576 at 64
// 24 groups of 32 elements of 16 positions, each with 16 scales.
// CHECK: gemma.kv_cache @kv.2 heads 2 head_dim 72 window 0
// CHECK-NEXT: as q4 capacity 32 bytes 6912 at 64 rotated{{$}}
gemma.kv_cache @kv.2 heads 2 head_dim 72 window 0
  as q4 capacity 32 bytes 6912 at 64 rotated

// Of a key of 64 elements the 16 that RoPE turns, padded to 32.
// CHECK: gemma.kv_cache @kv.3 heads 1 head_dim 64 window 0
// CHECK-NEXT: as f16 capacity 16 bytes 3072 at 64 turned_pairs 8{{$}}
gemma.kv_cache @kv.3 heads 1 head_dim 64 window 0
  as f16 capacity 16 bytes 3072 at 64 turned_pairs 8
// What the plan knows before and what it makes of it.
// CHECK: gemma.kv_cache @kv.4 heads 1 head_dim 32 window 0 key_bound 3.0e5 value_bound 0.001
// CHECK-NEXT: as f16 capacity 16 bytes 2048 at 0 key_exponent 3 value_exponent -12
gemma.kv_cache @kv.4 heads 1 head_dim 32 window 0 key_bound 3.0e5 value_bound 1.0e-3
  as f16 capacity 16 bytes 2048 at 0 key_exponent 3 value_exponent -12

// CHECK: gemma.packed @matrix
// CHECK-NEXT:   from [@plain]
// CHECK-NEXT:   as q8 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 6656
gemma.packed @matrix from [@plain] as q8 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 6656
// CHECK: gemma.packed @six
// CHECK-NEXT:   from [@plain]
// CHECK-NEXT:   as q6 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 5120
gemma.packed @six from [@plain] as q6 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 5120
// CHECK: gemma.packed @three
// CHECK-NEXT:   from [@plain]
// CHECK-NEXT:   as q3 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 2816
gemma.packed @three from [@plain] as q3 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 2816
// CHECK: gemma.packed @two
// CHECK-NEXT:   from [@plain]
// CHECK-NEXT:   as q2 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 2048
gemma.packed @two from [@plain] as q2 panels batch 1 rows 64 <64 -> 64> cols 96 <96 -> 96> bytes 2048
// CHECK: gemma.packed @six_table
// CHECK-NEXT:   from [@gate]
// CHECK-NEXT:   as q6 table batch 1 rows 100 <100 -> 128> cols 64 <64 -> 64> bytes 5248
gemma.packed @six_table from [@gate] as q6 table batch 1 rows 100 <100 -> 128> cols 64 <64 -> 64> bytes 5248
// CHECK: gemma.packed @channels
// CHECK-NEXT:   from [@integers]
// CHECK-NEXT:   as c4 panels batch 1 rows 96 <96 -> 96> cols 64 <64 -> 64>
// CHECK-SAME: bytes 3456
gemma.packed @channels from [@integers] as c4 panels batch 1 rows 96 <96 -> 96> cols 64 <64 -> 64> bytes 3456
// A table has one scale for each block of a row.
// CHECK: gemma.packed @channel_table
// CHECK-NEXT:   from [@integers]
// CHECK-NEXT:   as c2 table batch 1 rows 96 <96 -> 96> cols 64 <32 -> 32>
// CHECK-SAME: bytes 2304
gemma.packed @channel_table from [@integers] as c2 table batch 1 rows 96 <96 -> 96> cols 64 <32 -> 32> bytes 2304
// CHECK: gemma.packed @gate_up
// CHECK-NEXT:   from [@gate, @layers.0.mlp.up_proj.weight]
// CHECK-NEXT:   as q4 panels batch 1 interleave
// CHECK-SAME: rows 256 <100 -> 128> cols 64 <64 -> 64> bytes 9216 at 4096
gemma.packed @gate_up from [@gate, @layers.0.mlp.up_proj.weight] as q4 panels batch 1 interleave
  rows 256 <100 -> 128> cols 64 <64 -> 64> bytes 9216 at 4096
// CHECK: gemma.packed @grids
// CHECK-NEXT:   from [@on_one_grid, @on_grids]
// CHECK-NEXT:   as c4 panels batch 1
// CHECK-SAME: interleave rows 256 <100 -> 128> cols 64 <64 -> 64> bytes 9216
// CHECK-NEXT:   input_scale 0.5
// CHECK-NEXT:   output_scales [0.0, 0.25]
gemma.packed @grids from [@on_one_grid, @on_grids] as c4 panels batch 1 interleave
  rows 256 <100 -> 128> cols 64 <64 -> 64> bytes 9216 input_scale 0.5 output_scales [0.0, 0.25]
// CHECK: gemma.packed @expert_gate_up
// CHECK-NEXT:   from [@experts]
// CHECK-NEXT:   as f32 panels batch 4 interleave
// CHECK-SAME: rows 128 <36 -> 64> cols 64 <64 -> 64> bytes 131072
gemma.packed @expert_gate_up from [@experts] as f32 panels batch 4 interleave
  rows 128 <36 -> 64> cols 64 <64 -> 64> bytes 131072
// CHECK: gemma.packed @heads
// CHECK-NEXT:   from [@norm]
// CHECK-NEXT:   as f32 vector batch 1 rows 1 <1 -> 16> cols 96 <36 -> 48> bytes 384
gemma.packed @heads from [@norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 96 <36 -> 48> bytes 384
// CHECK: gemma.packed @scaled
// CHECK-NEXT:   from [@without_its_1]
// CHECK-NEXT:   as f32 vector batch 1 scale 0.0625
// CHECK-SAME: rows 1 <1 -> 16> cols 96 <36 -> 48> bytes 384
gemma.packed @scaled from [@without_its_1] as f32 vector batch 1 scale 0.0625 rows 1 <1 -> 16> cols 96 <36 -> 48>
  bytes 384
// CHECK: gemma.packed @table
// CHECK-NEXT:   from [@gate]
// CHECK-NEXT:   as bf16 table batch 1 rows 100 <100 -> 128> cols 64 <64 -> 64> bytes 12800
gemma.packed @table from [@gate] as bf16 table batch 1 rows 100 <100 -> 128> cols 64 <64 -> 64> bytes 12800
// CHECK: gemma.packed @rows
// CHECK-NEXT:   from [@gate]
// CHECK-NEXT:   as bf16 table batch 1 rows 100 <100 -> 128> cols 64 <64 -> 64>
// CHECK-SAME: bytes 12800 at 4096 row_at 64
gemma.packed @rows from [@gate] as bf16 table batch 1 rows 100 <100 -> 128> cols 64 <64 -> 64>
  bytes 12800 at 4096 row_at 64

// CHECK: gemma.program context 4096 slots 2 slot_bytes 24640{{$}}
gemma.program context 4096 slots 2 slot_bytes 24640
