// RUN: gemmac-opt %s --gemma-plan-caches --split-input-file --verify-diagnostics

module attributes {gemma.model = {context = 500 : i64}} {
  // A prefill of 200 rows would overwrite keys that it still reads.
  // expected-error @below {{function '@prefill' has up to 200 rows, but caches are planned for 128; give chunk and verify-rows as to gemma-split-functions}}
  func.func @prefill(%k: tensor<?x4xf32>, %p: tensor<?xi32>) attributes {gemma.max_rows = 200 : i64} {
    gemma.kv_write %k, %k, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
    return
  }
  gemma.kv_cache @kv.0 heads 1 head_dim 4 window 512
}

// -----

// expected-error @below {{no context was given and the module has no 'gemma.model' with a 'context'; give one}}
module {
}
