// Level 2: the program's facts, and its functions, each straight code of steps on buffers. Data crosses threads only at
// barriers.
#ifndef GEMMA_FUNCTION_OPS_TD
#define GEMMA_FUNCTION_OPS_TD

include "dialects/Gemma/GemmaBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"

def Gemma_ProgramOp
    : Gemma_Op<"program", [HasParent<"::mlir::ModuleOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "what is true of the program as a whole";
  let description = [{
    gemma-plan-caches makes it, later passes of the plan stage add what they decide. All sizes are bytes.

    `context` are the positions of one sequence, `slots` the sequences held at once, `slot_bytes` the KV caches of one.
    An observing program adds up moments at `moments_at` of its only slot. `activation_bits` are those of the
    activations that quantized matrices without a static scale multiply with. `data_bytes` is the data section,
    `mapped_bytes` of it without the tables that are read by row, `table_row_bytes` a token's rows of all those tables.
    `arena_bytes` and `scratch_bytes` (of each thread) suffice for every function.
    - c1: a module has at most one.
    - c2: `slot_bytes` is a multiple of 64, and all planned caches lie inside.
    - c3: `moments_at` lies inside of the slot, and there is one slot.
    - c4: `activation_bits` is 8 or 16.
    - c5: `data_bytes`, `mapped_bytes` and `table_row_bytes` are given together; what is mapped is part of the data.
    - c6: `arena_bytes` and `scratch_bytes` are given together, and no function needs more.
    ```mlir
    gemma.program context 4096 slots 2 slot_bytes 8388608 activation_bits 8 data_bytes 27904 mapped_bytes 25600
        table_row_bytes 64 arena_bytes 4096 scratch_bytes 4096
    gemma.kv_cache @kv.4 heads 1 head_dim 512 window 0 as f16 capacity 4096 bytes 8388608 at 0
    ```
  }];
  let arguments = (ins Gemma_Count:$context, Gemma_Count:$slots, Gemma_Offset:$slot_bytes,
      OptionalAttr<Gemma_Offset>:$moments_at, OptionalAttr<Gemma_Count>:$activation_bits,
      OptionalAttr<Gemma_Offset>:$data_bytes, OptionalAttr<Gemma_Offset>:$mapped_bytes,
      OptionalAttr<Gemma_Offset>:$table_row_bytes, OptionalAttr<Gemma_Offset>:$arena_bytes,
      OptionalAttr<Gemma_Offset>:$scratch_bytes);
  let assemblyFormat = Gemma_Lines<[{
    `context` $context `slots` $slots `slot_bytes` $slot_bytes (`moments_at` $moments_at^)?
    (`activation_bits` $activation_bits^)?
    (/ `data_bytes` $data_bytes^)? (`mapped_bytes` $mapped_bytes^)? (`table_row_bytes` $table_row_bytes^)?
    (/ `arena_bytes` $arena_bytes^)? (`scratch_bytes` $scratch_bytes^)? attr-dict
  }]>.format;
  let builders = [OpBuilder<(ins "int64_t":$context, "int64_t":$slots, "int64_t":$slotBytes), [{
    ::mlir::IntegerAttr unknown;
    build($_builder, $_state, context, slots, slotBytes, unknown, unknown, unknown, unknown, unknown, unknown, unknown);
  }]>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// That of a planned module; null, after an error that names the pass that makes it, where there is none.
    static ProgramOp of(::mlir::ModuleOp module);
  }];
}

