// RUN: gemmac-opt %s --gemma-plan-caches --split-input-file --verify-diagnostics

module attributes {gemma.model = {context = 500 : i64}} {
  // A prefill of 200 rows would overwrite keys that it still reads.
  // expected-error @below {{function '@prefill' has up to 200 rows, but caches are planned for 128; give chunk and verify-rows as to gemma-split-functions}}
  func.func @prefill() attributes {gemma.max_rows = 200 : i64} {
    return
  }
}

// -----

// expected-error @below {{no context was given and the module has no 'gemma.model' with a 'context'; give one}}
module {
}
