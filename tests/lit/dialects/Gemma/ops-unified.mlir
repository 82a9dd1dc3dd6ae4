// Models without encoders, all levels: every op, with and without what is optional, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @in : tensor<12xf32> from <"m", 0, 48>
gemma.weight @out : tensor<8xf32> from <"m", 64, 32>
gemma.weight @proj : tensor<8x12xf32> from <"m", 128, 384>
gemma.weight @table : tensor<6x8xf32> from <"m", 512, 192>
gemma.weight @text : tensor<6x8xf32> from <"m", 1024, 192>

// CHECK-LABEL: func @level_0
func.func @level_0(%patches: tensor<?x12xf32>, %places: tensor<?x2xi32>) -> tensor<?x8xf32> {
  // CHECK: gemma.layer_norm %{{.*}}, @in bias @in groups 1 eps 1.0e-5 : tensor<?x12xf32>
  %0 = gemma.layer_norm %patches, @in bias @in groups 1 eps 1.0e-5 : tensor<?x12xf32>
  %1 = gemma.linear %0, @proj : tensor<?x12xf32> -> tensor<?x8xf32>
  // CHECK: gemma.add_places %{{.*}}, %{{.*}}, @table, @table alternating : tensor<?x8xf32>, tensor<?x2xi32>
  %2 = gemma.add_places %1, %places, @table, @table alternating : tensor<?x8xf32>, tensor<?x2xi32>
  return %2 : tensor<?x8xf32>
}

// CHECK-LABEL: func @level_1
func.func @level_1(%patches: tensor<?x12xf32>, %places: tensor<?x2xi32>) -> tensor<?x6xf32> {
  // CHECK: %[[X:.*]] = gemma.normed_patch_embed %{{.*}} eps 1.0e-5 norm @in bias @in
  // CHECK-NEXT: proj @proj bias @out norm @out bias @out
  // CHECK-NEXT: + %{{.*}} in @table, @table alternating norm @out bias @out
  // CHECK-NEXT: : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  %x = gemma.normed_patch_embed %patches eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %places in @table, @table alternating norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  // CHECK: + %{{.*}} in @table, @table norm @out bias @out
  %y = gemma.normed_patch_embed %patches eps 1.0e-5 norm @in bias @in
      proj @proj bias @out norm @out bias @out
      + %places in @table, @table norm @out bias @out
      : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  // CHECK: gemma.norm_project %[[X]] eps 1.0e-6 proj @text : tensor<?x8xf32> -> tensor<?x6xf32>
  %z = gemma.norm_project %x eps 1.0e-6 proj @text : tensor<?x8xf32> -> tensor<?x6xf32>
  return %z : tensor<?x6xf32>
}

gemma.weight @w.vector : tensor<60xf32> from <"m", 2048, 240>
gemma.weight @w.table : tensor<40x60xf32> from <"m", 4096, 9600>
gemma.packed @vector from [@w.vector] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <60 -> 64> bytes 256
gemma.packed @places from [@w.table] as f32 panels batch 1 rows 64 <40 -> 64> cols 64 <60 -> 64> bytes 16384

// CHECK-LABEL: gemma.function @encode max_rows 2 {
gemma.function @encode max_rows 2 {
  %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %at = gemma.buffer shared : !gemma.buffer<2 x 32, i32>
  %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
  %q8 = gemma.buffer shared : !gemma.buffer<2 x 64, q8>
  gemma.input "x" %x : <2 x 64, f32>
  gemma.input "places" %at : <2 x 32, i32>
  // CHECK: gemma.step.layer_norm %{{.*}} -> %[[Y:.*]] weight @vector bias @vector count 60 eps 1.0e-5
  // CHECK-SAME: : <2 x 64, f32> -> <2 x 64, f32>
  gemma.step.layer_norm %x -> %y weight @vector bias @vector count 60 eps 1.0e-5 : <2 x 64, f32> -> <2 x 64, f32>
  // CHECK: gemma.step.layer_norm %{{.*}} : <2 x 64, f32> -> <2 x 64, q8>
  gemma.step.layer_norm %x -> %q8 weight @vector bias @vector count 60 eps 1.0e-5 : <2 x 64, f32> -> <2 x 64, q8>
  // CHECK: gemma.step.add_places %[[Y]], %{{.*}} -> %[[Y]] columns @places rows @places alternating
  gemma.step.add_places %y, %at -> %y columns @places rows @places alternating
      : <2 x 64, f32>, <2 x 32, i32> -> <2 x 64, f32>
}