def Gemma_FunctionOp : Gemma_Op<"function", [Symbol, IsolatedFromAbove, NoTerminator, NoRegionArguments, SingleBlock]> {
  let summary = "one function of the program: a straight list of buffers, steps and barriers";
  let description = [{
    What the runtime calls by name: decode, verify and prefill of text, and others that a program may have. Each call
    has rows, at most `max_rows`. What else the caller gives is a gemma.input, what it reads afterwards a gemma.output.
    `weight_bytes` are the packed weights that a call with one row reads (of experts those that are picked, of tables
    one row), `multiply_adds` those for one row, attention scores excluded. `arena_bytes`, `scratch_bytes` (per thread)
    and buffer offsets are set by the arena pass. In a `serial` function each step is complete before the next one
    begins, as if a barrier stood between them.
    - c1: the body holds only gemma.buffer, gemma.input, gemma.output, gemma.barrier, gemma.blocks, gemma.end_blocks,
      gemma.mark and steps.
    - c2: a shared buffer is read, in another step, only after a barrier that follows its last write, and written
      only after a barrier that follows its last read (row steps that divide the same rows among threads alike may
      follow each other without one).
      In one step, only one that divides rows, or says that it updates in place, may write a shared buffer that it also
      reads.
    - c3: a private buffer is never touched by a step that divides rows among threads: `replicated` steps write it,
      they and steps that divide panels or heads read it. Replicated steps write no shared buffer. `raw` of qkv is
      private and touched by qkv alone.
    - c4: once placed, shared buffers that live in one barrier epoch do not overlap, nor do private ones that live in
      one step; a buffer lives from its first to its last step, an input from the beginning, an output to the end.
      All lie inside `arena_bytes` or `scratch_bytes` where those are given.
    - c5: a cache is read, in another step, only after a barrier that follows its last write.
    - c6: a buffer is read, or an output, only after a step wrote it or as an input.
    - c7: a buffer has at least `max_rows` rows. Where it has several times as many, so many belong to each row of a
      call.
    - c8: inputs stand before all steps; no two inputs and no two outputs have one name.
    - c9: gemma.blocks and gemma.end_blocks take turns. Between them stand row-wise steps, barriers and marks alone.
      Where a step stands before one of them, a gemma.barrier stands between.
    - c10: a buffer with `block` is touched by the steps of one gemma.blocks of so many rows alone, and is neither input
      nor output. All other buffers that these steps touch live as long as the blocks last.
    - c11: a buffer with `ring` is written by a gemma.step.conv2d and read by the next step alone, another one, which
      has each thread make the rows that it reads itself, as it comes to them.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.head : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @head from [@w.head] as q4 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 2304
    gemma.function @decode max_rows 1 weight_bytes 2560 multiply_adds 4096 arena_bytes 256 scratch_bytes 384 {
      %x = gemma.buffer private at 0 label "x" : !gemma.buffer<1 x 64, f32>
      %y = gemma.buffer private at 256 : !gemma.buffer<1 x 64, q8>
      %z = gemma.buffer shared at 0 : !gemma.buffer<1 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 replicated : <1 x 64, f32>
      gemma.step.quantize %x -> %y replicated : <1 x 64, f32> -> <1 x 64, q8>
      gemma.step.matmul %y, @head -> %z none : <1 x 64, q8> -> <1 x 64, f32>
      gemma.output "logits" %z : <1 x 64, f32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Gemma_Count:$max_rows, UnitAttr:$serial,
      OptionalAttr<Gemma_Offset>:$weight_bytes, OptionalAttr<Gemma_Offset>:$multiply_adds,
      OptionalAttr<Gemma_Offset>:$arena_bytes, OptionalAttr<Gemma_Offset>:$scratch_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `max_rows` $max_rows (`serial` $serial^)? (`weight_bytes` $weight_bytes^)?
    (`multiply_adds` $multiply_adds^)? (`arena_bytes` $arena_bytes^)? (`scratch_bytes` $scratch_bytes^)?
    attr-dict-with-keyword $body
  }];
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "int64_t":$maxRows, "bool":$serial), [{
    ::mlir::IntegerAttr unknown;
    build($_builder, $_state, name, maxRows, serial, unknown, unknown, unknown, unknown);
    $_state.regions.front()->emplaceBlock();
  }]>];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Barriers that one call meets.
    int64_t countBarriers();
    /// Whether a conversation without pictures and sounds calls it.
    bool isForText();
    /// Whether it turns pictures or sounds into soft tokens.
    bool isEncoder();
  }];
}

def Gemma_BufferOp : Gemma_Op<"buffer", [HasParent<"FunctionOp">]> {
  let summary = "rows in the arena (shared) or in each thread's scratch (private)";
  let description = [{
    With `block` there is room for the rows that belong to so many rows of a call, and those of one gemma.blocks after
    the other are kept in it. With `ring` there is room for so many rows, and row `r` takes the place of row `r - ring`.
    - c1: `offset`, once set, is a multiple of 64 and not negative.
    - c2: `block` is at most max_rows of the function.
    - c3: `ring` is at least 4, and the buffer private, without `block`.
    ```mlir
    gemma.function @decode max_rows 1 {
      %rope = gemma.buffer private at 0 label "rope" : !gemma.buffer<1 x 32, f32>
      %query = gemma.buffer shared : !gemma.buffer<1 x 64, f32>
      gemma.step.rope_table %rope head_dim 32 <theta = 10000.0, pairs = 16, factor = 1.0> replicated : <1 x 32, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_ScopeAttr:$scope, OptionalAttr<I64Attr>:$offset, OptionalAttr<StrAttr>:$label,
      OptionalAttr<Gemma_Count>:$block, OptionalAttr<Gemma_Count>:$ring);
  let results = (outs Gemma_BufferType:$result);
  let assemblyFormat =
      "custom<EnumKeyword>($scope) (`at` $offset^)? (`block` $block^)? (`ring` $ring^)? (`label` $label^)? attr-dict "
      "`:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Rows that belong to each row of a call.
    int64_t getRowsPerRow();
    /// Bytes that it takes: of all rows, or of those of a block or ring.
    int64_t getStorageBytes();
  }];
}

