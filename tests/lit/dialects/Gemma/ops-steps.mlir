// Level 2: a phase with every step, printed and read again. Prefill divides rows among threads, decode repeats them.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @w.vector : tensor<60xf32> from <"m", 0, 240>
gemma.weight @w.head : tensor<30xf32> from <"m", 240, 120>
gemma.weight @w.scalar : tensor<1xf32> from <"m", 360, 4>
gemma.weight @w.experts : tensor<3xf32> from <"m", 364, 12>
gemma.weight @w.table : tensor<100x60xf32> from <"m", 4096, 24000>
gemma.weight @w.ple_table : tensor<100x90xf32> from <"m", 32768, 36000>
gemma.weight @w.q : tensor<60x60xf32> from <"m", 131072, 14400>
gemma.weight @w.k : tensor<30x60xf32> from <"m", 147456, 7200>
gemma.weight @w.square : tensor<60x60xf32> from <"m", 163840, 14400>
gemma.weight @w.ple_proj : tensor<90x60xf32> from <"m", 262144, 21600>
gemma.weight @w.router : tensor<3x60xf32> from <"m", 294912, 720>
gemma.weight @w.gate_up : tensor<3x80x60xf32> from <"m", 327680, 57600>
gemma.weight @w.down : tensor<3x60x40xf32> from <"m", 393216, 28800>
gemma.kv_cache @kv.0 heads 1 head_dim 30 window 0

gemma.packed @norm from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256
gemma.packed @head_norm from [@w.head] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <15 -> 16> bytes 128
gemma.packed @group_norm from [@w.head] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <30 -> 32> bytes 128
gemma.packed @scalar from [@w.scalar] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <1 -> 32> bytes 128
gemma.packed @per_expert from [@w.experts] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <3 -> 32> bytes 128
gemma.packed @table from [@w.table] as q8 panels batch 1 rows 128 <100 -> 128> cols 64 <60 -> 64> bytes 8704
gemma.packed @ple_table from [@w.ple_table] as q4 table batch 1 rows 100 <100 -> 128> cols 96 <30 -> 32> bytes 5440
gemma.packed @qkv from [@w.q, @w.k, @w.k] as q4 panels batch 1 rows 128 <15 -> 16> cols 64 <60 -> 64> bytes 4608
gemma.packed @kq from [@w.q, @w.k] as f32 panels batch 1 rows 96 <15 -> 16> cols 64 <60 -> 64> bytes 24576
gemma.packed @query_only from [@w.q] as f32 panels batch 1 rows 64 <15 -> 16> cols 64 <60 -> 64> bytes 16384
gemma.packed @o from [@w.square] as q4 panels batch 1 rows 64 <60 -> 64> cols 64 <15 -> 16> bytes 2304
gemma.packed @gate_up from [@w.square, @w.square] as q4 panels batch 1 interleave
  rows 128 <60 -> 64> cols 64 <60 -> 64> bytes 4608
gemma.packed @square from [@w.square] as f32 panels batch 1 rows 64 <60 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.packed @ple_proj from [@w.ple_proj] as bf16 panels batch 1 rows 96 <30 -> 32> cols 64 <60 -> 64> bytes 12288
gemma.packed @router from [@w.router] as f32 panels batch 1 rows 32 <3 -> 32> cols 64 <60 -> 64> bytes 8192
gemma.packed @expert_up from [@w.gate_up] as f16 panels batch 3 interleave rows 128 <40 -> 64> cols 64 <60 -> 64>
  bytes 49152
gemma.packed @expert_down from [@w.down] as q8 panels batch 3 rows 64 <60 -> 64> cols 64 <40 -> 64> bytes 13056

