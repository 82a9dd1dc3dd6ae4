// RUN: gemmac-opt %s --gemma-assign-formats=weights=q4 --split-input-file --verify-diagnostics

gemma.weight @w : tensor<4x4xbf16> from <"m", 0, 32>

func.func @level_0(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'gemma.linear' op uses matrix 'w' as 'weight', for which gemma-assign-formats has no rule; run gemma-fuse first}}
  %y = gemma.linear %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

gemma.weight @norm : tensor<4xbf16> from <"m", 0, 8>
gemma.weight @w : tensor<4x4xbf16> from <"m", 0, 32>

func.func @two_roles(%ids: tensor<?xi32>) -> tensor<?x4xf32> {
  // expected-note @below {{the other op is this one}}
  %x = gemma.embed %ids, @w scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  // expected-error @below {{'gemma.ffn' op wants 'w' as q4, another op as q6}}
  %y = gemma.ffn %x pre_norm @norm eps 0.5
      geglu(@w, @w) down @w
      post_norm @norm : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
