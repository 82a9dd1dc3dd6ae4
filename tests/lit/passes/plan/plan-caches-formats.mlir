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
// CHECK: module attributes
// MIXED-SAME: gemma.cache_bytes = 10560 : i64
module attributes {gemma.model = {context = 500 : i64}} {
  // MIXED: gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // MIXED-SAME: {bytes = 4032 : i64, capacity = 112 : i64, format = #gemma.format<q4>, offset = 0 : i64, rotated}
  // Q8:    gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // Q8-SAME: {bytes = 7616 : i64, capacity = 112 : i64, format = #gemma.format<q8>, offset = 0 : i64, rotated}
  // F16:   gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // F16-SAME: {bytes = 7616 : i64, capacity = 112 : i64, format = #gemma.format<q8>, offset = 0 : i64, rotated}
  // PLAIN: gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // PLAIN-SAME: {bytes = 4032 : i64, capacity = 112 : i64, format = #gemma.format<q4>, offset = 0 : i64}
  gemma.kv_cache @whole heads 1 head_dim 8 window 0
  // MIXED: gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // MIXED-SAME: {bytes = 6528 : i64, capacity = 32 : i64, format = #gemma.format<q8>, offset = 4032 : i64, rotated}
  // Q8:    gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // Q8-SAME: {bytes = 6528 : i64, capacity = 32 : i64, format = #gemma.format<q8>, offset = 7616 : i64, rotated}
  // F16:   gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // F16-SAME: {bytes = 12288 : i64, capacity = 32 : i64, format = #gemma.format<f16>, offset = 7616 : i64}
  // PLAIN: gemma.kv_cache @ring heads 1 head_dim 72 window 8
  // PLAIN-SAME: {bytes = 3456 : i64, capacity = 32 : i64, format = #gemma.format<q4>, offset = 4032 : i64}
  gemma.kv_cache @ring heads 1 head_dim 72 window 8
  func.func @decode(%k: tensor<?x8xf32>, %w: tensor<?x72xf32>, %p: tensor<?xi32>) {
    gemma.kv_write %k, %k, %p, @whole : tensor<?x8xf32>, tensor<?xi32>
    gemma.kv_write %w, %w, %p, @ring : tensor<?x72xf32>, tensor<?xi32>
    return
  }
}
