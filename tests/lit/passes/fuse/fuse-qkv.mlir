// RUN: gemmac-opt %s --gemma-fuse-qkv --split-input-file --remarks-filter-missed=gemma-fuse-qkv --verify-diagnostics \
// RUN:   | FileCheck %s

gemma.weight @in : tensor<4xf32> from <"m", 0, 16>
gemma.weight @q : tensor<8x4xf32> from <"m", 16, 128>
gemma.weight @k : tensor<4x4xf32> from <"m", 144, 64>
gemma.weight @v : tensor<4x4xf32> from <"m", 208, 64>
gemma.weight @qn : tensor<4xf32> from <"m", 272, 16>
gemma.weight @kn : tensor<4xf32> from <"m", 288, 16>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0

// CHECK-LABEL: func @owner
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>, %[[P:.*]]: tensor<?xi32>)
func.func @owner(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Q:.*]] = gemma.qkv %[[X]], %[[P]] norm @in eps 0.5
  // CHECK-NEXT:   heads 2 head_dim 4 rope <theta = 100.0, pairs = 2, factor = 1.0>
  // CHECK-NEXT:   q @q q_norm @qn
  // CHECK-NEXT:   k @k k_norm @kn
  // CHECK-NEXT:   v @v
  // CHECK-NEXT:   cache @kv.0
  // CHECK-NEXT:   : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x8xf32>
  // CHECK-NEXT: %[[A:.*]] = gemma.attention %[[Q]], %[[P]], @kv.0
  // CHECK-NEXT: return %[[A]]
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v0 = gemma.linear %y, @v : tensor<?x4xf32> -> tensor<?x4xf32>
  %v = gemma.rms_norm %v0 groups 1 eps 0.5 : tensor<?x4xf32>
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x8xf32>, tensor<?xi32>
  return %a : tensor<?x8xf32>
}

// Values are the raw keys; here the cache is written before the query is rotated.
// CHECK-LABEL: func @keys_are_values
func.func @keys_are_values(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: gemma.qkv
  // CHECK:        k @k k_norm @kn
  // CHECK-NOT:    v @
  // CHECK:        cache @kv.0
  // CHECK-NEXT:   :
  // CHECK-NOT:  v = @v
  // CHECK-NEXT: gemma.attention
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.rms_norm %k0 groups 1 eps 0.5 : tensor<?x4xf32>
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x8xf32>, tensor<?xi32>
  return %a : tensor<?x8xf32>
}

// Values as projected; the query is scaled.
// CHECK-LABEL: func @raw_values_scaled_query
func.func @raw_values_scaled_query(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Q:.*]] = gemma.qkv
  // CHECK:        q @q q_norm @qn query_scale 0.25
  // CHECK:        v @v
  // CHECK-NEXT:   cache @kv.0 raw_values
  // CHECK-NEXT:   :
  // CHECK-NEXT: gemma.attention %[[Q]]
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q2 = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %q = gemma.scale %q2 by 0.25 : tensor<?x8xf32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.linear %y, @v : tensor<?x4xf32> -> tensor<?x4xf32>
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x8xf32>, tensor<?xi32>
  return %a : tensor<?x8xf32>
}

// A reader of another cache may scale too; a factor that is not above 0 is no query scale and stays.
// CHECK-LABEL: func @scaled_reader
func.func @scaled_reader(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NEXT: gemma.qkv
  // CHECK:        q @q q_norm @qn query_scale 0.25
  // CHECK-NEXT:   :
  // CHECK-NEXT: gemma.qkv
  // CHECK:        q @q q_norm @qn{{$}}
  // CHECK-NEXT:   :
  // CHECK-NOT:  query_scale
  // CHECK-NEXT: gemma.scale %{{.*}} by -0.25
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q2 = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %q = gemma.scale %q2 by 0.25 : tensor<?x8xf32>
  %z = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %r0 = gemma.linear %z, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %r1 = gemma.rms_norm %r0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %r2 = gemma.rope %r1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %r = gemma.scale %r2 by -0.25 : tensor<?x8xf32>
  return %q, %r : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func @reader_of_another_cache
func.func @reader_of_another_cache(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Q:.*]] = gemma.qkv %{{.*}} norm @in eps 0.5
  // CHECK-NEXT:   heads 2 head_dim 4 rope
  // CHECK-NEXT:   q @q q_norm @qn
  // CHECK-NEXT:   : tensor<?x4xf32>
  // CHECK-NEXT: gemma.attention %[[Q]]
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x8xf32>, tensor<?xi32>
  return %a : tensor<?x8xf32>
}

// -----

gemma.weight @in : tensor<4xf32> from <"m", 0, 16>
gemma.weight @q : tensor<8x4xf32> from <"m", 16, 128>
gemma.weight @k : tensor<4x4xf32> from <"m", 144, 64>
gemma.weight @v : tensor<4x4xf32> from <"m", 208, 64>
gemma.weight @qn : tensor<4xf32> from <"m", 272, 16>
gemma.weight @kn : tensor<4xf32> from <"m", 288, 16>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0

