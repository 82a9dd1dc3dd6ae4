// Towers that are stored in fewer bits than q12 keep them unasked, where a format holds the blocks as they are, what is
// packed together agrees and packing leaves the blocks whole.
// RUN: gemmac-opt %s --gemma-assign-formats=weights=q4 | FileCheck %s
// RUN: gemmac-opt %s --gemma-assign-formats=weights=f32 | FileCheck %s --check-prefix=STORED
// STORED-NOT: as q

gemma.weight @norm : tensor<64xf32> from <"m", 0, 256>
gemma.weight @head_norm : tensor<32xf32> from <"m", 0, 128>

// CHECK:      @q : {{.*}} as q8
gemma.weight @q : tensor<64x64xf32> from <"m", 0, 4352> encoded q8_0
// CHECK:      @k : {{.*}} as q8
gemma.weight @k : tensor<64x64xf32> from <"m", 0, 4352> encoded q8_0
// CHECK:      @v : {{.*}} as q8
gemma.weight @v : tensor<64x64xf32> from <"m", 0, 4352> encoded q8_0
// Its columns are those of heads of 32, whose inner quarters change places.
// CHECK:      @o : {{.*}} as q12
gemma.weight @o : tensor<64x64xf32> from <"m", 0, 4352> encoded q8_0
// The parts of an MLP differ: each keeps its own.
// CHECK:      @gate : {{.*}} as q4
gemma.weight @gate : tensor<64x64xf32> from <"m", 0, 2304> encoded q4_0
// CHECK:      @down : {{.*}} as q5
gemma.weight @down : tensor<64x64xf32> from <"m", 0, 2816> encoded q5_0
// No format has minima.
// CHECK:      @odd_gate : {{.*}} as q12
gemma.weight @odd_gate : tensor<64x64xf32> from <"m", 0, 2560> encoded q4_1
// Packed with one that has them.
// CHECK:      @odd_up : {{.*}} as q12
gemma.weight @odd_up : tensor<64x64xf32> from <"m", 0, 2304> encoded q4_0
// Integers with scales of their own.
// CHECK:      @scaled : {{.*}} as q4
gemma.weight @scaled : tensor<64x64xf32> from <"m", 0, 2048> encoded int4 scaled <"m", 2048, 256, bf16 per 32>
// Its columns are stored in runs that take turns.
// CHECK:      @runs : {{.*}} as q12
gemma.weight @runs : tensor<64x64xf32> from <"m", 0, 4352> encoded q8_0 planes 2

func.func @encode_image(%x: tensor<?x64xf32>, %places: tensor<?x2xi32>) -> tensor<?x64xf32> {
  %a = gemma.encoder_attention %x, %places norm @norm eps 0.5
      heads 2 kv_heads 2 head_dim 32 theta 100.0
      q @q q_norm @head_norm
      k @k k_norm @head_norm
      v @v
      o @o post_norm @norm : tensor<?x64xf32>, tensor<?x2xi32>
  %b = gemma.ffn %a pre_norm @norm eps 0.5
      geglu(@gate, @gate) down @down
      post_norm @norm : tensor<?x64xf32>
  %c = gemma.ffn %b pre_norm @norm eps 0.5
      geglu(@odd_gate, @odd_up) down @scaled
      post_norm @norm : tensor<?x64xf32>
  %d = gemma.ffn %c pre_norm @norm eps 0.5
      geglu(@runs, @runs) down @scaled
      post_norm @norm : tensor<?x64xf32>
  return %d : tensor<?x64xf32>
}
