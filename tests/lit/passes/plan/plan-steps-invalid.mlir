// RUN: gemmac-opt %s --gemma-plan-steps --split-input-file --verify-diagnostics

// expected-error @below {{has no functions with 'gemma.max_rows'; run gemma-split-functions first}}
module {
}

// -----

// expected-error @below {{has no gemma.program; run gemma-plan-caches first}}
module {
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>) attributes {gemma.max_rows = 1 : i64} {
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @table : tensor<50x32xf32> from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    // expected-error @below {{reads weight '@table', which has no format; run gemma-assign-formats first}}
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @n : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @gate : tensor<64x32xf32> as q4 from <"f", 0, 8192>
  gemma.weight @up : tensor<64x32xf32> as q8 from <"f", 0, 8192>
  gemma.weight @down : tensor<32x64xf32> as q8 from <"f", 0, 8192>
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    // expected-error @below {{packs '@gate' (q4) and '@up' (q8) into one matrix, which has one format; give them the same}}
    %y = gemma.ffn %x pre_norm @n eps 0.5
        geglu(@gate, @up) down @down
        post_norm @n : tensor<?x32xf32>
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    // expected-error @below {{is not an op that functions are made of; run the gemma-fuse passes first}}
    %y = gemma.rms_norm %x groups 1 eps 0.5 : tensor<?x32xf32>
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 1 : i64} {
    // expected-error @below {{ids must be argument 0 of '@decode': steps read those of the call}}
    %x = gemma.embed %p, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x32xf32>
      attributes {gemma.max_rows = 1 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    // expected-error @below {{of function '@decode' gives result 0 no 'gemma.name', which only the logits of a gemma.head need not have}}
    return %x : tensor<?x32xf32>
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  // expected-remark @below {{weight '@dead' is read by no function and left out}}
  gemma.weight @dead : tensor<50x32xf32> from <"f", 0, 6400>
  func.func @prefill(%ids: tensor<?xi32>, %p: tensor<?xi32>)
      attributes {gemma.max_rows = 4 : i64} {
    %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x32xf32>
    return
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @n : tensor<32xf32> from <"f", 0, 128>
  gemma.weight @table : tensor<50x32xf32> as q8 from <"f", 0, 6400>
  func.func @decode(%ids: tensor<?xi32>, %p: tensor<?xi32>, %x: tensor<?x32xf32>)
      attributes {gemma.max_rows = 1 : i64} {
    // expected-error @below {{operand 0 is made by no step of function '@decode'}}
    %z = gemma.head %x norm @n eps 0.5 table @table
        : tensor<?x32xf32> -> tensor<?x50xf32>
    return
  }
}
