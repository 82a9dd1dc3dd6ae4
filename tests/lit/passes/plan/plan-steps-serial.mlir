// RUN: gemmac-opt %s --split-input-file --gemma-plan="context=64 chunk=4 verify-rows=2 spmd=false split-keys=false" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SERIAL
// RUN: gemmac-opt %s --split-input-file --gemma-plan="context=64 chunk=4 verify-rows=2" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SPMD

// A plan without threads that walk together: a single row is not replicated, its attention is whole, and no step waits
// for another. Each step still writes where no living buffer lies.
module attributes {gemma.model = {context = 100 : i64}} {
  gemma.weight @n : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @q : tensor<32x32xf32> as q8 from <"f", 0, 4096>
  gemma.weight @k : tensor<16x32xf32> as q8 from <"f", 0, 2048>
  gemma.weight @hn : tensor<16xf32> from <"f", 0, 64>
  gemma.weight @o : tensor<32x32xf32> as q8 from <"f", 0, 4096>
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  gemma.kv_cache @kv.0 heads 1 head_dim 16 window 0

  // SERIAL:     gemma.function @decode max_rows 1 serial
  // SPMD:       gemma.function @decode max_rows 1 weight_bytes
  // SERIAL:       gemma.buffer shared at {{[0-9]+}} label "x"
  // SPMD:         gemma.buffer private at {{[0-9]+}} label "x"
  // SERIAL:       gemma.step.embed
  // SERIAL-NOT:   replicated
  // SERIAL-NOT:   gemma.barrier{{$}}
  // SERIAL-NOT:   gemma.step.attention_splits
  // SERIAL:       gemma.step.attention %
  // SPMD:         gemma.step.attention_splits
  // SPMD:         gemma.step.attention_merge
  // CHECK:      gemma.function @verify
  // CHECK:        gemma.step.attention %
  func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x50xf32> {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    %q = gemma.qkv %x, %p norm @n eps 0.5
        heads 2 head_dim 16 rope <theta = 1.0e4, pairs = 8, factor = 1.0>
        q @q q_norm @hn
        k @k k_norm @hn
        cache @kv.0
        : tensor<?x32xf32>, tensor<?xi32> -> tensor<?x32xf32>
    %y = gemma.attend %q, %p, @kv.0 heads 2 o @o
        post_norm @n eps 0.5
        + %x : tensor<?x32xf32>, tensor<?xi32>, tensor<?x32xf32>
    %z = gemma.head %y norm @n eps 0.5 table @table
        : tensor<?x32xf32> -> tensor<?x50xf32>
    return %z : tensor<?x50xf32>
  }
}
