// Level 2 of the vision tower: every step, with and without what is optional, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @w.vector : tensor<60xf32> from <"m", 0, 240>
gemma.weight @w.head : tensor<20xf32> from <"m", 240, 80>
gemma.weight @w.columns : tensor<40x60xf32> from <"m", 4096, 9600>
gemma.weight @w.rows : tensor<40x60xf32> from <"m", 16384, 9600>
gemma.weight @w.proj : tensor<60x48xf32> from <"m", 28672, 11520>
gemma.weight @w.q : tensor<40x60xf32> from <"m", 40960, 9600> reads [-3.0, 3.5] gives [-4.5, 4.0]
gemma.weight @w.k : tensor<20x60xf32> from <"m", 53248, 4800> reads [-3.0, 3.5]

gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256
// CHECK: gemma.packed @head_norm
// CHECK-NEXT: from [@w.head]
// CHECK-NEXT: as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <10 -> 16 crossed> bytes 128
gemma.packed @head_norm from [@w.head] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <10 -> 16 crossed> bytes 128
gemma.packed @columns from [@w.columns] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.packed @rows from [@w.rows] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384
gemma.packed @proj from [@w.proj] as f32 panels batch 1 rows 64 <60 -> 64> cols 64 <48 -> 64> bytes 16384
// CHECK: gemma.packed @qkv
// CHECK-NEXT: from [@w.q, @w.k, @w.k]
// CHECK-NEXT: as f32 panels batch 1 rows 128 <10 -> 16 crossed> cols 64 <60 -> 64> bytes 32768
// CHECK-NEXT: input_bounds [-3.0, 3.5]
// CHECK-NEXT: output_bounds [-4.5, 4.0, -3.4{{.*}}e38, 3.4{{.*}}e38, -3.4{{.*}}e38, 3.4{{.*}}e38]
gemma.packed @qkv from [@w.q, @w.k, @w.k] as f32 panels batch 1 rows 128 <10 -> 16 crossed> cols 64 <60 -> 64>
  bytes 32768 input_bounds [-3.0, 3.5] output_bounds [-4.5, 4.0, -3.4028234663852886e38, 3.4028234663852886e38,
  -3.4028234663852886e38, 3.4028234663852886e38]

// CHECK-LABEL: gemma.function @encode max_rows 2 {
gemma.function @encode max_rows 2 {
  %patches = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<18 x 32, i32>
  %x = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %q8 = gemma.buffer shared : !gemma.buffer<18 x 64, q8>
  %table = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, f32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  %mixed = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %pooled = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %plain = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  gemma.input "patches" %patches : <18 x 64, f32>
  gemma.input "places" %places : <18 x 32, i32>
  // CHECK: gemma.step.affine %{{.*}} -> %[[Y:.*]] by 2.0 plus -1.0 count 48 : <18 x 64, f32> -> <18 x 64, f32>
  gemma.step.affine %patches -> %y by 2.0 plus -1.0 count 48 : <18 x 64, f32> -> <18 x 64, f32>
  // CHECK: gemma.step.affine %{{.*}} -> %{{.*}} by 2.0 plus -1.0 count 48 within [-0.5, 1.0]
  // CHECK-SAME: : <18 x 64, f32> -> <18 x 64, q8>
  gemma.step.affine %patches -> %q8 by 2.0 plus -1.0 count 48 within [-0.5, 1.0] : <18 x 64, f32> -> <18 x 64, q8>
  // CHECK: gemma.step.rope_places_table %{{.*}} -> %[[TABLE:.*]] head_dim 20 theta 100.0
  // CHECK-SAME: : <18 x 32, i32> -> <18 x 32, f32>
  gemma.step.rope_places_table %places -> %table head_dim 20 theta 100.0 : <18 x 32, i32> -> <18 x 32, f32>
  gemma.barrier
  gemma.step.matmul %y, @proj -> %x none : <18 x 64, f32> -> <18 x 64, f32>
  gemma.barrier
  // CHECK:      gemma.step.add_places %[[X:.*]], %{{.*}} -> %[[X]] columns @columns rows @rows
  // CHECK-NEXT:     : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
  gemma.step.add_places %x, %places -> %x columns @columns rows @rows
      : <18 x 64, f32>, <18 x 32, i32> -> <18 x 64, f32>
  // CHECK:      gemma.step.norm %[[X]] -> %[[Y]] weight @vector
  // CHECK-NEXT:     factor 1.0 eps 0.5 count 60 within [-3.0, 3.5] : <18 x 64, f32> -> <18 x 64, f32>
  gemma.step.norm %x -> %y weight @vector
      factor 1.0 eps 0.5 count 60 within [-3.0, 3.5] : <18 x 64, f32> -> <18 x 64, f32>
  gemma.barrier
  // CHECK:      gemma.step.encoder_qkv %[[Y]], @qkv, %[[TABLE]] -> %[[Q:.*]], %[[M:.*]] raw %{{[0-9]+}}
  // CHECK-SAME: heads 2 kv_heads 1 head_dim 20
  // CHECK-NEXT:     q_norm @head_norm k_norm @head_norm eps 0.5
  // CHECK-NEXT:     : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
  gemma.step.encoder_qkv %y, @qkv, %table -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 20
      q_norm @head_norm k_norm @head_norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, f32>, <18 x 32, f32>
  gemma.barrier
  // CHECK:      gemma.step.encoder_attention %[[Q]], %[[M]] -> %[[MIXED:.*]] heads 2 kv_heads 1 head_dim 20
  // CHECK-NEXT:     : <18 x 64, f32>, <32 x 64, f32> -> <18 x 64, f32>
  gemma.step.encoder_attention %query, %memory -> %mixed heads 2 kv_heads 1 head_dim 20
      : <18 x 64, f32>, <32 x 64, f32> -> <18 x 64, f32>
  gemma.barrier
  // CHECK: gemma.step.quantize %[[MIXED]] -> %{{.*}} within [-3.0, 3.5] : <18 x 64, f32> -> <18 x 64, q8>
  gemma.step.quantize %mixed -> %q8 within [-3.0, 3.5] : <18 x 64, f32> -> <18 x 64, q8>
  // CHECK: gemma.step.quantize %[[MIXED]] -> %[[Y]] within [-3.0, 3.5] : <18 x 64, f32> -> <18 x 64, f32>
  gemma.step.quantize %mixed -> %y within [-3.0, 3.5] : <18 x 64, f32> -> <18 x 64, f32>
  // CHECK: gemma.step.pool %[[X]] -> %{{.*}} by 9 factor 0.25 : <18 x 64, f32> -> <2 x 64, f32>
  gemma.step.pool %x -> %plain by 9 factor 0.25 : <18 x 64, f32> -> <2 x 64, f32>
  // CHECK: gemma.step.pool %[[X]] -> %{{.*}} by 9 factor 0.25 bias @vector scale @vector
  // CHECK-SAME: : <18 x 64, f32> -> <2 x 64, f32>
  gemma.step.pool %x -> %pooled by 9 factor 0.25 bias @vector scale @vector : <18 x 64, f32> -> <2 x 64, f32>
}

