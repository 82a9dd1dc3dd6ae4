// RUN: gemmac-opt %s --gemma-split-functions --split-input-file --verify-diagnostics
// RUN: not gemmac-opt %s --gemma-split-functions=chunk=0 2>&1 | FileCheck %s --check-prefix=CHUNK

// CHUNK: error: 'chunk', 'verify-rows' and 'image-tokens' must be at least 1, got 0, 8 and 1120

// expected-error @below {{has no function @forward of straight code to split}}
module {
}

// -----

func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) {
  return
}
// expected-error @below {{symbol 'prefill' is wanted for a function of the program}}
func.func @prefill() {
  return
}
