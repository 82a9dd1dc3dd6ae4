// RUN: gemmac-opt %s --gemma-plan-caches --split-input-file --verify-diagnostics

module attributes {gemma.model = {context = 500 : i64}} {
  gemma.weight @w : tensor<4x4xf32> from <"m", 0, 64>
  gemma.weight @n : tensor<4xf32> from <"m", 0, 16>
  gemma.kv_cache @kv.0 heads 1 head_dim 4 window 16
  // A prefill of 200 rows would overwrite keys that it still reads.
  // expected-error @below {{function '@prefill' has up to 200 rows, but caches are planned for 128; give chunk and verify-rows as to gemma-split-functions}}
  func.func @prefill(%x: tensor<?x4xf32>, %p: tensor<?xi32>) attributes {gemma.max_rows = 200 : i64} {
    %q = gemma.qkv %x, %p norm @n eps 0.5
        heads 1 head_dim 4 rope <theta = 1.0e2, pairs = 2, factor = 1.0>
        q @w q_norm @n
        k @w k_norm @n
        cache @kv.0
        : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
    return
  }
}

// -----

// expected-error @below {{no context was given and the module has no 'gemma.model' with a 'context'; give one}}
module {
}
