// RUN: gemmac-opt %s --gemma-plan-steps | FileCheck %s
// Subsampling reads four frames for each row of the call, and each thread makes the rows between for itself. Heads,
// halves of sinusoids and channels of a bin are blocks of their own. What is clamped for a matrix is part of the step
// before it.

// CHECK: gemma.packed @p.scale
// CHECK-NEXT: from [@scale]
// CHECK-NEXT: as f32 vector batch 1 scale {{.*}} rows 1 <1 -> 16> cols 32 <20 -> 32>
// CHECK: gemma.packed @p.proj
// CHECK:      rows 64 <40 -> 64> cols 64 <2 -> 16>
// CHECK: gemma.packed @p.rel
// CHECK:      rows 64 <20 -> 32> cols 64 <20 -> 32>
// CHECK-LABEL: gemma.function @encode max_rows 6
// CHECK: %[[MEL:.*]] = gemma.buffer shared : <24 x 32, f32>
// CHECK: gemma.input "mel" %[[MEL]]
// CHECK: %[[VALID:.*]] = gemma.buffer shared : <24 x 32, i32>
// CHECK: gemma.input "valid" %[[VALID]]
// CHECK: %[[ONE:.*]] = gemma.buffer private ring 4 : <12 x 128, f32>
// CHECK-NEXT: gemma.step.conv2d %[[MEL]], %[[VALID]] every 1 -> %[[ONE]] weight @p.conv0 norm @p.norm0
// CHECK-NEXT:   bins 16 channels 1 count 3 eps 0.5
// CHECK: %[[TWO:.*]] = gemma.buffer shared : <6 x 64, f32>
// CHECK-NEXT: gemma.step.conv2d %[[ONE]], %[[VALID]] every 2 -> %[[TWO]] weight @p.conv1 norm @p.norm1
// CHECK-NEXT:   bins 8 channels 3 count 2 eps 0.5
// CHECK: gemma.barrier
// CHECK: gemma.step.matmul %[[TWO]], @p.proj -> %[[X:.*]] none

// CHECK: gemma.step.norm %[[X]] limit 1.0e10 -> %[[Y:.*]] weight @p.norm
// CHECK-NEXT: within [-2.0, 3.0]
// CHECK: gemma.step.matmul %[[Y]], @p.up -> %[[U:.*]] none
// CHECK: gemma.step.silu %[[U]] -> %[[S:.*]] within [-0.5, 0.5]
// CHECK: gemma.step.matmul %[[S]], @p.down -> %[[D:.*]] none
// CHECK: gemma.step.add_norm %[[X]], %[[D]] limit 1.0e10 -> %[[X]] weight @p.norm
// CHECK-SAME: factor 0.5
// CHECK: gemma.step.norm %[[X]] limit 1.0e10 -> %[[Z:.*]] weight @p.other

// CHECK: gemma.step.sinusoids %[[SIN:.*]] half 20
// CHECK: gemma.step.matmul %[[SIN]], @p.rel -> %[[REL:.*]] none
// CHECK: gemma.step.matmul %{{.*}}, @p.q -> %[[Q:.*]] none
// CHECK: gemma.step.matmul %{{.*}}, @p.k -> %[[K:.*]] none
// CHECK: gemma.step.matmul %{{.*}}, @p.v -> %[[V:.*]] none
// CHECK: gemma.step.relative_attention %[[Q]], %[[K]], %[[V]], %[[REL]], %[[VALID]] every 4
// CHECK-SAME: -> %[[MIXED:.*]] heads 2 head_dim 20
// CHECK-NEXT: scale @p.scale key_scale 1.8946361
// CHECK-NEXT: past 12 future 0 distances 12 cap 50.0
// CHECK: gemma.step.matmul %[[MIXED]], @p.o -> %[[BRANCH:.*]] none
// CHECK: gemma.step.add_norm %[[Z]], %[[BRANCH]] limit 1.0e10 -> %[[Z]] weight @p.norm

// CHECK: gemma.step.matmul %{{.*}}, @p.start -> %[[DOUBLE:.*]] none
// CHECK: gemma.step.glu %[[DOUBLE]] -> %[[GATED:.*]] : <6 x 128, f32> -> <6 x 64, f32>
// CHECK: gemma.barrier
// CHECK-NEXT: gemma.step.depthwise_conv %[[GATED]], @p.taps -> %[[CONV:.*]] taps 5
// CHECK: gemma.barrier
// CHECK-NEXT: gemma.step.norm %[[CONV]] limit 1.0e10 -> %[[NORMED:.*]] weight @p.norm
// CHECK: gemma.step.silu %[[NORMED]]
// CHECK: gemma.step.add %[[Z]], %{{.*}} -> %[[Z]]

