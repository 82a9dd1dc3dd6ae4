// Level 0: every op, printed and read again.
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

gemma.weight @table : tensor<11x8xbf16> from <"m", 0, 176>
gemma.weight @norm : tensor<4xf32> from <"m", 176, 16>
gemma.weight @proj : tensor<16x8xf16> from <"m", 192, 256>
gemma.weight @scalar : tensor<1xbf16> from <"m", 448, 2>
gemma.weight @router : tensor<3x8xf32> from <"m", 512, 96>
gemma.weight @router_scale : tensor<8xf32> from <"m", 608, 32>
gemma.weight @per_expert : tensor<3xf32> from <"m", 640, 12>
gemma.weight @gate_up : tensor<3x12x8xf32> from <"m", 1024, 1152>
gemma.weight @down : tensor<3x8x6xf32> from <"m", 2176, 576>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0

// CHECK-LABEL: func @lookup
func.func @lookup(%ids: tensor<?xi32>) -> tensor<?x8xf32> {
  // CHECK: gemma.embed %{{.*}}, @table scale 3.0 : tensor<?xi32> -> tensor<?x8xf32>
  %x = gemma.embed %ids, @table scale 3.0 : tensor<?xi32> -> tensor<?x8xf32>
  return %x : tensor<?x8xf32>
}

// CHECK-LABEL: func @arithmetic
func.func @arithmetic(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x3xf32>, tensor<?x16xf32>) {
  // CHECK: gemma.rms_norm %{{.*}}, @norm groups 2 eps 0.5 : tensor<?x8xf32>
  %0 = gemma.rms_norm %x, @norm groups 2 eps 0.5 : tensor<?x8xf32>
  // CHECK: gemma.rms_norm %{{.*}} groups 1 eps 0.5 : tensor<?x8xf32>
  %1 = gemma.rms_norm %0 groups 1 eps 0.5 : tensor<?x8xf32>
  // CHECK: gemma.linear %{{.*}}, @proj : tensor<?x8xf32> -> tensor<?x16xf32>
  %2 = gemma.linear %1, @proj : tensor<?x8xf32> -> tensor<?x16xf32>
  // CHECK: gemma.geglu %{{.*}}, %{{.*}} : tensor<?x8xf32>
  %3 = gemma.geglu %1, %y : tensor<?x8xf32>
  // CHECK: gemma.add %{{.*}}, %{{.*}} : tensor<?x8xf32>
  %4 = gemma.add %3, %y : tensor<?x8xf32>
  // CHECK: gemma.scale %{{.*}} by 2.0 : tensor<?x8xf32>
  %5 = gemma.scale %4 by 2.0 : tensor<?x8xf32>
  // CHECK: gemma.layer_scale %{{.*}}, @scalar : tensor<?x8xf32>
  %6 = gemma.layer_scale %5, @scalar : tensor<?x8xf32>
  // CHECK: gemma.slice %{{.*}} at 5 : tensor<?x8xf32> -> tensor<?x3xf32>
  %7 = gemma.slice %6 at 5 : tensor<?x8xf32> -> tensor<?x3xf32>
  // CHECK: gemma.softcap %{{.*}} cap 30.0 : tensor<?x16xf32>
  %8 = gemma.softcap %2 cap 30.0 : tensor<?x16xf32>
  return %6, %7, %8 : tensor<?x8xf32>, tensor<?x3xf32>, tensor<?x16xf32>
}

// Static numbers of rows work as well as dynamic ones.
// CHECK-LABEL: func @attention
func.func @attention(%x: tensor<2x8xf32>, %kv: tensor<2x4xf32>, %positions: tensor<2xi32>) -> tensor<2x8xf32> {
  // CHECK: gemma.rope %{{.*}}, %{{.*}} heads 2 <theta = 10000.0, pairs = 1, factor = 1.0>
  // CHECK-NEXT: : tensor<2x8xf32>, tensor<2xi32>
  %q = gemma.rope %x, %positions heads 2 <theta = 10000.0, pairs = 1, factor = 1.0> : tensor<2x8xf32>, tensor<2xi32>
  // CHECK: gemma.kv_write %{{.*}}, %{{.*}}, %{{.*}}, @kv.0 : tensor<2x4xf32>, tensor<2xi32>
  gemma.kv_write %kv, %kv, %positions, @kv.0 : tensor<2x4xf32>, tensor<2xi32>
  // CHECK: gemma.attention %{{.*}}, %{{.*}}, @kv.0 heads 2 : tensor<2x8xf32>, tensor<2xi32>
  %y = gemma.attention %q, %positions, @kv.0 heads 2 : tensor<2x8xf32>, tensor<2xi32>
  return %y : tensor<2x8xf32>
}

// CHECK-LABEL: func @mixture
func.func @mixture(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %{{.*}}, %{{.*}} = gemma.router %{{.*}} scale @router_scale factor 0.25 eps 0.5
  // CHECK-NEXT: proj @router top_k 2 per_expert_scale @per_expert
  // CHECK-NEXT: : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %weights, %picks = gemma.router %x scale @router_scale factor 0.25 eps 0.5
      proj @router top_k 2 per_expert_scale @per_expert
      : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: gemma.experts %{{.*}}, %{{.*}}, %{{.*}}, @gate_up, @down
  // CHECK-NEXT: : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  %y = gemma.experts %x, %weights, %picks, @gate_up, @down : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>
  return %y : tensor<?x8xf32>
}
