// From fused ops on tensors (level 1) to steps on placed buffers (level 2).
#ifndef GEMMAC_PASSES_PLAN_PASSES_TD
#define GEMMAC_PASSES_PLAN_PASSES_TD

include "mlir/Pass/PassBase.td"

def SplitFunctions : Pass<"gemma-split-functions", "::mlir::ModuleOp"> {
  let summary = "Make the functions of the program from @forward and the encoders";
  let description = [{
    `@forward` becomes `@decode` (1 row), `@verify` (verify-rows rows) and `@prefill` (chunk rows, no logits), each
    with the attribute `gemma.max_rows`. What nothing reads is removed: in prefill that is the head
    and every layer whose keys and values nobody needs. Rows that the caller gives (arguments with `gemma.name`) are
    dropped from decode and verify. Where attention has `blocks`, `@prefill_block` (image-tokens rows) is another
    `@prefill`, and the only one to keep them. `@encode_image`, if there is one, becomes a function for each budget of
    soft tokens up to image-tokens, `@encode_image_70` to `@encode_image_1120`; `@encode_audio` gets 750 rows.
  }];
  let options = [Option<"chunk", "chunk", "int64_t", /*default=*/"128", "Most rows of one prefill call">,
                 Option<"verifyRows", "verify-rows", "int64_t", /*default=*/"8", "Most rows of one verify call">,
                 Option<"encoders", "encoders", "bool", /*default=*/"true",
                        "Keep the functions that turn pictures and sounds into soft tokens">,
                 Option<"imageTokens", "image-tokens", "int64_t", /*default=*/"1120", "Most soft tokens of a picture">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::gemmac::gemma::GemmaDialect"];
}

def PlanCaches : Pass<"gemma-plan-caches", "::mlir::ModuleOp"> {
  let summary = "Give each KV cache a format, a capacity and a place";
  let description = [{
    A cache without a window holds `context` positions. A cache with a window W is a ring of W + max(chunk,
    verify-rows, rows of @prefill_block) - 1: all rows of a call are written before any of them attends, so the oldest
    row still needs W - 1 keys before it. Both are rounded up to blocks of 16. Quantized caches are `rotated`. Where
    keys are values and RoPE turns a part of the head, `turned_pairs` says that only this part of a key is stored beside
    the value. Caches follow each other at 64-byte offsets. A `gemma.program` is made, which tells what one sequence
    takes, how many the program holds at once, and the positions of each. A cache that nothing uses is erased.
    ```mlir
    gemma.kv_cache @kv.0 heads 1 head_dim 64 window 512
    // after, with context=4096 chunk=128 format=f16
    gemma.kv_cache @kv.0 heads 1 head_dim 64 window 512
      as f16 capacity 640 bytes 163840 at 0
    gemma.program context 4096 slots 1 slot_bytes 163840
    ```
  }];
  let options = [Option<"context", "context", "int64_t", /*default=*/"0",
                        "Positions that a conversation may have; 0: the model's maximum">,
                 Option<"slots", "slots", "int64_t", /*default=*/"1", "Sequences that are held at once">,
                 Option<"chunk", "chunk", "int64_t", /*default=*/"128", "Most rows of one prefill call">,
                 Option<"verifyRows", "verify-rows", "int64_t", /*default=*/"8", "Most rows of one verify call">,
                 Option<"format", "format", "::gemmac::Format", "::gemmac::Format::F16",
                        "Storage of keys and values: f32, f16, q8 or q4">,
                 Option<"slidingFormat", "sliding-format", "std::optional<::gemmac::Format>", "std::nullopt",
                        "Storage of those with a window; derived: as format">,
                 Option<"rotate", "rotate", "bool", /*default=*/"true", "Rotate quantized keys and values">,
                 Option<"foldKeys", "fold-keys", "bool", /*default=*/"true",
                        "Store of keys that are values only the elements that RoPE turns">];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

// A field of gemmac::PlanModel.
class LayoutOption<string name, string layout, string help>
    : Option<name, name, "::gemmac::Layout", "::gemmac::Layout::"#layout, help,
             [{::llvm::cl::values(clEnumValN(::gemmac::Layout::Vector, "vector", "f32"),
                                  clEnumValN(::gemmac::Layout::Table, "table", "one row per panel"),
                                  clEnumValN(::gemmac::Layout::Panels, "panels", "16 rows per panel"))}]>;

def PlanSteps : Pass<"gemma-plan-steps", "::mlir::ModuleOp"> {
  let summary = "Turn each function into a gemma.function of steps, and name the packed weights they read";
  let description = [{
    Each `func.func` with `gemma.max_rows` becomes a `gemma.function`: one or more steps for each fused op, buffers for
    what flows between them, barriers only where data crosses threads. Row-wise steps that follow each other stand in
    gemma.blocks where a function has more than `block-rows` rows, which saves memory. Equal (sources, layout) share one
    `gemma.packed`. What the target's machine is, a `PlanModel`, is told by the options `spmd` and those behind it. Then
    packed weights get their offsets in the data section: vectors, matrices in the order decode reads them, the same of
    what encoders alone read, tables read by row. Weights that no function reads are erased, with a remark.
    `gemma.program` is told `data_bytes`, `mapped_bytes`, `table_row_bytes` and `activation_bits`, each function its
    `weight_bytes` and `multiply_adds`. What a function returns becomes a `gemma.output`. Left alone: functions without
    `gemma.max_rows`. An op that no fusion took is an error that names it.
  }];
  let options = [Option<"wideActivations", "wide-activations", "bool", /*default=*/"false",
                        "Give quantized matrices activations of 16 bits, q16, instead of q8">,
                 Option<"wideTowers", "wide-towers", "bool", /*default=*/"false",
                        "Give those of 8 bits in functions for pictures and sounds activations of 16 bits">,
                 Option<"spmd", "spmd", "bool", /*default=*/"true",
                        "All threads walk the steps together, each with scratch of its own; else functions are serial">,
                 Option<"splitKeys", "split-keys", "bool", /*default=*/"true",
                        "Divide the attention of a single row by its keys">,
                 Option<"blockRows", "block-rows", "int64_t", /*default=*/"512",
                        "Most rows that functions multiply at a time where they keep what they make of them to "
                        "themselves">,
                 LayoutOption<"matrices", "Panels", "Layout of matrices">,
                 LayoutOption<"tables", "Table", "Layout of tables that are read by row">,
                 LayoutOption<"vectors", "Vector", "Layout of vectors">];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

def Observe : Pass<"gemma-observe", "::mlir::ModuleOp"> {
  let summary = "Let verify tell which inputs its matrices get";
  let description = [{
    Before each step of the function verify that multiplies with a packed matrix stands a `gemma.step.observe` of its
    input. The moments lie behind the KV caches of the only slot: `slot_bytes` of gemma.program grows, `moments_at`
    tells where they begin. Experts' first matrices share one set of moments, since all of them see rows of one kind;
    second ones have theirs. Left alone: other functions. A matrix whose input is quantized is an error: what it sees is
    rounded already.
    ```mlir
    gemma.step.matmul %x, @p.o -> %y none : <8 x 64, f32> -> <8 x 64, f32>
    // after
    gemma.step.observe %x, @p.o at 65536 : <8 x 64, f32>
    gemma.step.matmul %x, @p.o -> %y none : <8 x 64, f32> -> <8 x 64, f32>
    ```
  }];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

def PlaceBuffers : Pass<"gemma-place-buffers", "::mlir::ModuleOp"> {
  let summary = "Place the buffers of each function, reusing memory of dead ones";
  let description = [{
    Shared buffers live from the barrier epoch of their first use to that of their last, private ones from step to
    step; buffers that live at once never overlap. Inputs live from the beginning, outputs to the end of the function.
    Sets `offset` of buffers, `arena_bytes` and `scratch_bytes` (a multiple of 4096, so that threads share no page) of
    functions, and the largest of them in gemma.program. A buffer that no
    step touches is erased.
  }];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

def MarkSteps : Pass<"gemma-mark-steps", "::mlir::ModuleOp"> {
  let summary = "Read a clock after every step and barrier of every function";
  let description = [{
    Puts a gemma.mark behind each step and each gemma.barrier. Its `what` is the step's kind with the format and size of
    its weight, the head size and window of its cache or, with neither, the width of its first buffer: what the kernels
    of different shapes are told apart by.
    Runs last, and only for programs that are to measure themselves.
    ```mlir
    gemma.step.matmul %q, @down -> %y none : !gemma.buffer<1 x 6144, q8> -> !gemma.buffer<1 x 1536, f32>
    // is followed by
    gemma.mark "matmul q4 1536 x 6144" of @down bytes 5308416
    ```
  }];
  let statistics = [Statistic<"numMarks", "num-marks", "Marks put in">];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

#endif // GEMMAC_PASSES_PLAN_PASSES_TD
