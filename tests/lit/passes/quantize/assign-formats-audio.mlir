// RUN: gemmac-opt %s --gemma-assign-formats=weights=q4 | FileCheck %s --check-prefixes=CHECK,UNASKED
// RUN: gemmac-opt %s --gemma-assign-formats="weights=q4 audio=q8" | FileCheck %s --check-prefixes=CHECK,CHOSEN
// Convolutions of the audio tower are f32 whatever is asked for; its other matrices are q12 unasked.

// UNASKED: gemma.weight @start : tensor<16x8xbf16> as q12
// CHOSEN:  gemma.weight @start : tensor<16x8xbf16> as q8
// CHECK:   gemma.weight @taps : tensor<8x5xbf16> as f32
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @start : tensor<16x8xbf16> from <"m", 32, 256>
gemma.weight @taps : tensor<8x5xbf16> from <"m", 288, 80>
gemma.weight @end : tensor<8x8xbf16> from <"m", 368, 128>
func.func @encode_audio(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = gemma.audio_conv %x pre_norm @norm eps 0.5
      glu(@start) conv @taps
      limit 1.0e10 conv_norm @norm
      silu end @end : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
