// Integers of the checkpoint keep their width and their scales where the format asked for is
// as wide; else they are rounded.
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q8 | FileCheck %s --check-prefixes=CHECK,KEPT,Q8
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q4 | FileCheck %s --check-prefixes=CHECK,KEPT,Q4
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q3 | FileCheck %s --check-prefixes=CHECK,Q3
// RUN: gemmac-opt %s --gemma-assign-formats=weights=f32 | FileCheck %s --check-prefixes=CHECK,F32

// CHECK:     @table
// KEPT-SAME: as c2{{$}}
// Q3-SAME:   as c2{{$}}
// F32-SAME:  as f32{{$}}
gemma.weight @table : tensor<9x64xf32> from <"m", 0, 144> encoded int2 scaled <"m", 144, 36, f32 per 64>
// CHECK:     @gate
// KEPT-SAME: as q4{{$}}
// Q3-SAME:   as q3{{$}}
// F32-SAME:  as f32{{$}}
gemma.weight @gate : tensor<32x64xf32> from <"m", 0, 1024> encoded int4 scaled <"m", 1024, 128, bf16 per 32>
gemma.weight @up : tensor<32x64xf32> from <"m", 0, 1024> encoded int4 scaled <"m", 1024, 128, bf16 per 32>
// CHECK:     @down
// Q8-SAME:   as c8{{$}}
// Q4-SAME:   as q4{{$}}
// Q3-SAME:   as q3{{$}}
// F32-SAME:  as f32{{$}}
gemma.weight @down : tensor<64x32xf32> from <"m", 0, 2048> encoded int8 scaled <"m", 2048, 256, f32 per 32>
// A stack is what its pieces are.
// CHECK:     @expert
// CHECK:     @experts_up
// KEPT-SAME: as c4{{$}}
// Q3-SAME:   as q3{{$}}
// F32-SAME:  as f32{{$}}
gemma.weight @expert : tensor<32x64xf32> from <"m", 0, 1024> encoded int4 scaled <"m", 1024, 128, f32 per 64>
gemma.weight @experts_up : tensor<2x64x64xf32> stacked [@expert, @expert, @expert, @expert]
gemma.weight @experts_down : tensor<2x64x32xbf16> from <"m", 0, 8192>
gemma.weight @router : tensor<2x64xbf16> from <"m", 0, 256>
gemma.weight @two : tensor<2xbf16> from <"m", 0, 4>
gemma.weight @norm : tensor<64xbf16> from <"m", 0, 128>

func.func @forward(%ids: tensor<?xi32>) -> tensor<?x9xf32> {
  %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x64xf32>
  %m = gemma.moe %x eps 0.5
      dense pre_norm @norm
        geglu(@gate, @up) down @down
        post_norm @norm
      router scale @norm factor 1.0 proj @router
        top_k 1 per_expert_scale @two
      experts pre_norm @norm
        gate_up @experts_up down @experts_down
        post_norm @norm
      sum post_norm @norm
      : tensor<?x64xf32>
  %h = gemma.head %m norm @norm eps 0.5 table @table
      : tensor<?x64xf32> -> tensor<?x9xf32>
  return %h : tensor<?x9xf32>
}
