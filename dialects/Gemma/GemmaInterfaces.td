// What passes ask of any step. In a file of its own because TableGen emits only the interfaces of its main file.
#ifndef GEMMA_INTERFACES_TD
#define GEMMA_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Gemma_StepInterface : OpInterface<"StepInterface"> {
  let description = "Every step tells which buffers it reads and writes and how threads share its work.";
  let cppNamespace = "::gemmac::gemma";
  let methods = [InterfaceMethod<"buffers read", "::llvm::SmallVector<::mlir::Value>", "getReads">,
                 InterfaceMethod<"buffers written", "::llvm::SmallVector<::mlir::Value>", "getWrites">,
                 InterfaceMethod<"every thread does all rows, in its own scratch", "bool", "isReplicated", (ins), "",
                                 "return false;">,
                 InterfaceMethod<"work is divided by rows, alike in every such step of the phase", "bool",
                                 "dividesRows", (ins), "", "return false;">];
}

#endif // GEMMA_INTERFACES_TD