// CHECK-LABEL: gemma.function @prefill max_rows 4 {
gemma.function @prefill max_rows 4 {
  // CHECK-NEXT: %[[X:.*]] = gemma.buffer shared label "x" : <4 x 64, f32>
  %x = gemma.buffer shared label "x" : !gemma.buffer<4 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<4x64, q8>
  %rope = gemma.buffer shared : !gemma.buffer<4 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  // CHECK: %[[RAW:.*]] = gemma.buffer private : <4 x 32, f32>
  %raw = gemma.buffer private : !gemma.buffer<4 x 32, f32>
  %mixed = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %branch = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %hidden = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  // CHECK: gemma.step.embed %[[X]], @table scale 8.0 : <4 x 64, f32>
  gemma.step.embed %x, @table scale 8.0 : <4 x 64, f32>
  // CHECK: gemma.step.rope_table %{{.*}} head_dim 30
  // CHECK-SAME: <theta = 10000.0, pairs = 15, factor = 1.0> : <4 x 32, f32>
  gemma.step.rope_table %rope head_dim 30 <theta = 10000.0, pairs = 15, factor = 1.0> : <4 x 32, f32>
  // CHECK: gemma.step.norm %[[X]] -> %{{.*}} weight @norm
  // CHECK-NEXT:   factor 1.0 eps 0.5 count 60
  // CHECK-SAME: : <4 x 64, f32> -> <4 x 64, q8>
  gemma.step.norm %x -> %y weight @norm factor 1.0 eps 0.5 count 60 : <4 x 64, f32> -> <4 x 64, q8>
  // CHECK-NEXT: gemma.mark "norm 64" of @norm bytes 256
  gemma.mark "norm 64" of @norm bytes 256
  // CHECK-NEXT: gemma.barrier
  gemma.barrier
  // CHECK-NEXT: gemma.mark "barrier" bytes 0
  gemma.mark "barrier" bytes 0
  // CHECK: gemma.step.qkv %{{.*}}, @qkv, %{{.*}} -> %{{.*}} raw %[[RAW]] heads 2 head_dim 30
  // CHECK-NEXT:   q_norm @head_norm k_norm @head_norm eps 0.5
  // CHECK-NEXT:   cache @kv.0{{$}}
  // CHECK-NEXT:   : <4 x 64, q8>, <4 x 32, f32> -> <4 x 64, f32>, <4 x 32, f32>
  gemma.step.qkv %y, @qkv, %rope -> %query raw %raw heads 2 head_dim 30
      q_norm @head_norm k_norm @head_norm eps 0.5
      cache @kv.0
      : <4 x 64, q8>, <4 x 32, f32> -> <4 x 64, f32>, <4 x 32, f32>
  gemma.barrier
  // CHECK: gemma.step.attention %{{.*}}, @kv.0 -> %{{.*}} heads 2 : <4 x 64, f32> -> <4 x 64, f32>
  gemma.step.attention %query, @kv.0 -> %mixed heads 2 : <4 x 64, f32> -> <4 x 64, f32>
  gemma.barrier
  // CHECK: gemma.step.quantize %{{.*}} -> %{{.*}} : <4 x 64, f32> -> <4 x 64, q8>
  gemma.step.quantize %mixed -> %y : <4 x 64, f32> -> <4 x 64, q8>
  gemma.barrier
  // CHECK: gemma.step.matmul %{{.*}}, @o -> %{{.*}} none : <4 x 64, q8> -> <4 x 64, f32>
  gemma.step.matmul %y, @o -> %branch none : <4 x 64, q8> -> <4 x 64, f32>
  gemma.barrier
  // CHECK: gemma.step.add_norm %[[X]], %{{.*}} -> %[[X]] weight @norm
  // CHECK-NEXT:   layer_scale @scalar
  // CHECK-NEXT:   eps 0.5 count 60
  // CHECK-SAME: : <4 x 64, f32>, <4 x 64, f32> -> <4 x 64, f32>
  gemma.step.add_norm %x, %branch -> %x weight @norm layer_scale @scalar eps 0.5 count 60
    : <4 x 64, f32>, <4 x 64, f32> -> <4 x 64, f32>
  gemma.step.quantize %x -> %y : <4 x 64, f32> -> <4 x 64, q8>
  gemma.barrier
  // CHECK: gemma.step.matmul %{{.*}}, @gate_up -> %{{.*}} geglu : <4 x 64, q8> -> <4 x 64, f32>
  gemma.step.matmul %y, @gate_up -> %hidden geglu : <4 x 64, q8> -> <4 x 64, f32>
}

