// RUN: gemmac-opt --split-input-file --verify-diagnostics --gemma-lower-steps=target=x86_64-linux %s
// RUN: not gemmac-opt --gemma-lower-steps=target=vax-linux %s 2>&1 | FileCheck %s
// What the plan stage must have left behind, and a target that this build has not.

// CHECK: error: unknown target 'vax-linux'
// expected-error @below {{has no gemma.program; run gemma-plan-caches first}}
module {
}

// -----

module {
  // expected-error @below {{has no scratch_bytes}}
  // expected-note @below {{run gemma-place-buffers before gemma-lower-steps}}
  gemma.program context 64 slots 1 slot_bytes 0
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 0 scratch_bytes 0
  gemma.function @decode max_rows 1 {
    // expected-error @below {{has no offset}}
    // expected-note @below {{run gemma-place-buffers before gemma-lower-steps}}
    %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %x head_dim 64 <theta = 1.0e4, pairs = 32, factor = 1.0> replicated
      : !gemma.buffer<1 x 64, f32>
  }
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 0 scratch_bytes 0
  gemma.weight @w : tensor<64x64xf32> from <"w", 0, 16384>
  // expected-error @below {{has no offset}}
  // expected-note @below {{run gemma-plan-steps before gemma-lower-steps}}
  gemma.packed @p from [@w] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 0 scratch_bytes 0
  gemma.weight @w : tensor<64x64xf32> from <"w", 0, 16384>
  // expected-error @below {{has no row_at}}
  // expected-note @below {{run gemma-plan-steps before gemma-lower-steps}}
  gemma.packed @p from [@w] as q4 table batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304 at 0
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 0 scratch_bytes 0
  // expected-error @below {{has no offset}}
  // expected-note @below {{run gemma-plan-caches before gemma-lower-steps}}
  gemma.kv_cache @kv.0 heads 1 head_dim 64 window 0
}

// -----

module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 256 scratch_bytes 0
  // expected-error @below {{is serial: its steps would run at once on threads; run gemma-plan-steps with spmd}}
  gemma.function @decode max_rows 1 serial arena_bytes 256 scratch_bytes 0 {
    %x = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %x head_dim 64 <theta = 1.0e4, pairs = 32, factor = 1.0> : !gemma.buffer<1 x 64, f32>
  }
}
