// RUN: gemmac-opt %s --gemma-fuse-head --split-input-file --remarks-filter-missed=gemma-fuse-head \
// RUN:   --verify-diagnostics | FileCheck %s

gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @table : tensor<7x4xf32> from <"m", 16, 112>

// CHECK-LABEL: func @capped
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>)
func.func @capped(%x: tensor<?x4xf32>) -> tensor<?x7xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.head %[[X]] norm @norm eps 0.5 table @table softcap 30.0
  // CHECK-NEXT:   : tensor<?x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %n = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x4xf32>
  %l = gemma.linear %n, @table : tensor<?x4xf32> -> tensor<?x7xf32>
  %c = gemma.softcap %l cap 30.0 : tensor<?x7xf32>
  return %c : tensor<?x7xf32>
}

// CHECK-LABEL: func @uncapped
func.func @uncapped(%x: tensor<?x4xf32>) -> tensor<?x7xf32> {
  // CHECK-NEXT: gemma.head %{{.*}} norm @norm eps 0.5 table @table{{$}}
  %n = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x4xf32>
  %l = gemma.linear %n, @table : tensor<?x4xf32> -> tensor<?x7xf32>
  return %l : tensor<?x7xf32>
}

// Only what the function returns is a head.
// CHECK-LABEL: func @inner_projection
// CHECK-NOT:   gemma.head %
func.func @inner_projection(%x: tensor<?x4xf32>) -> tensor<?x7xf32> {
  %n = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x4xf32>
  %l = gemma.linear %n, @table : tensor<?x4xf32> -> tensor<?x7xf32>
  %s = gemma.scale %l by 2.0 : tensor<?x7xf32>
  return %s : tensor<?x7xf32>
}

// -----

gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @table : tensor<7x4xf32> from <"m", 16, 112>

// CHECK-LABEL: func @another_reader
// CHECK-NOT:   gemma.head %
func.func @another_reader(%x: tensor<?x4xf32>) -> (tensor<?x7xf32>, tensor<?x4xf32>) {
  %n = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x4xf32>
  %l = gemma.linear %n, @table : tensor<?x4xf32> -> tensor<?x7xf32>
  // expected-remark @below {{'gemma.rms_norm' has another reader, 'func.return'}}
  %c = gemma.softcap %l cap 30.0 : tensor<?x7xf32>
  return %c, %n : tensor<?x7xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @no_norm
// CHECK-NOT:   gemma.head %
func.func @no_norm(%x: tensor<?x4xf32>) -> tensor<?x7xf32> {
  // expected-remark @below {{what is returned is not a projection of a norm}}
  %l = gemma.linear %x, @table : tensor<?x4xf32> -> tensor<?x7xf32>
  return %l : tensor<?x7xf32>
}

// CHECK-LABEL: func @grouped_norm
// CHECK-NOT:   gemma.head %
func.func @grouped_norm(%x: tensor<?x4xf32>) -> tensor<?x7xf32> {
  %n = gemma.rms_norm %x groups 2 eps 0.5 : tensor<?x4xf32>
  // expected-remark @below {{the final norm is not a norm of whole rows with a weight}}
  %l = gemma.linear %n, @table : tensor<?x4xf32> -> tensor<?x7xf32>
  return %l : tensor<?x7xf32>
}

// CHECK-LABEL: func @softcap_elsewhere
func.func @softcap_elsewhere(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-remark @below {{it is not what the function returns}}
  %c = gemma.softcap %x cap 30.0 : tensor<?x4xf32>
  %s = gemma.scale %c by 2.0 : tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}