// CHECK: gemma.step.add_bias %{{.*}}, @p.bias -> %[[SHIFTED:.*]] :
// CHECK: gemma.step.norm %[[SHIFTED]] -> %[[LAST:.*]]
// CHECK: gemma.step.matmul %[[LAST]], @p.embedding -> %[[SOFT:.*]] none
// CHECK: gemma.output "soft_tokens" %[[SOFT]]
module {
  gemma.program context 64 slots 1 slot_bytes 0
  gemma.weight @conv0 : tensor<3x9xf32> as f32
    from <"m", 0, 108>
  gemma.weight @norm0 : tensor<3xf32> as f32
    from <"m", 0, 12>
  gemma.weight @conv1 : tensor<2x27xf32> as f32
    from <"m", 0, 216>
  gemma.weight @norm1 : tensor<2xf32> as f32
    from <"m", 0, 8>
  gemma.weight @proj : tensor<40x8xf32> as f32
    from <"m", 0, 1280>
  gemma.weight @norm : tensor<40xf32> as f32
    from <"m", 0, 160>
  gemma.weight @other : tensor<40xf32> as f32
    from <"m", 0, 160>
  gemma.weight @up : tensor<6x40xf32> as f32
    from <"m", 0, 960>
    reads [-2.0, 3.0]
  gemma.weight @down : tensor<40x6xf32> as f32
    from <"m", 0, 960>
    reads [-0.5, 0.5]
  gemma.weight @q : tensor<40x40xf32> as f32
    from <"m", 0, 6400>
  gemma.weight @k : tensor<40x40xf32> as f32
    from <"m", 0, 6400>
  gemma.weight @v : tensor<40x40xf32> as f32
    from <"m", 0, 6400>
  gemma.weight @o : tensor<40x40xf32> as f32
    from <"m", 0, 6400>
  gemma.weight @rel : tensor<40x40xf32> as f32
    from <"m", 0, 6400>
  gemma.weight @scale : tensor<20xf32> as f32
    from <"m", 0, 80>
  gemma.weight @start : tensor<80x40xf32> as f32
    from <"m", 0, 12800>
  gemma.weight @taps : tensor<40x5xf32> as f32
    from <"m", 0, 800>
  gemma.weight @end : tensor<40x40xf32> as f32
    from <"m", 0, 6400>
  gemma.weight @out : tensor<6x40xf32> as f32
    from <"m", 0, 960>
  gemma.weight @bias : tensor<6xf32> as f32
    from <"m", 0, 24>
  gemma.weight @embedding : tensor<10x6xf32> as f32
    from <"m", 0, 240>
  func.func @encode(%mel: tensor<?x16xf32> {gemma.name = "mel", gemma.per_row = 4 : i64},
      %valid: tensor<?x1xi32> {gemma.name = "valid", gemma.per_row = 4 : i64})
      -> (tensor<?x10xf32> {gemma.name = "soft_tokens"}) attributes {gemma.max_rows = 6 : i64} {
    %x = gemma.audio_subsample %mel, %valid eps 0.5
        conv @conv0 norm @norm0
        conv @conv1 norm @norm1
        proj @proj : tensor<?x16xf32>, tensor<?x1xi32> -> tensor<?x40xf32>
    %1 = gemma.audio_ffn %x pre_norm @norm limit 1.0e10 eps 0.5
        silu(@up) down @down
        post_norm @norm factor 0.5 out_norm @other : tensor<?x40xf32>
    %2 = gemma.audio_attention %1, %valid every 4 pre_norm @norm limit 1.0e10 eps 0.5
        q @q k @k v @v
        heads 2 scale @scale relative @rel
        past 12 future 0 distances 12 cap 50.0
        o @o post_norm @norm : tensor<?x40xf32>, tensor<?x1xi32>
    %3 = gemma.audio_conv %2 pre_norm @norm eps 0.5
        glu(@start) conv @taps
        limit 1.0e10 conv_norm @norm
        silu end @end : tensor<?x40xf32>
    %4 = gemma.audio_output %3 proj @out bias @bias eps 0.5
        embedding @embedding : tensor<?x40xf32> -> tensor<?x10xf32>
    return %4 : tensor<?x10xf32>
  }
}
