// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file | FileCheck %s --check-prefix=BARRIERS
// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file \
// RUN:   | FileCheck %s "-DHEAD_NORM=rows 1 <1 -> 16> cols 32 <4 -> 16> bytes 128 at"
// How often threads meet.
// BARRIERS:       gemma.function @decode
// BARRIERS-COUNT-3: gemma.barrier
// BARRIERS-NOT:   gemma.barrier
// BARRIERS:       gemma.function @prefill
// BARRIERS-COUNT-9: gemma.barrier
// BARRIERS-NOT:   gemma.barrier

// One row: norms, sums and quantization are replicated on private buffers, only results of panel steps are
// shared. Attention is divided by keys, and the merge quantizes. Heads are padded per half. Matrices lie in
// order of use after the vectors.
// CHECK:     gemma.packed @p.in
// CHECK-NEXT:   from [@in]
// CHECK-NEXT:   as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <40 -> 64> bytes 256 at 0
// CHECK:     gemma.packed @p.qn
// CHECK-NEXT:   from [@qn]
// CHECK-NEXT:   as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <4 -> 16> bytes 128 at
// CHECK:     gemma.packed @p.q_k_v
// CHECK-NEXT:   from [@q, @k, @v]
// CHECK-NEXT:   as q8 panels batch 1 rows 128 <4 -> 16> cols 64 <40 -> 64>
// CHECK-SAME:  bytes 8704 at 768
// CHECK:     gemma.packed @p.o
// CHECK-NEXT:   from [@o]
// CHECK-NEXT:   as q4 panels batch 1 rows 64 <40 -> 64> cols 64 <4 -> 16> bytes 2304 at 9472
// CHECK:     gemma.function @decode max_rows 1
// CHECK-SAME:  weight_bytes 11844 multiply_adds 1920 {
// CHECK-NEXT:  %[[ROPE:.*]] = gemma.buffer private : <1 x 32, f32>
// CHECK-NEXT:  gemma.step.rope_table %[[ROPE]] head_dim 8
// CHECK-SAME:    <theta = 10000.0, pairs = 4, factor = 1.0> replicated
// CHECK-NEXT:  %[[X:.*]] = gemma.buffer private label "x" : <1 x 64, f32>
// CHECK-NEXT:  gemma.step.embed %[[X]], @p.table scale 2.0 replicated
// CHECK-NEXT:  %[[Y:.*]] = gemma.buffer private : <1 x 64, q8>
// CHECK-NEXT:  gemma.step.norm %[[X]] -> %[[Y]] weight @p.in
// CHECK-NEXT:    factor 1.0 eps 0.5 count 40 replicated
// CHECK-NEXT:  %[[Q:.*]] = gemma.buffer shared : <1 x 64, f32>
// CHECK-NEXT:  %[[RAW:.*]] = gemma.buffer private : <1 x 32, f32>
// CHECK-NEXT:  gemma.step.qkv %[[Y]], @p.q_k_v, %[[ROPE]] -> %[[Q]] raw %[[RAW]] heads 2 head_dim 8
// CHECK-NEXT:    q_norm @p.qn k_norm @p.kn eps 0.5
// CHECK-NEXT:    cache @kv.0{{$}}
// CHECK-NEXT:    : <1 x 64, q8>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
// CHECK-NEXT:  %[[PARTS:.*]] = gemma.buffer shared : <2 x 96, f32>
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.attention_splits %[[Q]], @kv.0 -> %[[PARTS]] heads 2
// CHECK-NEXT:  %[[MIXED8:.*]] = gemma.buffer private : <1 x 64, q8>
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.attention_merge %[[PARTS]], @kv.0 -> %[[MIXED8]] heads 2 replicated
// CHECK-NEXT:  %[[BRANCH:.*]] = gemma.buffer shared : <1 x 64, f32>
// CHECK-NEXT:  gemma.step.matmul %[[MIXED8]], @p.o -> %[[BRANCH]] none
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.add_norm %[[X]], %[[BRANCH]] -> %[[X]] weight @p.post
// CHECK-NEXT:    eps 0.5 count 40 replicated
module {
  gemma.program context 64 slots 1 slot_bytes 2048
  gemma.weight @in : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @q : tensor<16x40xf32> as q8 from <"f", 0, 2560>
  gemma.weight @k : tensor<8x40xf32> as q8 from <"f", 0, 1280>
  gemma.weight @v : tensor<8x40xf32> as q8 from <"f", 0, 1280>
  gemma.weight @qn : tensor<8xf32> from <"f", 0, 32>
  gemma.weight @kn : tensor<8xf32> from <"f", 0, 32>
  gemma.weight @o : tensor<40x16xf32> as q4 from <"f", 0, 2560>
  gemma.weight @post : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @table : tensor<6x40xf32> as q8 from <"f", 0, 960>
  gemma.kv_cache @kv.0 heads 1 head_dim 8 window 4
    as f16 capacity 16 bytes 2048 at 0
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p norm @in eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e4, pairs = 4, factor = 1.0>
        q @q q_norm @qn
        k @k k_norm @kn
        v @v
        cache @kv.0
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 2 o @o
        post_norm @post eps 0.5
        + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x40xf32>
    return
  }
}

// -----

