// RUN: gemmac-opt %s --gemma-plan-caches="context=100 chunk=20 format=q4 sliding-format=q8" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,MIXED
// RUN: gemmac-opt %s --gemma-plan-caches="context=100 chunk=20 format=q8" | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: gemmac-opt %s --gemma-plan-caches="context=100 chunk=20 format=q8 sliding-format=f16" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,F16
// RUN: gemmac-opt %s --gemma-plan-caches="context=100 chunk=20 format=q4 rotate=false" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,PLAIN

// Caches with a window may have a format of their own. Quantized ones are rotated, unless told otherwise. A group of 32
// elements of 16 positions takes 544 bytes in q8 and 288 in q4: the whole cache has 2 (keys, values) x 7 blocks x 1
// group, the ring 2 x 2 x 3 (72 padded to 96).
// CHECK: gemma.program
// MIXED-SAME: slot_bytes 10560
module attributes {gemma.model = {context = 500 : i64}} {
  // MIXED: gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // MIXED-NEXT: as q4 capacity 112 bytes 4032 at 0 rotated
  // Q8:    gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // Q8-NEXT: as q8 capacity 112 bytes 7616 at 0 rotated
  // F16:   gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // F16-NEXT: as q8 capacity 112 bytes 7616 at 0 rotated
  // PLAIN: gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // PLAIN-NEXT: as q4 capacity 112 bytes 4032 at 0{{$}}
  gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // MIXED: gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // MIXED-NEXT: as q8 capacity 32 bytes 6528 at 4032 rotated
  // Q8:    gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // Q8-NEXT: as q8 capacity 32 bytes 6528 at 7616 rotated
  // F16:   gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // F16-NEXT: as f16 capacity 32 bytes 12288 at 7616{{$}}
  // PLAIN: gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // PLAIN-NEXT: as q4 capacity 32 bytes 3456 at 4032{{$}}
  gemma.kv_cache @ring heads 1 head_dim 72 window 8
  func.func @decode(%k: tensor<?x8xf32>, %w: tensor<?x72xf32>, %p: tensor<?xi32>) {
    gemma.kv_write %k, %k, %p, @whole : tensor<?x8xf32>, tensor<?xi32>
    gemma.kv_write %w, %w, %p, @ring : tensor<?x72xf32>, tensor<?xi32>
    return
  }
}
