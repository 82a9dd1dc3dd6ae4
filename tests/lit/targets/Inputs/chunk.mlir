// One chunk of a prompt (up to 64 rows) of a small model: products with quantized weights.
module {
  gemma.program context 64 slots 1 slot_bytes 0 arena_bytes 32768 scratch_bytes 688128
  gemma.weight @s : tensor<64x2048xf32> from <"w", 0, 524288>
  gemma.packed @embed from [@s] as q8 panels batch 1 rows 64 <64 -> 64> cols 2048 <2048 -> 2048> bytes 139264 at 0
  gemma.packed @q8 from [@s] as q8 panels batch 1 rows 64 <64 -> 64> cols 2048 <2048 -> 2048> bytes 139264 at 139264
  gemma.packed @q4 from [@s] as q4 panels batch 1 rows 64 <64 -> 64> cols 2048 <2048 -> 2048> bytes 73728 at 278528
  gemma.function @prefill max_rows 64 arena_bytes 32768 scratch_bytes 688128 {
    %x = gemma.buffer private at 0 : !gemma.buffer<64 x 2048, f32>
    %q = gemma.buffer private at 524288 : !gemma.buffer<64 x 2048, q8>
    %o0 = gemma.buffer shared at 0 : !gemma.buffer<64 x 64, f32>
    %o1 = gemma.buffer shared at 16384 : !gemma.buffer<64 x 64, f32>
    gemma.step.embed %x, @embed scale 1.0 replicated : !gemma.buffer<64 x 2048, f32>
    gemma.step.quantize %x -> %q replicated : !gemma.buffer<64 x 2048, f32> -> !gemma.buffer<64 x 2048, q8>
    gemma.step.matmul %q, @q8 -> %o0 none : !gemma.buffer<64 x 2048, q8> -> !gemma.buffer<64 x 64, f32>
    gemma.step.matmul %q, @q4 -> %o1 none : !gemma.buffer<64 x 2048, q8> -> !gemma.buffer<64 x 64, f32>
  }
}