// The scale of the queries goes into their norm's weight: one packed vector with it and, for the keys,
// one without. Raw values stay raw.
// CHECK:     gemma.packed @[[Q:p.hn[_0-9]*]]
// CHECK-NEXT:   from [@hn]
// CHECK-NEXT:   as f32 vector batch 1 scale 0.25 [[HEAD_NORM]]
// CHECK:     gemma.packed @[[K:p.hn[_0-9]*]]
// CHECK-NEXT:   from [@hn]
// CHECK-NEXT:   as f32 vector batch 1 [[HEAD_NORM]]
// CHECK:     gemma.step.qkv
// CHECK-NEXT:  q_norm @[[Q]] k_norm @[[K]] eps 0.5
// CHECK-NEXT:  cache @kv.0 raw_values{{$}}
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @n : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @q : tensor<16x40xf32> as f32 from <"f", 0, 2560>
  gemma.weight @k : tensor<8x40xf32> as f32 from <"f", 0, 1280>
  gemma.weight @hn : tensor<8xf32> from <"f", 0, 32> addend 1.0
  gemma.weight @table : tensor<6x40xf32> as q8 from <"f", 0, 960>
  gemma.kv_cache @kv.0 heads 1 head_dim 8 window 4
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p norm @n eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e4, pairs = 4, factor = 1.0>
        q @q q_norm @hn query_scale 0.25
        k @k k_norm @hn
        v @k
        cache @kv.0 raw_values
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    return
  }
}

// -----

// Several rows, in f32: row steps divide them, so a barrier stands between the norm and the projections; raw stays
// private. Keys are values where v is absent. The second layer reads the first one's cache and its rotation; a third
// rotation has its own table. The residual stream is kept where something reads it later.
// CHECK:     gemma.packed @p.q_k
// CHECK-NEXT:   from [@q, @k]
// CHECK-NEXT:   as f32 panels batch 1 rows 96
// CHECK:     gemma.packed @p.q
// CHECK-NEXT:   from [@q]
// CHECK-NEXT:   as f32 panels batch 1 rows 64
// CHECK:     gemma.function @prefill max_rows 4
// CHECK:       gemma.step.rope_table %[[ROPE:[0-9]+]] head_dim 8 <theta = 10000.0
// CHECK:       gemma.step.rope_table %[[OTHER:[0-9]+]] head_dim 8 <theta = 1.0e6
// CHECK-NOT:   gemma.step.rope_table
// CHECK:       %[[X:.*]] = gemma.buffer shared label "x"
// CHECK:       gemma.step.norm %[[X]] -> %[[Y:[0-9]+]] weight @p.n
// CHECK-NEXT:    factor 1.0 eps 0.5 count 40
// CHECK-SAME:    : <4 x 64, f32> -> <4 x 64, f32>
// CHECK:       %[[RAW:.*]] = gemma.buffer private : <4 x 32, f32>
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.qkv %[[Y]], @p.q_k, %[[ROPE]] -> %{{.*}} raw %[[RAW]] heads 2 head_dim 8
// CHECK-NEXT:    q_norm @p.hn k_norm @p.hn eps 0.5
// CHECK-NEXT:    cache @kv.0 keys_are_values{{$}}
// CHECK:       gemma.barrier
// CHECK-NEXT:  gemma.step.attention
// CHECK-NEXT:  %[[BRANCH:.*]] = gemma.buffer shared
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.matmul
// CHECK-NEXT:  %[[X2:.*]] = gemma.buffer shared : <4 x 64, f32>
// CHECK-NEXT:  gemma.barrier
// CHECK-NEXT:  gemma.step.add_norm %[[X]], %[[BRANCH]] -> %[[X2]] weight @p.n
// CHECK:       gemma.step.norm %[[X2]]
// CHECK:       gemma.step.qkv %{{.*}}, @p.q, %[[ROPE]] -> %{{.*}} raw
// CHECK-NEXT:    q_norm @p.hn eps 0.5
// CHECK-NEXT:    :
// CHECK:       gemma.step.attention %{{.*}}, @kv.0
// CHECK:       gemma.step.add_norm %[[X]], %{{.*}} -> %[[X]]
// CHECK:       gemma.step.qkv %{{.*}}, @p.q, %[[OTHER]]
module {
  gemma.program context 64 slots 1 slot_bytes 2048
  gemma.weight @n : tensor<40xf32> from <"f", 0, 160>
  gemma.weight @q : tensor<16x40xf32> as f32 from <"f", 0, 2560>
  gemma.weight @k : tensor<8x40xf32> as f32 from <"f", 0, 1280>
  gemma.weight @hn : tensor<8xf32> from <"f", 0, 32>
  gemma.weight @o : tensor<40x16xf32> as f32 from <"f", 0, 2560>
  gemma.weight @table : tensor<6x40xf32> as q8 from <"f", 0, 960>
  gemma.kv_cache @kv.0 heads 1 head_dim 8 window 4
    as f16 capacity 16 bytes 2048 at 0
  func.func @prefill(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 4 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x40xf32>
    %q = gemma.qkv %x, %p norm @n eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e4, pairs = 4, factor = 1.0>
        q @q q_norm @hn
        k @k k_norm @hn
        cache @kv.0
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 2 o @o
        post_norm @n eps 0.5
        + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x40xf32>
    %q2 = gemma.qkv %y, %p norm @n eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e4, pairs = 4, factor = 1.0>
        q @q q_norm @hn
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %z = gemma.attend %q2, %p, @kv.0 heads 2 o @o
        post_norm @n eps 0.5
        + %x : tensor<?x16xf32>, tensor<?xi32>, tensor<?x40xf32>
    %q3 = gemma.qkv %z, %p norm @n eps 0.5
        heads 2 head_dim 8 rope <theta = 1.0e6, pairs = 2, factor = 1.0>
        q @q q_norm @hn
        : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x16xf32>
    return
  }
}
