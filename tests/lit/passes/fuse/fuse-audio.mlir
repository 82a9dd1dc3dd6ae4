// RUN: gemmac-opt %s --gemma-fuse-audio --split-input-file --remarks-filter-missed=gemma-fuse-audio \
// RUN:   --verify-diagnostics | FileCheck %s

gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @subsample
func.func @subsample(%mel: tensor<?x16xf32>, %valid: tensor<?x1xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.audio_subsample %{{.*}}, %{{.*}} eps 0.5
  // CHECK-NEXT:   conv @conv0 norm @norm0
  // CHECK-NEXT:   conv @conv1 norm @norm1
  // CHECK-NEXT:   proj @proj
  // CHECK-NEXT: return %[[Y]]
  %m0 = gemma.mask_rows %mel, %valid every 1 : tensor<?x16xf32>, tensor<?x1xi32>
  %c0 = gemma.conv2d %m0, @conv0 channels 1 : tensor<?x16xf32> -> tensor<?x24xf32>
  %n0 = gemma.layer_norm %c0, @norm0 groups 8 eps 0.5 : tensor<?x24xf32>
  %r0 = gemma.relu %n0 : tensor<?x24xf32>
  %m1 = gemma.mask_rows %r0, %valid every 2 : tensor<?x24xf32>, tensor<?x1xi32>
  %c1 = gemma.conv2d %m1, @conv1 channels 3 : tensor<?x24xf32> -> tensor<?x8xf32>
  %n1 = gemma.layer_norm %c1, @norm1 groups 4 eps 0.5 : tensor<?x8xf32>
  %r1 = gemma.relu %n1 : tensor<?x8xf32>
  %y = gemma.linear %r1, @proj : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @ffn
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>)
func.func @ffn(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.audio_ffn %[[X]] pre_norm @norm limit 1.0e10 eps 0.5
  // CHECK-NEXT:   silu(@up) down @down
  // CHECK-NEXT:   post_norm @norm factor 0.5 : tensor<?x8xf32>
  // CHECK-NEXT: return %[[Y]]
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %u = gemma.linear %y, @up : tensor<?x8xf32> -> tensor<?x6xf32>
  %s = gemma.silu %u : tensor<?x6xf32>
  %d = gemma.linear %s, @down : tensor<?x6xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %d limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %h = gemma.scale %n by 0.5 : tensor<?x8xf32>
  %r = gemma.add %x, %h : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// CHECK-LABEL: func @ffn_with_norm
func.func @ffn_with_norm(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.audio_ffn
  // CHECK:        post_norm @norm factor 0.5 out_norm @other
  // CHECK-NEXT: return %[[Y]]
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %u = gemma.linear %y, @up : tensor<?x8xf32> -> tensor<?x6xf32>
  %s = gemma.silu %u : tensor<?x6xf32>
  %d = gemma.linear %s, @down : tensor<?x6xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %d limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %h = gemma.scale %n by 0.5 : tensor<?x8xf32>
  %r = gemma.add %h, %x : tensor<?x8xf32>
  %zc = gemma.clamp %r limit 1.0e10 : tensor<?x8xf32>
  %z = gemma.rms_norm %zc, @other groups 1 eps 0.5 : tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}

// The sum is read too, so the norm behind it stays.
// CHECK-LABEL: func @norm_stays
func.func @norm_stays(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK:      gemma.audio_ffn
  // CHECK-NOT:  out_norm
  // CHECK:      gemma.clamp
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %u = gemma.linear %y, @up : tensor<?x8xf32> -> tensor<?x6xf32>
  %s = gemma.silu %u : tensor<?x6xf32>
  %d = gemma.linear %s, @down : tensor<?x6xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %d limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %h = gemma.scale %n by 0.5 : tensor<?x8xf32>
  %r = gemma.add %x, %h : tensor<?x8xf32>
  %zc = gemma.clamp %r limit 1.0e10 : tensor<?x8xf32>
  %z = gemma.rms_norm %zc, @other groups 1 eps 0.5 : tensor<?x8xf32>
  return %r, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func @attention
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>, %[[VALID:.*]]: tensor<?x1xi32>)
func.func @attention(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.audio_attention %[[X]], %[[VALID]] every 4 pre_norm @norm limit 1.0e10 eps 0.5
  // CHECK-NEXT:   q @q k @k v @v
  // CHECK-NEXT:   heads 2 scale @scale relative @rel
  // CHECK-NEXT:   past 12 future 0 distances 12 cap 50.0
  // CHECK-NEXT:   o @o post_norm @norm
  // CHECK-NEXT: return %[[Y]]
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %q = gemma.linear %y, @q : tensor<?x8xf32> -> tensor<?x8xf32>
  %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %v = gemma.linear %y, @v : tensor<?x8xf32> -> tensor<?x8xf32>
  %a = gemma.relative_attention %q, %k, %v, %valid every 4
      heads 2 scale @scale relative @rel
      past 12 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  %o = gemma.linear %a, @o : tensor<?x8xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %o limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %r = gemma.add %x, %n : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// CHECK-LABEL: func @conv
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>)
func.func @conv(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.audio_conv %[[X]] pre_norm @norm eps 0.5
  // CHECK-NEXT:   glu(@start) conv @taps
  // CHECK-NEXT:   limit 1.0e10 conv_norm @norm
  // CHECK-NEXT:   silu end @o
  // CHECK-NEXT: return %[[Y]]
  %y = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %s = gemma.linear %y, @start : tensor<?x8xf32> -> tensor<?x16xf32>
  %g = gemma.glu %s : tensor<?x16xf32> -> tensor<?x8xf32>
  %c = gemma.depthwise_conv %g, @taps : tensor<?x8xf32>
  %nc = gemma.clamp %c limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %t = gemma.silu %n : tensor<?x8xf32>
  %e = gemma.linear %t, @o : tensor<?x8xf32> -> tensor<?x8xf32>
  %r = gemma.add %x, %e : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// CHECK-LABEL: func @output
// CHECK-SAME:  (%[[X:.*]]: tensor<?x8xf32>)
func.func @output(%x: tensor<?x8xf32>) -> tensor<?x10xf32> {
  // CHECK-NEXT: %[[Y:.*]] = gemma.audio_output %[[X]] proj @out bias @bias eps 0.5
  // CHECK-NEXT:   embedding @embedding
  // CHECK-NEXT: return %[[Y]]
  %p = gemma.linear %x, @out : tensor<?x8xf32> -> tensor<?x6xf32>
  %b = gemma.add_bias %p, @bias : tensor<?x6xf32>
  %n = gemma.rms_norm %b groups 1 eps 0.5 : tensor<?x6xf32>
  %y = gemma.linear %n, @embedding : tensor<?x6xf32> -> tensor<?x10xf32>
  return %y : tensor<?x10xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @flags
func.func @flags(%mel: tensor<?x16xf32>, %valid: tensor<?x1xi32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %m0 = gemma.mask_rows %mel, %valid every 1 : tensor<?x16xf32>, tensor<?x1xi32>
  %c0 = gemma.conv2d %m0, @conv0 channels 1 : tensor<?x16xf32> -> tensor<?x24xf32>
  %n0 = gemma.layer_norm %c0, @norm0 groups 8 eps 0.5 : tensor<?x24xf32>
  %r0 = gemma.relu %n0 : tensor<?x24xf32>
  %m1 = gemma.mask_rows %r0, %valid every 1 : tensor<?x24xf32>, tensor<?x1xi32>
  %c1 = gemma.conv2d %m1, @conv1 channels 3 : tensor<?x24xf32> -> tensor<?x8xf32>
  %n1 = gemma.layer_norm %c1, @norm1 groups 4 eps 0.5 : tensor<?x8xf32>
  %r1 = gemma.relu %n1 : tensor<?x8xf32>
  // expected-remark @below {{its convolutions, masks and norms do not follow each other}}
  %y = gemma.linear %r1, @proj : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @eps
func.func @eps(%mel: tensor<?x16xf32>, %valid: tensor<?x1xi32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %m0 = gemma.mask_rows %mel, %valid every 1 : tensor<?x16xf32>, tensor<?x1xi32>
  %c0 = gemma.conv2d %m0, @conv0 channels 1 : tensor<?x16xf32> -> tensor<?x24xf32>
  %n0 = gemma.layer_norm %c0, @norm0 groups 8 eps 0.5 : tensor<?x24xf32>
  %r0 = gemma.relu %n0 : tensor<?x24xf32>
  %m1 = gemma.mask_rows %r0, %valid every 2 : tensor<?x24xf32>, tensor<?x1xi32>
  %c1 = gemma.conv2d %m1, @conv1 channels 3 : tensor<?x24xf32> -> tensor<?x8xf32>
  %n1 = gemma.layer_norm %c1, @norm1 groups 4 eps 0.25 : tensor<?x8xf32>
  %r1 = gemma.relu %n1 : tensor<?x8xf32>
  // expected-remark @below {{its norms have unlike eps, or its masks unlike flags}}
  %y = gemma.linear %r1, @proj : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @read_twice
func.func @read_twice(%mel: tensor<?x16xf32>, %valid: tensor<?x1xi32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NOT: gemma.audio
  %m0 = gemma.mask_rows %mel, %valid every 1 : tensor<?x16xf32>, tensor<?x1xi32>
  %c0 = gemma.conv2d %m0, @conv0 channels 1 : tensor<?x16xf32> -> tensor<?x24xf32>
  %n0 = gemma.layer_norm %c0, @norm0 groups 8 eps 0.5 : tensor<?x24xf32>
  %r0 = gemma.relu %n0 : tensor<?x24xf32>
  %m1 = gemma.mask_rows %r0, %valid every 2 : tensor<?x24xf32>, tensor<?x1xi32>
  %c1 = gemma.conv2d %m1, @conv1 channels 3 : tensor<?x24xf32> -> tensor<?x8xf32>
  %n1 = gemma.layer_norm %c1, @norm1 groups 4 eps 0.5 : tensor<?x8xf32>
  %r1 = gemma.relu %n1 : tensor<?x8xf32>
  // expected-remark @below {{'gemma.relu' has another reader, 'func.return'}}
  %y = gemma.linear %r1, @proj : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y, %r1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @ffn_norms
func.func @ffn_norms(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.25 : tensor<?x8xf32>
  %u = gemma.linear %y, @up : tensor<?x8xf32> -> tensor<?x6xf32>
  %s = gemma.silu %u : tensor<?x6xf32>
  %d = gemma.linear %s, @down : tensor<?x6xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %d limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %h = gemma.scale %n by 0.5 : tensor<?x8xf32>
  // expected-remark @below {{its norms are not of whole rows with a weight, of one eps, clamped alike}}
  %r = gemma.add %x, %h : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @ffn_limits
func.func @ffn_limits(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %yc = gemma.clamp %x limit 1.0 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %u = gemma.linear %y, @up : tensor<?x8xf32> -> tensor<?x6xf32>
  %s = gemma.silu %u : tensor<?x6xf32>
  %d = gemma.linear %s, @down : tensor<?x6xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %d limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %h = gemma.scale %n by 0.5 : tensor<?x8xf32>
  // expected-remark @below {{its norms are not of whole rows with a weight, of one eps, clamped alike}}
  %r = gemma.add %x, %h : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @ffn_residual
func.func @ffn_residual(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %u = gemma.linear %y, @up : tensor<?x8xf32> -> tensor<?x6xf32>
  %s = gemma.silu %u : tensor<?x6xf32>
  %d = gemma.linear %s, @down : tensor<?x6xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %d limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %h = gemma.scale %n by 0.5 : tensor<?x8xf32>
  // expected-remark @below {{its branch does not start at the residual stream}}
  %r = gemma.add %z, %h : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @attention_values
func.func @attention_values(%x: tensor<?x8xf32>, %valid: tensor<?x1xi32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %q = gemma.linear %y, @q : tensor<?x8xf32> -> tensor<?x8xf32>
  %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %v = gemma.linear %y, @v : tensor<?x8xf32> -> tensor<?x8xf32>
  %a = gemma.relative_attention %q, %k, %x, %valid every 4
      heads 2 scale @scale relative @rel
      past 12 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  %o = gemma.linear %a, @o : tensor<?x8xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %o limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{query, key and value are not three projections of one value}}
  %r = gemma.add %x, %n : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @attention_residual
func.func @attention_residual(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>, %valid: tensor<?x1xi32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %yc = gemma.clamp %x limit 1.0e10 : tensor<?x8xf32>
  %y = gemma.rms_norm %yc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %q = gemma.linear %y, @q : tensor<?x8xf32> -> tensor<?x8xf32>
  %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x8xf32>
  %v = gemma.linear %y, @v : tensor<?x8xf32> -> tensor<?x8xf32>
  %a = gemma.relative_attention %q, %k, %v, %valid every 4
      heads 2 scale @scale relative @rel
      past 12 future 0 distances 12 cap 50.0 : tensor<?x8xf32>, tensor<?x1xi32>
  %o = gemma.linear %a, @o : tensor<?x8xf32> -> tensor<?x8xf32>
  %nc = gemma.clamp %o limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  // expected-remark @below {{its branch does not start at the residual stream}}
  %r = gemma.add %z, %n : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @conv_residual
func.func @conv_residual(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  %y = gemma.rms_norm %x, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %s = gemma.linear %y, @start : tensor<?x8xf32> -> tensor<?x16xf32>
  %g = gemma.glu %s : tensor<?x16xf32> -> tensor<?x8xf32>
  %c = gemma.depthwise_conv %g, @taps : tensor<?x8xf32>
  %nc = gemma.clamp %c limit 1.0e10 : tensor<?x8xf32>
  %n = gemma.rms_norm %nc, @norm groups 1 eps 0.5 : tensor<?x8xf32>
  %t = gemma.silu %n : tensor<?x8xf32>
  %e = gemma.linear %t, @o : tensor<?x8xf32> -> tensor<?x8xf32>
  // expected-remark @below {{its branch does not start at the residual stream}}
  %r = gemma.add %z, %e : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @output_norm
func.func @output_norm(%x: tensor<?x8xf32>) -> tensor<?x10xf32> {
  // CHECK-NOT: gemma.audio
  %p = gemma.linear %x, @out : tensor<?x8xf32> -> tensor<?x6xf32>
  %b = gemma.add_bias %p, @bias : tensor<?x6xf32>
  %n = gemma.rms_norm %b, @bias groups 1 eps 0.5 : tensor<?x6xf32>
  // expected-remark @below {{its norm is not a norm of whole rows without a weight}}
  %y = gemma.linear %n, @embedding : tensor<?x6xf32> -> tensor<?x10xf32>
  return %y : tensor<?x10xf32>
}

// -----
gemma.weight @conv0 : tensor<3x9xf32> from <"m", 0, 108>
gemma.weight @norm0 : tensor<3xf32> from <"m", 0, 12>
gemma.weight @conv1 : tensor<2x27xf32> from <"m", 0, 216>
gemma.weight @norm1 : tensor<2xf32> from <"m", 0, 8>
gemma.weight @proj : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @norm : tensor<8xf32> from <"m", 0, 32>
gemma.weight @other : tensor<8xf32> from <"m", 0, 32>
gemma.weight @up : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @down : tensor<8x6xf32> from <"m", 0, 192>
gemma.weight @q : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @k : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @v : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @o : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @rel : tensor<8x8xf32> from <"m", 0, 256>
gemma.weight @scale : tensor<4xf32> from <"m", 0, 16>
gemma.weight @start : tensor<16x8xf32> from <"m", 0, 512>
gemma.weight @taps : tensor<8x5xf32> from <"m", 0, 160>
gemma.weight @out : tensor<6x8xf32> from <"m", 0, 192>
gemma.weight @bias : tensor<6xf32> from <"m", 0, 24>
gemma.weight @embedding : tensor<10x6xf32> from <"m", 0, 240>

// CHECK-LABEL: func @alone
func.func @alone(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: gemma.audio
  // expected-remark @below {{no residual add of a branch of the tower reads it}}
  %y = gemma.silu %x : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
