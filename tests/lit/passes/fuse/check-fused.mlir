// RUN: gemmac-opt %s --gemma-check-fused --split-input-file --verify-diagnostics

gemma.weight @table : tensor<9x4xf32> from <"m", 0, 144>
gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
// Fused: what plan takes.
func.func @clean(%ids: tensor<?xi32>) -> tensor<?x9xf32> {
  %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  %l = gemma.head %x norm @norm eps 0.5 table @table
      : tensor<?x4xf32> -> tensor<?x9xf32>
  return %l : tensor<?x9xf32>
}

// -----

gemma.weight @w : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @scalar : tensor<1xf32> from <"m", 0, 4>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0

func.func @attention_part(%q: tensor<?x4xf32>, %x: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  // expected-error @below {{'gemma.attention' op is not fused; 'gemma-fuse-attend' should have taken it}}
  // expected-note @below {{tells what each pass missed}}
  %a = gemma.attention %q, %p, @kv.0 heads 1 : tensor<?x4xf32>, tensor<?xi32>
  // expected-error @below {{'gemma.linear' op is not fused; 'gemma-fuse-attend' should have taken it}}
  %l = gemma.linear %a, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  return %l : tensor<?x4xf32>
}

// -----

func.func @scaled_query(%q: tensor<?x4xf32>, %p: tensor<?xi32>) -> tensor<?x4xf32> {
  // expected-error @below {{'gemma.rope' op is not fused; 'gemma-fuse-qkv' should have taken it}}
  // expected-note @below {{tells what each pass missed}}
  %r = gemma.rope %q, %p heads 1 <theta = 1.0e2, pairs = 2, factor = 1.0> : tensor<?x4xf32>, tensor<?xi32>
  // expected-error @below {{'gemma.scale' op is not fused; 'gemma-fuse-qkv' should have taken it}}
  %s = gemma.scale %r by 0.5 : tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// -----

gemma.weight @w : tensor<4x4xf32> from <"m", 0, 64>
gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>

func.func @mlp_part(%x: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'gemma.rms_norm' op is not fused; 'gemma-fuse-ffn' should have taken it}}
  // expected-note @below {{tells what each pass missed}}
  %n = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x4xf32>
  // expected-error @below {{'gemma.linear' op is not fused; 'gemma-fuse-ffn' should have taken it}}
  %g = gemma.linear %n, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  // expected-error @below {{'gemma.geglu' op is not fused; 'gemma-fuse-ffn' should have taken it}}
  %m = gemma.geglu %g, %u : tensor<?x4xf32>
  return %m : tensor<?x4xf32>
}

// -----

gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>

func.func @head_part(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'gemma.rms_norm' op is not fused; 'gemma-fuse-head' should have taken it}}
  // expected-note @below {{tells what each pass missed}}
  %n = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x4xf32>
  return %n : tensor<?x4xf32>
}

// -----

gemma.weight @scalar : tensor<1xf32> from <"m", 0, 4>
gemma.weight @norm : tensor<4xf32> from <"m", 0, 16>
gemma.weight @table : tensor<9x4xf32> from <"m", 0, 144>

// A layer_scale that no neighbour absorbed.
func.func @lone_layer_scale(%x: tensor<?x4xf32>) -> tensor<?x9xf32> {
  // expected-error @below {{'gemma.layer_scale' op is not fused; 'gemma-fuse-ffn' should have taken it}}
  // expected-note @below {{tells what each pass missed}}
  %s = gemma.layer_scale %x, @scalar : tensor<?x4xf32>
  %l = gemma.head %s norm @norm eps 0.5 table @table
      : tensor<?x4xf32> -> tensor<?x9xf32>
  return %l : tensor<?x9xf32>
}