// Rows that a function shares with its caller.
class Gemma_ValueOp<string mnemonic> : Gemma_Op<mnemonic, [HasParent<"FunctionOp">]> {
  let arguments = (ins StrAttr:$name, Gemma_BufferType:$buffer);
  let assemblyFormat = "$name $buffer attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Gemma_InputOp : Gemma_ValueOp<"input"> {
  let summary = "rows that the caller writes before the call";
  let description = [{
    Beside the rows of the call (token, position, slot), which every function has.
    - c1: the buffer is shared.
    - c2: the name is not empty.
    ```mlir
    gemma.function @project max_rows 2 {
      %patches = gemma.buffer shared : !gemma.buffer<2 x 64, f32>
      gemma.input "patches" %patches : <2 x 64, f32>
      gemma.output "patches" %patches : <2 x 64, f32>
    }
    ```
  }];
}

def Gemma_OutputOp : Gemma_ValueOp<"output"> {
  let summary = "rows that the caller reads after the call";
  let description = [{
    - c1: the buffer is shared.
    - c2: the name is not empty.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.function @embed max_rows 4 {
      %x = gemma.buffer shared : !gemma.buffer<4 x 64, f32>
      gemma.step.embed %x, @table scale 8.0 : <4 x 64, f32>
      gemma.output "embeddings" %x : <4 x 64, f32>
    }
    ```
  }];
}

def Gemma_BlocksOp : Gemma_Op<"blocks", [HasParent<"FunctionOp">]> {
  let summary = "what follows, up to gemma.end_blocks, is done for `rows` rows of the call after the other";
  let description = [{
    The last block has what is left. Steps of blocks are row-wise, so that their results are those of all rows at once;
    what flows between them takes the memory of a block. All threads do the same block at a time.
    ```mlir
    gemma.weight @w.o : tensor<64x64xf32> from <"m", 0, 16384>
    gemma.packed @o from [@w.o] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.function @encode max_rows 100 {
      %x = gemma.buffer shared : !gemma.buffer<900 x 64, f32>
      %y = gemma.buffer shared block 50 : !gemma.buffer<900 x 64, f32>
      %z = gemma.buffer shared : !gemma.buffer<900 x 64, f32>
      gemma.input "patches" %x : <900 x 64, f32>
      gemma.blocks rows 50
      gemma.step.matmul %x, @o -> %y none : <900 x 64, f32> -> <900 x 64, f32>
      gemma.barrier
      gemma.step.matmul %y, @o -> %z none : <900 x 64, f32> -> <900 x 64, f32>
      gemma.barrier
      gemma.end_blocks
      gemma.output "rows" %z : <900 x 64, f32>
    }
    ```
  }];
  let arguments = (ins Gemma_Count:$rows);
  let assemblyFormat = "`rows` $rows attr-dict";
}

def Gemma_EndBlocksOp : Gemma_Op<"end_blocks", [HasParent<"FunctionOp">]> {
  let summary = "ends what gemma.blocks began";
  let description = [{
    ```mlir
    gemma.function @encode max_rows 100 {
      %x = gemma.buffer shared : !gemma.buffer<100 x 64, f32>
      %y = gemma.buffer shared : !gemma.buffer<100 x 64, q8>
      gemma.input "rows" %x : <100 x 64, f32>
      gemma.blocks rows 30
      gemma.step.quantize %x -> %y : <100 x 64, f32> -> <100 x 64, q8>
      gemma.barrier
      gemma.end_blocks
    }
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Gemma_BarrierOp : Gemma_Op<"barrier", [HasParent<"FunctionOp">]> {
  let summary = "all threads of the call meet";
  let description = [{
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.o : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @o from [@w.o] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.function @prefill max_rows 4 {
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

def Gemma_MarkOp : Gemma_Op<"mark", [HasParent<"FunctionOp">]> {
  let summary = "the step or barrier before it is done: a clock is read";
  let description = [{
    Put in by gemma-mark-steps for programs that measure themselves. The marks of a function are numbered from 0 in
    their order. `what` names the kernel, equal for steps that share one; `memory` the weight or cache that tells its
    uses apart; `bytes` are the packed weights that the step reads for one row.
    - c1: it follows a step or a barrier directly.
    - c2: `what` is not empty.
    - c3: `bytes` is not negative.
    ```mlir
    gemma.weight @w.table : tensor<100x64xf32> from <"m", 0, 25600>
    gemma.weight @w.gate : tensor<64x64xf32> from <"m", 25600, 16384>
    gemma.packed @table from [@w.table] as f32 table batch 1 rows 100 <100 -> 112> cols 64 <64 -> 64> bytes 25600
    gemma.packed @gate from [@w.gate] as f32 panels batch 1 rows 64 <64 -> 64> cols 64 <64 -> 64> bytes 16384
    gemma.function @decode max_rows 1 {
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

#endif // GEMMA_FUNCTION_OPS_TD