// CHECK-LABEL: func @another_reader
// CHECK-NOT:   gemma.qkv %
func.func @another_reader(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{'gemma.linear' has another reader, 'func.return'}}
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v0 = gemma.linear %y, @v : tensor<?x4xf32> -> tensor<?x4xf32>
  %v = gemma.rms_norm %v0 groups 1 eps 0.5 : tensor<?x4xf32>
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return %q, %k0 : tensor<?x8xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @norm_read_elsewhere
// CHECK-NOT:   gemma.qkv %
func.func @norm_read_elsewhere(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.rms_norm %k0 groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the input norm has readers other than a query, a key and a value projection}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func @unlike_rotation
// CHECK-NOT:   gemma.qkv %
func.func @unlike_rotation(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 1, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v0 = gemma.linear %y, @v : tensor<?x4xf32> -> tensor<?x4xf32>
  %v = gemma.rms_norm %v0 groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{query and keys are not rotated alike}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return %q : tensor<?x8xf32>
}

// CHECK-LABEL: func @values_with_weight
// CHECK-NOT:   gemma.qkv %
func.func @values_with_weight(%k1: tensor<?x4xf32>, %v0: tensor<?x4xf32>, %p: tensor<?xi32>) {
  %k2 = gemma.linear %k1, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k3 = gemma.rms_norm %k2, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k3, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.rms_norm %v0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the values are not a projection, as it is or normed per key head without a weight}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return
}

// CHECK-LABEL: func @unnormed_keys
// CHECK-NOT:   gemma.qkv %
func.func @unnormed_keys(%k: tensor<?x4xf32>, %p: tensor<?xi32>) {
  // expected-remark @below {{the keys are not a rotated, per-head normed projection}}
  gemma.kv_write %k, %k, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return
}

// CHECK-LABEL: func @two_norms
// CHECK-NOT:   gemma.qkv %
func.func @two_norms(%x: tensor<?x4xf32>, %p: tensor<?xi32>) {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %z = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %v0 = gemma.linear %z, @v : tensor<?x4xf32> -> tensor<?x4xf32>
  %v = gemma.rms_norm %v0 groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{keys and values are not projections of one norm}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return
}

// CHECK-LABEL: func @no_query
// CHECK-NOT:   gemma.qkv %
func.func @no_query(%x: tensor<?x4xf32>, %p: tensor<?xi32>) {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.rms_norm %k0 groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{no rotated, per-head normed query reads the input norm}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return
}

// CHECK-LABEL: func @unlike_eps
// CHECK-NOT:   gemma.qkv %
func.func @unlike_eps(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.25 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{the norms have unlike eps}}
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  return %q : tensor<?x8xf32>
}

// CHECK-LABEL: func @no_input_norm
// CHECK-NOT:   gemma.qkv %
func.func @no_input_norm(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  %q0 = gemma.linear %x, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{the query is not a rotated, per-head normed projection of a norm}}
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  return %q : tensor<?x8xf32>
}

// An attention that reads the cache before its write must go on doing so.
// CHECK-LABEL: func @read_before_write
// CHECK-NOT:   gemma.qkv %
func.func @read_before_write(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %a = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x8xf32>, tensor<?xi32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.rms_norm %k0 groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the cache is used between its write and the query}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return %a : tensor<?x8xf32>
}

// CHECK-LABEL: func @query_read_before_write
// CHECK-NOT:   gemma.qkv %
func.func @query_read_before_write(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %a = gemma.add %q, %q : tensor<?x8xf32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x4xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x4xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %v = gemma.rms_norm %k0 groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the query is read before the cache is written}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
  return %a : tensor<?x8xf32>
}

// -----

gemma.weight @in : tensor<4xf32> from <"m", 0, 16>
gemma.weight @q : tensor<8x4xf32> from <"m", 16, 128>
gemma.weight @k : tensor<8x4xf32> from <"m", 144, 128>
gemma.weight @qn : tensor<4xf32> from <"m", 272, 16>
gemma.weight @kn : tensor<8xf32> from <"m", 288, 32>
gemma.kv_cache @kv.0 heads 1 head_dim 8 window 0

// CHECK-LABEL: func @unlike_heads
// CHECK-NOT:   gemma.qkv %
func.func @unlike_heads(%x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
  %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @q : tensor<?x4xf32> -> tensor<?x8xf32>
  %q1 = gemma.rms_norm %q0, @qn groups 2 eps 0.5 : tensor<?x8xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %k0 = gemma.linear %y, @k : tensor<?x4xf32> -> tensor<?x8xf32>
  %k1 = gemma.rms_norm %k0, @kn groups 1 eps 0.5 : tensor<?x8xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x8xf32>, tensor<?xi32>
  %v = gemma.rms_norm %k0 groups 1 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{query heads and key heads differ in size}}
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x8xf32>, tensor<?xi32>
  return %q : tensor<?x8xf32>
}