// CHECK-LABEL: gemma.function @decode max_rows 1
// CHECK-SAME:    arena_bytes 2048 scratch_bytes 4096 {
gemma.function @decode max_rows 1 arena_bytes 2048 scratch_bytes 4096 {
  // CHECK-NEXT: gemma.buffer private at 0 label "x" : <1 x 64, f32>
  %x = gemma.buffer private at 0 label "x" : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer private at 256 : !gemma.buffer<1 x 64, f32>
  %context = gemma.buffer shared at 0 : !gemma.buffer<1 x 96, f32>
  %ple = gemma.buffer private at 512 : !gemma.buffer<1 x 96, f32>
  %gated = gemma.buffer shared at 384 : !gemma.buffer<1 x 64, f32>
  %logits = gemma.buffer shared at 640 : !gemma.buffer<1 x 128, f32>
  %rope = gemma.buffer private at 896 : !gemma.buffer<1 x 32, f32>
  %query = gemma.buffer shared at 1152 : !gemma.buffer<1 x 64, f32>
  %raw = gemma.buffer private at 1024 : !gemma.buffer<1 x 32, f32>
  %z = gemma.buffer private at 1152 : !gemma.buffer<1 x 64, q8>
  // CHECK: gemma.step.embed %{{.*}}, @table scale 8.0 replicated : <1 x 64, f32>
  gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
  // CHECK: gemma.step.rope_table %{{.*}} head_dim 30 <{{.*}}> replicated : <1 x 32, f32>
  gemma.step.rope_table %rope head_dim 30 <theta = 10000.0, pairs = 4, factor = 1.0> replicated : <1 x 32, f32>
  gemma.step.matmul %x, @ple_proj -> %context none : <1 x 64, f32> -> <1 x 96, f32>
  gemma.barrier
  // CHECK: gemma.step.ple_combine %{{.*}} -> %{{.*}} context_scale 0.25
  // CHECK-NEXT:   norm @group_norm groups 3 count 30 eps 0.5
  // CHECK-NEXT:   + @ple_table token_scale 2.0 result_scale 0.5 replicated
  // CHECK-NEXT:   : <1 x 96, f32> -> <1 x 96, f32>
  gemma.step.ple_combine %context -> %ple context_scale 0.25
      norm @group_norm groups 3 count 30 eps 0.5
      + @ple_table token_scale 2.0 result_scale 0.5 replicated
      : !gemma.buffer<1 x 96, f32> -> !gemma.buffer<1 x 96, f32>
  // CHECK: gemma.step.norm %{{.*}} -> %{{.*}}
  // CHECK-NEXT:   factor 0.25 eps 0.5 count 60 replicated
  // CHECK-SAME: : <1 x 64, f32> -> <1 x 64, f32>
  gemma.step.norm %x -> %y factor 0.25 eps 0.5 count 60 replicated : <1 x 64, f32> -> <1 x 64, f32>
  // CHECK: gemma.step.qkv %{{.*}}, @kq,
  // CHECK-NEXT:   q_norm @head_norm k_norm @head_norm eps 0.5
  // CHECK-NEXT:   cache @kv.0 keys_are_values{{$}}
  gemma.step.qkv %y, @kq, %rope -> %query raw %raw heads 2 head_dim 30
      q_norm @head_norm k_norm @head_norm eps 0.5
      cache @kv.0 keys_are_values
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
  gemma.barrier
  // CHECK: gemma.step.qkv %{{.*}}, @query_only,
  // CHECK-NEXT:   q_norm @head_norm eps 0.5
  // CHECK-NEXT:   :
  gemma.step.qkv %y, @query_only, %rope -> %query raw %raw heads 2 head_dim 30
      q_norm @head_norm eps 0.5
      : <1 x 64, f32>, <1 x 32, f32> -> <1 x 64, f32>, <1 x 32, f32>
  // CHECK: gemma.step.matmul %{{.*}}, @square -> %{{.*}} gelu_mul
  // CHECK-NEXT:   factor %{{.*}} : !gemma.buffer<1 x 96, f32> factor_offset 32 : <1 x 64, f32> -> <1 x 64, f32>
  gemma.step.matmul %x, @square -> %gated gelu_mul factor %ple : !gemma.buffer<1 x 96, f32> factor_offset 32
    : <1 x 64, f32> -> <1 x 64, f32>
  gemma.barrier
  // CHECK: gemma.step.add_norm %{{.*}}, %{{.*}} -> %{{.*}} weight @norm
  // CHECK-NEXT:   eps 0.5 count 60 replicated :
  gemma.step.add_norm %x, %gated -> %x weight @norm eps 0.5 count 60 replicated
    : <1 x 64, f32>, <1 x 64, f32> -> <1 x 64, f32>
  // CHECK: gemma.step.quantize %{{.*}} -> %{{.*}} replicated : <1 x 64, f32> -> <1 x 64, q8>
  gemma.step.quantize %x -> %z replicated : <1 x 64, f32> -> <1 x 64, q8>
  // CHECK: gemma.step.matmul %{{.*}}, @table -> %{{.*}} softcap cap 30.0 : <1 x 64, q8> -> <1 x 128, f32>
  gemma.step.matmul %z, @table -> %logits softcap cap 30.0 : <1 x 64, q8> -> <1 x 128, f32>
}

