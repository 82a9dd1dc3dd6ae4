// RUN: gemmac-opt %s --gemma-assign-formats | FileCheck %s --check-prefixes=CHECK,Q4
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q8 | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q2 | FileCheck %s --check-prefixes=CHECK,Q2
// RUN: gemmac-opt %s --gemma-assign-formats=weights=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: gemmac-opt %s --gemma-assign-formats=weights=f16 2>/dev/null | FileCheck %s --check-prefixes=CHECK,F16
// RUN: gemmac-opt %s --gemma-assign-formats=weights=f32 | FileCheck %s --check-prefixes=CHECK,F32
// RUN: gemmac-opt %s --gemma-assign-formats="weights=q4 embeddings=q4 per-layer-table=q8" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,OPTIONS
// RUN: not gemmac-opt %s --gemma-assign-formats=weights=q7 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not gemmac-opt %s --gemma-assign-formats=weights=derived 2>&1 | FileCheck %s --check-prefix=DERIVED

// UNKNOWN: for the --weights option: 'q7' is no storage format, expected f32, f16, bf16, q12, q8, q6
// DERIVED: for the --weights option: 'derived' is no storage format

// Every line names the weight's role.
// CHECK:        @embedding
// Q4-SAME:      as q6{{$}}
// Q2-SAME:      as q6{{$}}
// Q8-SAME:      as q8{{$}}
// BF16-SAME:    as bf16{{$}}
// F16-SAME:     as f16{{$}}
// F32-SAME:     as f32{{$}}
// OPTIONS-SAME: as q4{{$}}
gemma.weight @embedding : tensor<9x4xbf16> from <"m", 0, 72>
// CHECK:        @per_layer_table
// Q4-SAME:      as q4{{$}}
// Q2-SAME:      as q2{{$}}
// Q8-SAME:      as q8{{$}}
// BF16-SAME:    as bf16{{$}}
// F16-SAME:     as f16{{$}}
// F32-SAME:     as f32{{$}}
// OPTIONS-SAME: as q8{{$}}
gemma.weight @per_layer_table : tensor<9x2xbf16> from <"m", 0, 36>
// CHECK:        @ple_projection
// Q4-SAME:      as q8{{$}}
// Q2-SAME:      as q8{{$}}
// Q8-SAME:      as q8{{$}}
// BF16-SAME:    as bf16{{$}}
// F16-SAME:     as f16{{$}}
// F32-SAME:     as f32{{$}}
// OPTIONS-SAME: as q8{{$}}
gemma.weight @ple_projection : tensor<2x4xbf16> from <"m", 0, 16>
// CHECK:        @ple_norm
// CHECK-SAME:   as f32{{$}}
gemma.weight @ple_norm : tensor<2xbf16> from <"m", 0, 4>
// CHECK:        @norm
// CHECK-SAME:   as f32{{$}}
gemma.weight @norm : tensor<4xbf16> from <"m", 0, 8>
// CHECK:        @matrix
// Q4-SAME:      as q4{{$}}
// Q2-SAME:      as q2{{$}}
// Q8-SAME:      as q8{{$}}
// BF16-SAME:    as bf16{{$}}
// F16-SAME:     as f16{{$}}
// F32-SAME:     as f32{{$}}
// OPTIONS-SAME: as q4{{$}}
gemma.weight @matrix : tensor<4x4xbf16> from <"m", 0, 32>
// CHECK:        @experts
// Q4-SAME:      as q4{{$}}
// Q2-SAME:      as q2{{$}}
// Q8-SAME:      as q8{{$}}
// BF16-SAME:    as bf16{{$}}
// F16-SAME:     as f16{{$}}
// F32-SAME:     as f32{{$}}
// OPTIONS-SAME: as q4{{$}}
gemma.weight @experts : tensor<3x8x4xbf16> from <"m", 0, 192>
gemma.weight @experts_down : tensor<3x4x4xbf16> from <"m", 0, 96>
// The router keeps its stored type, whatever the others do.
// CHECK:        @router
// Q4-SAME:      as bf16{{$}}
// Q2-SAME:      as bf16{{$}}
// Q8-SAME:      as bf16{{$}}
// BF16-SAME:    as bf16{{$}}
// F16-SAME:     as bf16{{$}}
// F32-SAME:     as f32{{$}}
// OPTIONS-SAME: as bf16{{$}}
gemma.weight @router : tensor<3x4xbf16> from <"m", 0, 24>
// CHECK:        @expert_scale
// CHECK-SAME:   as f32{{$}}
gemma.weight @expert_scale : tensor<3xbf16> from <"m", 0, 6>
// CHECK:        @scalar
// CHECK-SAME:   as f32{{$}}
gemma.weight @scalar : tensor<1xbf16> from <"m", 0, 2>
// CHECK:        @unused
// CHECK-NOT:    {{ as [a-z]+[0-9]+$}}
gemma.weight @unused : tensor<4x4xbf16> from <"m", 0, 32>
gemma.kv_cache @kv.0 heads 1 head_dim 4 window 0

// CHECK-LABEL: func @forward
func.func @forward(%ids: tensor<?xi32>, %p: tensor<?xi32>) -> tensor<?x9xf32> {
  %x = gemma.embed %ids, @embedding scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  %ple = gemma.ple_input %x proj @ple_projection context_scale 1.0
      norm @ple_norm groups 1 eps 0.5
      + @per_layer_table[%ids] token_scale 1.0 result_scale 1.0
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x2xf32>
  %q = gemma.qkv %x, %p norm @norm eps 0.5
      heads 1 head_dim 4 rope <theta = 1.0e2, pairs = 2, factor = 1.0>
      q @matrix q_norm @norm
      k @matrix k_norm @norm
      cache @kv.0
      : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %a = gemma.attend %q, %p, @kv.0 heads 1 o @matrix
      post_norm @norm eps 0.5
      + %x : tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>
  %m = gemma.moe %a eps 0.5
      dense pre_norm @norm
        geglu(@matrix, @matrix) down @matrix
        post_norm @norm
      router scale @norm factor 1.0 proj @router
        top_k 2 per_expert_scale @expert_scale
      experts pre_norm @norm
        gate_up @experts down @experts_down
        post_norm @norm
      sum post_norm @norm layer_scale @scalar
      : tensor<?x4xf32>
  %h = gemma.head %m norm @norm eps 0.5 table @embedding
      : tensor<?x4xf32> -> tensor<?x9xf32>
  return %h : tensor<?x9xf32>
}
