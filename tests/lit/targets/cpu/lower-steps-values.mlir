// RUN: gemmac-opt --gemma-lower-steps="target=x86_64-linux levels=avx2" %s | FileCheck %s
// A program may have any number of functions, each lowered under its own name. What the caller writes and reads lies in
// the arena like what steps write, and takes no code.

// CHECK:       module @avx2
// CHECK:       func.func @gemmac_decode_avx2(
// CHECK:         call @rope_table_
// CHECK:       func.func @gemmac_project_avx2(%[[CALL:.*]]: !llvm.ptr, %{{.*}}: i64)
// CHECK-NOT:     call @rope_table_
// CHECK:         call @norm_
// CHECK:         return
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 1024 scratch_bytes 256
  gemma.function @decode max_rows 1 arena_bytes 0 scratch_bytes 256 {
    %x = gemma.buffer private at 0 : !gemma.buffer<1 x 64, f32>
    gemma.step.rope_table %x head_dim 64 <theta = 1.0e4, pairs = 32, factor = 1.0> replicated : <1 x 64, f32>
  }
  gemma.function @project max_rows 2 arena_bytes 1024 scratch_bytes 0 {
    %patches = gemma.buffer shared at 0 : !gemma.buffer<2 x 64, f32>
    %embeddings = gemma.buffer shared at 512 : !gemma.buffer<2 x 64, f32>
    gemma.input "patches" %patches : <2 x 64, f32>
    gemma.step.norm %patches -> %embeddings factor 1.0 eps 0.5 count 64 : <2 x 64, f32> -> <2 x 64, f32>
    gemma.output "embeddings" %embeddings : <2 x 64, f32>
  }
}
