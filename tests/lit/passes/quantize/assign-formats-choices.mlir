// RUN: gemmac-opt %s --gemma-assign-formats="weights=q4 choices=down=q2,table=q3" | FileCheck %s
// RUN: not gemmac-opt %s --gemma-assign-formats="choices=down=q9" 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not gemmac-opt %s --gemma-assign-formats="choices=down" 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not gemmac-opt %s --gemma-assign-formats="choices=up=q4" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not gemmac-opt %s --gemma-assign-formats="choices=norm=q4" 2>&1 | FileCheck %s --check-prefix=VECTOR
// RUN: not gemmac-opt %s --gemma-assign-formats="choices=down=q4,down=q8" 2>&1 | FileCheck %s --check-prefix=TWICE

// Choices go before the rules, whatever a weight's role; the others follow the rules.
// CHECK:      @down
// CHECK-SAME: as q2{{$}}
gemma.weight @down : tensor<4x4xbf16> from <"m", 0, 32>
// CHECK:      @gate
// CHECK-SAME: as q4{{$}}
gemma.weight @gate : tensor<4x4xbf16> from <"m", 0, 32>
// CHECK:      @table
// CHECK-SAME: as q3{{$}}
gemma.weight @table : tensor<9x4xbf16> from <"m", 0, 72>
// CHECK:      @norm
// CHECK-SAME: as f32{{$}}
gemma.weight @norm : tensor<4xbf16> from <"m", 0, 8>

// FORMAT:  error: option 'choices' of gemma-assign-formats holds 'down=q9': there is no format 'q9'; expected
// FORMAT-SAME: WEIGHT=FORMAT
// WORD:    holds 'down': there is no format ''; expected WEIGHT=FORMAT
// MISSING: holds 'up=q4': the module has no matrix of this name; expected WEIGHT=FORMAT
// VECTOR:  holds 'norm=q4': the module has no matrix of this name
// TWICE:   holds 'down=q8': the weight is named twice

func.func @forward(%ids: tensor<?xi32>) -> tensor<?x4xf32> {
  %x = gemma.embed %ids, @table scale 2.0 : tensor<?xi32> -> tensor<?x4xf32>
  %y = gemma.ffn %x pre_norm @norm eps 0.5
      geglu(@gate, @gate) down @down
      post_norm @norm : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