// CHECK-LABEL: gemma.function @verify max_rows 2 {
gemma.function @verify max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %scores = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  // CHECK: gemma.buffer shared : <2 x 32, i32>
  %picks = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
  %weights = gemma.buffer shared : !gemma.buffer<2 x 32, f32>
  %hidden = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %operand = gemma.buffer shared : !gemma.buffer<4 x 64, q8>
  %mixed = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <2 x 64, f32>
  gemma.barrier
  gemma.step.matmul %x, @router -> %scores none : <2 x 64, f32> -> <2 x 32, f32>
  gemma.barrier
  // CHECK: gemma.step.route %{{.*}} -> %{{.*}}, %{{.*}} experts 3 top_k 2 scale @per_expert
  // CHECK-NEXT:   : <2 x 32, f32> -> <2 x 32, i32>, <2 x 32, f32>
  gemma.step.route %scores -> %picks, %weights experts 3 top_k 2 scale @per_expert
    : <2 x 32, f32> -> <2 x 32, i32>, <2 x 32, f32>
  gemma.barrier
  // CHECK: gemma.step.expert_up %{{.*}}, @expert_up picks %{{.*}} -> %{{.*}} top_k 2
  // CHECK-NEXT:   : <2 x 64, f32>, <2 x 32, i32> -> <4 x 64, f32>
  gemma.step.expert_up %x, @expert_up picks %picks -> %hidden top_k 2
    : <2 x 64, f32>, <2 x 32, i32> -> <4 x 64, f32>
  gemma.barrier
  // CHECK: gemma.step.observe %{{.*}}, @router at 4096 : <2 x 64, f32>
  gemma.step.observe %x, @router at 4096 : <2 x 64, f32>
  // CHECK: gemma.step.observe %{{.*}}, @expert_down
  // CHECK-NEXT:   picks %{{.*}} top_k 2 at 8192 : <4 x 64, f32>, !gemma.buffer<2 x 32, i32>
  gemma.step.observe %hidden, @expert_down picks %picks top_k 2 at 8192 : <4 x 64, f32>, !gemma.buffer<2 x 32, i32>
  // CHECK: gemma.step.quantize %{{.*}} -> %{{.*}} : <4 x 64, f32> -> <4 x 64, q8>
  gemma.step.quantize %hidden -> %operand : <4 x 64, f32> -> <4 x 64, q8>
  gemma.barrier
  // CHECK: gemma.step.expert_down %{{.*}}, @expert_down picks %{{.*}}, %{{.*}} -> %{{.*}} top_k 2
  // CHECK-NEXT:   : <4 x 64, q8>, <2 x 32, i32>, <2 x 32, f32> -> <2 x 64, f32>
  gemma.step.expert_down %operand, @expert_down picks %picks, %weights -> %mixed top_k 2
    : <4 x 64, q8>, <2 x 32, i32>, <2 x 32, f32> -> <2 x 64, f32>
}

// Between the steps of a serial function nothing is waited for, and a buffer's memory is free after its last reader.
// CHECK-LABEL: gemma.function @serial max_rows 1 serial arena_bytes 512
gemma.function @serial max_rows 1 serial arena_bytes 512 {
  %x = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
  %y = gemma.buffer shared at 256 : !gemma.buffer<1 x 64, f32>
  %z = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
  gemma.step.embed %x, @table scale 1.0 : <1 x 64, f32>
  gemma.step.norm %x -> %y
      factor 1.0 eps 1.0e-6 count 64 : <1 x 64, f32> -> <1 x 64, f32>
  gemma.step.norm %y -> %z
      factor 1.0 eps 1.0e-6 count 64 : <1 x 64, f32> -> <1 x 64, f32>
}

// What a caller writes before and reads after a call.
// CHECK-LABEL: gemma.function @project max_rows 2 weight_bytes 0 multiply_adds 0
gemma.function @project max_rows 2 weight_bytes 0 multiply_adds 0 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  // CHECK: gemma.input "patches" %[[X:[0-9]+]] : <2 x 64, f32>
  gemma.input "patches" %x : <2 x 64, f32>
  // CHECK: gemma.output "embeddings" %[[X]] : <2 x 64, f32>
  gemma.output "embeddings" %x : <2 x 64, f32>
}
