// Towers have formats of their own. Unasked they are q12 beside quantized text and as they are stored beside floats;
// tables of places are always as they are stored.
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q4 | FileCheck %s --check-prefixes=CHECK,Q4,Q12
// RUN: gemmac-opt %s --gemma-assign-formats=weights=c8 | FileCheck %s --check-prefixes=CHECK,Q12
// RUN: gemmac-opt %s --gemma-assign-formats=weights=bf16 | FileCheck %s --check-prefixes=CHECK,STORED
// RUN: gemmac-opt %s --gemma-assign-formats=weights=f32 | FileCheck %s --check-prefixes=CHECK,STORED
// RUN: gemmac-opt %s --gemma-assign-formats="weights=q4 vision=q8 audio=q5" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,Q4,GIVEN
// RUN: gemmac-opt %s --gemma-assign-formats="weights=q4 vision=bf16 audio=f32" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FLOATS

// CHECK:       @down
// Q4-SAME:     as q4{{$}}
gemma.weight @down : tensor<4x4xbf16> from <"m", 0, 32>
// CHECK:       @norm
// CHECK-SAME:  as f32{{$}}
gemma.weight @norm : tensor<4xbf16> from <"m", 0, 8>
// CHECK:       @proj
// Q12-SAME:    as q12{{$}}
// STORED-SAME: as bf16{{$}}
// GIVEN-SAME:  as q8{{$}}
// FLOATS-SAME: as bf16{{$}}
gemma.weight @proj : tensor<4x12xbf16> from <"m", 0, 96>
// CHECK:       @columns
// CHECK-SAME:  as bf16{{$}}
gemma.weight @columns : tensor<64x4xbf16> from <"m", 0, 512>
// CHECK:       @heard
// Q12-SAME:    as q12{{$}}
// STORED-SAME: as f16{{$}}
// GIVEN-SAME:  as q5{{$}}
// FLOATS-SAME: as f32{{$}}
gemma.weight @heard : tensor<4x4xf16> from <"m", 0, 32>

func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.ffn %x pre_norm @norm eps 0.5
      geglu(@down, @down) down @down
      post_norm @norm : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

func.func @encode_image(%p: tensor<?x12xf32>, %at: tensor<?x2xi32>) -> tensor<?x4xf32> {
  %x = gemma.patch_embed %p by 2.0 plus -1.0 proj @proj
      + %at in @columns, @columns : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x4xf32>
  return %x : tensor<?x4xf32>
}

func.func @encode_audio(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.pool_project %x by 4 factor 0.25
      eps 0.5 proj @heard : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
