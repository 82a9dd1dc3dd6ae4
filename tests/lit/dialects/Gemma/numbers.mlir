// Numbers are printed with the fewest digits that read back as the same f64.
// RUN: gemmac-opt %s | FileCheck %s
// RUN: gemmac-opt %s | gemmac-opt | FileCheck %s

func.func @numbers(%x: tensor<1x8xf32>) {
  // CHECK: gemma.scale %{{.*}} by 1.0e-6 :
  %0 = gemma.scale %x by 0.000001 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by 0.1 :
  %1 = gemma.scale %x by 1.0e-01 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by -3.0 :
  %2 = gemma.scale %x by -3.0 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by 0.30000000000000004 :
  %3 = gemma.scale %x by 0.30000000000000004 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by 123456789.125 :
  %4 = gemma.scale %x by 123456789.125 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by 1.0e22 :
  %5 = gemma.scale %x by 10000000000000000000000.0 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by 5.0e-324 :
  %6 = gemma.scale %x by 0x1 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by -0.0 :
  %7 = gemma.scale %x by -0.0 : tensor<1x8xf32>
  // CHECK: gemma.scale %{{.*}} by 1.7976931348623157e308 :
  %8 = gemma.scale %x by 0x7FEFFFFFFFFFFFFF : tensor<1x8xf32>
  return
}
