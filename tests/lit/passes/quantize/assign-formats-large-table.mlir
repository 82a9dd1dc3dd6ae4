// RUN: gemmac-opt %s --gemma-assign-formats=weights=q4 | FileCheck %s
// A large embedding table gets one bit less than a small one: 2^26 values.

// CHECK:      @small
// CHECK-SAME: as q6{{$}}
gemma.weight @small : tensor<262143x256xbf16> from <"m", 0, 134217216>
// CHECK:      @large
// CHECK-SAME: as q5{{$}}
gemma.weight @large : tensor<262144x256xbf16> from <"m", 0, 134217728>

func.func @forward(%ids: tensor<?xi32>) -> (tensor<?x256xf32>, tensor<?x256xf32>) {
  %x = gemma.embed %ids, @small scale 2.0 : tensor<?xi32> -> tensor<?x256xf32>
  %y = gemma.embed %ids, @large scale 2.0 : tensor<?xi32> -> tensor<?x256xf32>
  return %x, %y : tensor<?x256xf32>, tensor<?x256xf32>
}
