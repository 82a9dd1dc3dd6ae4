// One verify phase (up to 8 rows) of a small model: products with weights of every format,
// a norm, a table row, attention.
module {
  gemma.program context 64 slots 1 slot_bytes 139264 arena_bytes 36864 scratch_bytes 65536
  gemma.weight @s : tensor<64x256xf32> from <"w", 0, 65536>
  gemma.weight @n : tensor<256xf32> from <"w", 0, 1024>
  gemma.packed @embed from [@s] as q8 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 17408 at 0
  gemma.packed @norm from [@n] as f32 vector batch 1 rows 1 <16 -> 16> cols 256 <256 -> 256> bytes 1024 at 32768
  gemma.packed @f32 from [@s] as f32 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 65536 at 65536
  gemma.packed @f16 from [@s] as f16 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 32768 at 131072
  gemma.packed @bf16 from [@s] as bf16 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 32768 at 163840
  gemma.packed @q8 from [@s] as q8 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 17408 at 196608
  gemma.packed @q4 from [@s] as q4 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 9216 at 229376
  gemma.packed @q6 from [@s] as q6 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 13312 at 238592
  gemma.packed @q3 from [@s] as q3 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 7168 at 251904
  gemma.packed @q2 from [@s] as q2 panels batch 1 rows 64 <64 -> 64> cols 256 <256 -> 256> bytes 5120 at 259072
  gemma.kv_cache @kv heads 1 head_dim 64 window 512
    as f16 capacity 544 bytes 139264 at 0
  gemma.function @verify max_rows 8 arena_bytes 36864 scratch_bytes 65536 {
    %x = gemma.buffer private at 0 : !gemma.buffer<8 x 256, f32>
    %y = gemma.buffer private at 16384 : !gemma.buffer<8 x 256, f32>
    %q = gemma.buffer private at 32768 : !gemma.buffer<8 x 256, q8>
    %o0 = gemma.buffer shared at 0 : !gemma.buffer<8 x 64, f32>
    %o1 = gemma.buffer shared at 4096 : !gemma.buffer<8 x 64, f32>
    %o2 = gemma.buffer shared at 8192 : !gemma.buffer<8 x 64, f32>
    %o3 = gemma.buffer shared at 12288 : !gemma.buffer<8 x 64, f32>
    %o4 = gemma.buffer shared at 16384 : !gemma.buffer<8 x 64, f32>
    %o5 = gemma.buffer shared at 20480 : !gemma.buffer<8 x 64, f32>
    %o6 = gemma.buffer shared at 24576 : !gemma.buffer<8 x 64, f32>
    %o7 = gemma.buffer shared at 28672 : !gemma.buffer<8 x 64, f32>
    %o8 = gemma.buffer shared at 32768 : !gemma.buffer<8 x 64, f32>
    gemma.step.embed %x, @embed scale 1.0 replicated : !gemma.buffer<8 x 256, f32>
    gemma.step.norm %x -> %y weight @norm factor 1.0 eps 1.0e-6 count 256 replicated
      : !gemma.buffer<8 x 256, f32> -> !gemma.buffer<8 x 256, f32>
    gemma.step.quantize %y -> %q replicated : !gemma.buffer<8 x 256, f32> -> !gemma.buffer<8 x 256, q8>
    gemma.step.matmul %y, @f32 -> %o0 none : !gemma.buffer<8 x 256, f32> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %y, @f16 -> %o1 none : !gemma.buffer<8 x 256, f32> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %y, @bf16 -> %o2 none : !gemma.buffer<8 x 256, f32> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %q, @q8 -> %o3 none : !gemma.buffer<8 x 256, q8> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %q, @q4 -> %o4 none : !gemma.buffer<8 x 256, q8> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %q, @q6 -> %o6 none : !gemma.buffer<8 x 256, q8> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %q, @q3 -> %o7 none : !gemma.buffer<8 x 256, q8> -> !gemma.buffer<8 x 64, f32>
    gemma.step.matmul %q, @q2 -> %o8 none : !gemma.buffer<8 x 256, q8> -> !gemma.buffer<8 x 64, f32>
    gemma.barrier
    gemma.step.attention %o4, @kv -> %o5 heads 1 : !gemma.buffer<8 x 64, f32> -> !gemma.buffer<8 x 64, f32>
  }
}
