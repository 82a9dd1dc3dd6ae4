// What passes ask of any fused op and of any step. In a file of its own because TableGen emits only the interfaces of
// its main file.
#ifndef GEMMA_INTERFACES_TD
#define GEMMA_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Gemma_FusedInterface : OpInterface<"FusedInterface"> {
  let description = [{
    The ops of which functions are made once everything is fused. Each tells what the matrices are that it names; the
    quantize passes choose formats by that, so that they know no op by name.
  }];
  let cppNamespace = "::gemmac::gemma";
  let methods = [InterfaceMethod<"weights of rank 2 and more that it names",
                                 "::llvm::SmallVector<::gemmac::gemma::MatrixUse>", "getMatrixUses">];
}

def Gemma_StepInterface : OpInterface<"StepInterface"> {
  let description = [{
    Every step tells which memory it uses and how its work is divided: buffers, weights, a KV cache. Verifiers,
    barriers, placement, costs and marks ask this, so that none of them knows steps by name.
  }];
  let cppNamespace = "::gemmac::gemma";
  let methods =
      [InterfaceMethod<"buffers read", "::llvm::SmallVector<::mlir::Value>", "getReads">,
       InterfaceMethod<"buffers written", "::llvm::SmallVector<::mlir::Value>", "getWrites">,
       InterfaceMethod<"every thread does all rows, in its own scratch", "bool", "isReplicated", (ins), "",
                       "return false;">,
       InterfaceMethod<"work is divided by rows, alike in every such step of the function", "bool", "dividesRows",
                       (ins), "", "return false;">,
       InterfaceMethod<"what it writes of a row of the call depends on what it reads of this row alone: done for some "
                       "rows, it does theirs",
                       "bool", "isRowWise", (ins), "", "return false;">,
       InterfaceMethod<
           "of a buffer that it reads and writes a thread reads nothing but what it writes itself, though it "
           "does not divide rows",
           "bool", "updatesInPlace", (ins), "", "return false;">,
       InterfaceMethod<"a private buffer in which each thread keeps what it alone works on; null: none",
                       "::mlir::Value", "getOwnBuffer", (ins), "", "return {};">,
       InterfaceMethod<"packed weights, matrices and tables before vectors",
                       "::llvm::SmallVector<::gemmac::gemma::WeightUse>", "getWeightUses", (ins), "", "return {};">,
       InterfaceMethod<"the KV cache that it reads or writes, if there is one",
                       "std::optional<::gemmac::gemma::CacheUse>", "getCacheUse", (ins), "", "return std::nullopt;">];
}

#endif // GEMMA_INTERFACES_TD
