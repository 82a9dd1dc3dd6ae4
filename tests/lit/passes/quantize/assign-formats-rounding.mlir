// Stored floats are rounded to another float only with a warning; a stored f32 router stays.
// RUN: gemmac-opt %s --gemma-assign-formats=weights=bf16 --split-input-file --verify-diagnostics | FileCheck %s

gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
// expected-warning @below {{3 tensors stored as f32 will be rounded to bf16, 'gate' first}}
gemma.weight @gate : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @up : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @down : tensor<4x4xf32> from <"m", 0, 64>

// CHECK: @norm {{.*}} as f32{{$}}
// CHECK: @gate {{.*}} as bf16{{$}}
func.func @from_f32(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = gemma.ffn %x pre_norm @norm eps 0.5
      geglu(@gate, @up) down @down
      post_norm @norm : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

gemma.weight @norm : tensor<4xf16> from <"m", 0, 8>
// expected-warning @below {{1 tensor stored as f16 will be rounded to bf16, 'w' first}}
gemma.weight @w : tensor<4x4xf16> from <"m", 0, 32>
gemma.weight @bf : tensor<4x4xbf16> from <"m", 0, 32>
gemma.weight @router : tensor<3x4xf32> from <"m", 0, 48>
gemma.weight @per_expert : tensor<3xf32> from <"m", 0, 12>
gemma.weight @experts : tensor<3x8x4xbf16> from <"m", 0, 192>
gemma.weight @experts_down : tensor<3x4x4xbf16> from <"m", 0, 96>

// CHECK: @router {{.*}} as f32{{$}}
func.func @mixed(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %m = gemma.moe %x eps 0.5
      dense pre_norm @norm
        geglu(@w, @bf) down @bf
        post_norm @norm
      router scale @norm factor 1.0 proj @router
        top_k 2 per_expert_scale @per_expert
      experts pre_norm @norm
        gate_up @experts down @experts_down
        post_norm @norm
      sum post_norm @norm
      : tensor<?x4xf32>
  return %m : tensor<?x4xf32>
}

// -----

gemma.weight @norm : tensor<256xf32> from <"m", 0, 1024>
// expected-warning @below {{2 tensors stored as q6_k will be rounded to bf16, 'gate' first}}
gemma.weight @gate : tensor<4x256xf32> from <"m", 1024, 840> encoded q6_k
gemma.weight @up : tensor<4x256xf32> from <"m", 1864, 840> encoded q6_k
gemma.weight @down : tensor<256x4xbf16> from <"m", 2704, 2048>

// CHECK: @gate {{.*}} as bf16{{$}}
// CHECK-NEXT: encoded q6_k
func.func @from_blocks(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %y = gemma.ffn %x pre_norm @norm eps 0.5
      geglu(@gate, @up) down @down
      post_norm @norm : tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
