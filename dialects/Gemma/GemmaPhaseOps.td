// Level 2, what steps stand in: a phase is straight code of steps on buffers. Data crosses threads only at barriers.
#ifndef GEMMA_PHASE_OPS_TD
#define GEMMA_PHASE_OPS_TD

include "dialects/Gemma/GemmaBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"

def Gemma_PhaseOp : Gemma_Op<"phase", [Symbol, IsolatedFromAbove, NoTerminator, NoRegionArguments, SingleBlock]> {
  let summary = "one phase of the program: a straight list of buffers, steps and barriers";
  let description = [{
    `arena_bytes`, `scratch_bytes` (per thread) and buffer offsets are set by the arena pass. In a `serial` phase each
    step is complete before the next one begins, as if a barrier stood between them.
    - c1: the body holds only gemma.buffer, gemma.barrier, gemma.mark and steps.
    - c2: a shared buffer is read, in another step, only after a barrier that follows its last write, and written
      only after a barrier that follows its last read (row steps that divide the same rows among threads alike may
      follow each other without one).
      In one step, only one that divides rows may write a shared buffer that it also reads.
    - c3: a private buffer is never touched by a step that divides rows among threads: `replicated` steps write it,
      they and steps that divide panels or heads read it. Replicated steps write no shared buffer. `raw` of qkv is
      private and touched by qkv alone.
    - c4: once placed, shared buffers that live in one barrier epoch do not overlap, nor do private ones that live in
      one step; a buffer lives from its first to its last step, one labelled "logits" to the end: the runtime reads it.
      All lie inside `arena_bytes` or `scratch_bytes` where those are given.
    - c5: a cache is read, in another step, only after a barrier that follows its last write.
    - c6: a buffer is read only after a step wrote it.
    - c7: a buffer has at least `max_rows` rows.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.head : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @head from [@w.head] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304
    gemma.phase @decode decode max_rows 1 attributes {arena_bytes = 256 : i64, scratch_bytes = 384 : i64} {
      %x = gemma.buffer private at 0 label "x" : !gemma.buffer<1 x 64, f32>
      %y = gemma.buffer private at 256 : !gemma.buffer<1 x 64, q8>
      %z = gemma.buffer shared at 0 label "logits" : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, q8>
      gemma.step.matmul %y, @head -> %z none : <1 x 64, q8> -> <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Gemma_PhaseAttr:$kind, Gemma_Count:$max_rows, UnitAttr:$serial,
      OptionalAttr<I64Attr>:$arena_bytes, OptionalAttr<I64Attr>:$scratch_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat =
      "$sym_name custom<EnumKeyword>($kind) `max_rows` $max_rows (`serial` $serial^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Gemma_BufferOp : Gemma_Op<"buffer", [HasParent<"PhaseOp">]> {
  let summary = "rows in the arena (shared) or in each thread's scratch (private)";
  let description = [{
    - c1: `offset`, once set, is a multiple of 64 and not negative.
    ```mlir
    gemma.phase @decode decode max_rows 1 {
      %rope = gemma.buffer private at 0 label "rope" : !gemma.buffer<1 x 32, f32>
      %query = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      gemma.step.rope_table %rope head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> replicated : <1 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_ScopeAttr:$scope, OptionalAttr<I64Attr>:$offset, OptionalAttr<StrAttr>:$label);
  let results = (outs Gemma_BufferType:$result);
  let assemblyFormat = "custom<EnumKeyword>($scope) (`at` $offset^)? (`label` $label^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Gemma_BarrierOp : Gemma_Op<"barrier", [HasParent<"PhaseOp">]> {
  let summary = "all threads of the call meet";
  let description = [{
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.o : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @o from [@w.o] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.phase @prefill prefill max_rows 4 {
      %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 : <4 x 64, f32>
      gemma.barrier
      gemma.step.matmul %x, @o -> %y none : <4 x 64, f32> -> <4 x 64, f32>
    }
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Gemma_MarkOp : Gemma_Op<"mark", [HasParent<"PhaseOp">]> {
  let summary = "the step or barrier before it is done: a clock is read";
  let description = [{
    Put in by gemma-mark-steps for programs that measure themselves. The marks of a phase are numbered from 0 in their
    order. `what` names the kernel, equal for steps that share one; `memory` the weight or cache that tells its uses
    apart; `bytes` are the packed weights that the step reads for one row.
    - c1: it follows a step or a barrier directly.
    - c2: `what` is not empty.
    - c3: `bytes` is not negative.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.gate : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @gate from [@w.gate] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.phase @decode decode max_rows 1 {
      %x = gemma.buffer private : !gemma.buffer<1 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.mark "embed f32 100 x 64" of @table bytes 256
      gemma.step.matmul %x, @gate -> %y none : <1 x 64, f32> -> <1 x 64, f32>
      gemma.mark "matmul f32 64 x 64" of @gate bytes 16384
      gemma.barrier
      gemma.mark "barrier" bytes 0
    }
    ```
  }];
  let arguments = (ins StrAttr:$what, OptionalAttr<FlatSymbolRefAttr>:$memory, Gemma_Offset:$bytes /* c3 */);
  let assemblyFormat = "$what (`of` $memory^)? `bytes` $bytes attr-dict";
  let hasVerifier = 1;
}

#endif // GEMMA_PHASE_OPS_TD
