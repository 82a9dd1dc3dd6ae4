// A whole layer with per-layer embeddings, and the pass that names what was left.
// RUN: gemmac-opt %s --gemma-fuse | FileCheck %s

gemma.weight @embed : tensor<9x4xf32> from <"m", 0, 144>
gemma.weight @table : tensor<9x2xf32> from <"m", 0, 72>
gemma.weight @mproj : tensor<2x4xf32> from <"m", 0, 32>
gemma.weight @pnorm : tensor<2xf32> from <"m", 0, 8>
gemma.weight @n4 : tensor<4xf32> from <"m", 0, 16>
gemma.weight @n2 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @w44 : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @w24 : tensor<2x4xf32> from <"m", 0, 32>
gemma.weight @w42 : tensor<4x2xf32> from <"m", 0, 32>
gemma.weight @scalar : tensor<1xf32> from <"m", 0, 4>
gemma.kv_cache @kv.0 heads 1 head_dim 2 window 3

// CHECK-LABEL: func @forward
func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x9xf32> {
  // CHECK-NEXT: %[[X:.*]] = gemma.embed
  // CHECK-NEXT: %[[PLE:.*]] = gemma.ple_input %[[X]]
  // CHECK:      %[[Q:.*]] = gemma.qkv %[[X]]
  // CHECK:      %[[A:.*]] = gemma.attend %[[Q]]
  // CHECK:        + %[[X]] :
  // CHECK-NEXT: %[[F:.*]] = gemma.ffn %[[A]]
  // CHECK:      %[[M:.*]] = gemma.ple_mix %[[F]] gelu(@w24) * %[[PLE]] at 0
  // CHECK:        layer_scale @scalar
  // CHECK:      %[[L:.*]] = gemma.head %[[M]]
  // CHECK-NOT:  gemma.{{[a-z_]+}} %
  // CHECK:      return %[[L]]
  %x = gemma.embed %ids, @embed scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  %t = gemma.embed %ids, @table scale 1.5 : tensor<?xi32> -> tensor<?x2xf32>
  %c0 = gemma.linear %x, @mproj : tensor<?x4xf32> -> tensor<?x2xf32>
  %c1 = gemma.scale %c0 by 0.5 : tensor<?x2xf32>
  %c2 = gemma.rms_norm %c1, @pnorm groups 1 eps 0.5 : tensor<?x2xf32>
  %c3 = gemma.add %c2, %t : tensor<?x2xf32>
  %ple = gemma.scale %c3 by 0.75 : tensor<?x2xf32>

  %y = gemma.rms_norm %x, @n4 groups 1 eps 0.5 : tensor<?x4xf32>
  %q0 = gemma.linear %y, @w44 : tensor<?x4xf32> -> tensor<?x4xf32>
  %q1 = gemma.rms_norm %q0, @n2 groups 2 eps 0.5 : tensor<?x4xf32>
  %q = gemma.rope %q1, %p heads 2 <theta = 1.0e2, pairs = 1, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  %k0 = gemma.linear %y, @w24 : tensor<?x4xf32> -> tensor<?x2xf32>
  %v0 = gemma.linear %y, @w24 : tensor<?x4xf32> -> tensor<?x2xf32>
  %k1 = gemma.rms_norm %k0, @n2 groups 1 eps 0.5 : tensor<?x2xf32>
  %k = gemma.rope %k1, %p heads 1 <theta = 1.0e2, pairs = 1, factor = 1.0> : tensor<?x2xf32>, tensor<?xi32>
  %v = gemma.rms_norm %v0 groups 1 eps 0.5 : tensor<?x2xf32>
  gemma.kv_write %k, %v, %p, @kv.0 : tensor<?x2xf32>, tensor<?xi32>
  %a0 = gemma.attention %q, %p, @kv.0 heads 2 : tensor<?x4xf32>, tensor<?xi32>
  %a1 = gemma.linear %a0, @w44 : tensor<?x4xf32> -> tensor<?x4xf32>
  %a2 = gemma.rms_norm %a1, @n4 groups 1 eps 0.5 : tensor<?x4xf32>
  %a = gemma.add %x, %a2 : tensor<?x4xf32>

  %f0 = gemma.rms_norm %a, @n4 groups 1 eps 0.5 : tensor<?x4xf32>
  %f1 = gemma.linear %f0, @w24 : tensor<?x4xf32> -> tensor<?x2xf32>
  %f2 = gemma.linear %f0, @w24 : tensor<?x4xf32> -> tensor<?x2xf32>
  %f3 = gemma.geglu %f1, %f2 : tensor<?x2xf32>
  %f4 = gemma.linear %f3, @w42 : tensor<?x2xf32> -> tensor<?x4xf32>
  %f5 = gemma.rms_norm %f4, @n4 groups 1 eps 0.5 : tensor<?x4xf32>
  %f = gemma.add %a, %f5 : tensor<?x4xf32>

  %m0 = gemma.linear %f, @w24 : tensor<?x4xf32> -> tensor<?x2xf32>
  %m1 = gemma.slice %ple at 0 : tensor<?x2xf32> -> tensor<?x2xf32>
  %m2 = gemma.geglu %m0, %m1 : tensor<?x2xf32>
  %m3 = gemma.linear %m2, @w42 : tensor<?x2xf32> -> tensor<?x4xf32>
  %m4 = gemma.rms_norm %m3, @n4 groups 1 eps 0.5 : tensor<?x4xf32>
  %m5 = gemma.add %f, %m4 : tensor<?x4xf32>
  %m = gemma.layer_scale %m5, @scalar : tensor<?x4xf32>

  %h0 = gemma.rms_norm %m, @n4 groups 1 eps 0.5 : tensor<?x4xf32>
  %h1 = gemma.linear %h0, @embed : tensor<?x4xf32> -> tensor<?x9xf32>
  %h = gemma.softcap %h1 cap 30.0 : tensor<?x9xf32>
  return %h : tensor<?x9xf32>
}
