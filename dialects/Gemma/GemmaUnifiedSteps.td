// Level 2 of models without encoders: the step that neither text nor towers have.
#ifndef GEMMA_UNIFIED_STEPS_TD
#define GEMMA_UNIFIED_STEPS_TD

include "dialects/Gemma/GemmaStepOps.td"

def Gemma_LayerNormStep : Gemma_RowUserStep<"layer_norm"> {
  let summary = "`result = (input - mean) * (mean((input - mean)^2) + eps)^-1/2 * weight + bias`";
  let description = [{
    Means are over the first `count` elements; padding stays zero. `result` may be quantized: then the row is stored as
    gemma.step.quantize stores it.
    - c1: input is f32, result f32, q8 or q16 of the same rows and width.
    - c2: weight and bias are packed vectors of that width.
    - c3: 0 < count <= width.
    - c4: `eps` is finite and above 0.
    ```mlir
    gemma.weight @w.norm : tensor<48xf32> from <"m", 0, 192>
    gemma.packed @norm from [@w.norm] as f32 vector batch 1 rows 1 <1 -> 16> cols 64 <48 -> 64> bytes 256
    gemma.function @encode max_rows 2 {
      %x = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "x" %x : <2 x 64, f32>
      gemma.step.layer_norm %x -> %y weight @norm bias @norm count 48 eps 1.0e-5 : <2 x 64, f32> -> <2 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_BufferType:$input, Gemma_BufferType:$result, FlatSymbolRefAttr:$weight,
      FlatSymbolRefAttr:$bias, Gemma_Count:$count /* c3 */, Gemma_PositiveF64:$eps /* c4 */, UnitAttr:$replicated);
  let assemblyFormat = Gemma_Lines<[{
    $input `->` $result `weight` $weight `bias` $bias `count` $count `eps` custom<Number>($eps)
    (`replicated` $replicated^)? attr-dict `:` type($input) `->` type($result)
  }]>.format;
}

#endif // GEMMA_UNIFIED_STEPS_TD