// Keys and values as int16: of 18 rows padded to 32, d elements and a scale for each.
// CHECK-LABEL: gemma.function @words max_rows 2 {
gemma.function @words max_rows 2 {
  %y = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %table = gemma.buffer shared : !gemma.buffer<18 x 32, f32>
  %query = gemma.buffer shared : !gemma.buffer<18 x 64, f32>
  %memory = gemma.buffer shared : !gemma.buffer<32 x 64, i32>
  %raw = gemma.buffer private : !gemma.buffer<18 x 32, f32>
  gemma.input "rows" %y : <18 x 64, f32>
  gemma.input "table" %table : <18 x 32, f32>
  // CHECK:      gemma.step.encoder_qkv
  // CHECK:          : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, i32>, <18 x 32, f32>
  gemma.step.encoder_qkv %y, @qkv, %table -> %query, %memory raw %raw heads 2 kv_heads 1 head_dim 20
      q_norm @head_norm k_norm @head_norm eps 0.5
      : <18 x 64, f32>, <18 x 32, f32> -> <18 x 64, f32>, <32 x 64, i32>, <18 x 32, f32>
  gemma.barrier
  // CHECK:      gemma.step.encoder_attention
  // CHECK-NEXT:     : <18 x 64, f32>, <32 x 64, i32> -> <18 x 64, f32>
  gemma.step.encoder_attention %query, %memory -> %query heads 2 kv_heads 1 head_dim 20
      : <18 x 64, f32>, <32 x 64, i32> -> <18 x 64, f32>
}

// CHECK-LABEL: gemma.function @replicated max_rows 1 {
gemma.function @replicated max_rows 1 {
  %patches = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
  %places = gemma.buffer shared : !gemma.buffer<4 x 32, i32>
  %x = gemma.buffer private : !gemma.buffer<4 x 64, f32>
  %table = gemma.buffer private : !gemma.buffer<4 x 32, f32>
  %pooled = gemma.buffer private : !gemma.buffer<1 x 64, f32>
  gemma.input "patches" %patches : <4 x 64, f32>
  gemma.input "places" %places : <4 x 32, i32>
  // CHECK: gemma.step.affine {{.*}} count 64 within [-1.0, 1.0] replicated :
  gemma.step.affine %patches -> %x by 1.0 plus 0.5 count 64 within [-1.0, 1.0] replicated
      : <4 x 64, f32> -> <4 x 64, f32>
  // CHECK: gemma.step.add_places {{.*}} rows @rows replicated
  gemma.step.add_places %x, %places -> %x columns @columns rows @rows replicated
      : <4 x 64, f32>, <4 x 32, i32> -> <4 x 64, f32>
  // CHECK: gemma.step.rope_places_table {{.*}} theta 100.0 replicated :
  gemma.step.rope_places_table %places -> %table head_dim 20 theta 100.0 replicated : <4 x 32, i32> -> <4 x 32, f32>
  // CHECK: gemma.step.pool {{.*}} by 4 factor 0.25 replicated :
  gemma.step.pool %x -> %pooled by 4 factor 0.25 replicated : <4 x 64, f32> -> <1 x 64, f32>
}
