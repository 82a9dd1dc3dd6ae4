// Runs planned programs step by step, one row after the other, in one thread.
#ifndef GEMMAC_TARGETS_INTERP_INTERPRETER_H
#define GEMMAC_TARGETS_INTERP_INTERPRETER_H

#include "targets/interp/Frame.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace gemmac::interp {

/// What the caller gives for a gemma.input: as many rows as belong to those of the call, of one width. Numbers or
/// integers, as the input has them.
struct InputRows {
  llvm::StringRef name;
  llvm::ArrayRef<float> values;
  llvm::ArrayRef<int32_t> integers;
};

class Interpreter {
public:
  /// \param text  a planned module; \param data  its data section, which must live as long as this.
  /// Errors: text that is no planned module, data that is too short for it.
  static llvm::Expected<std::unique_ptr<Interpreter>> load(llvm::StringRef text, std::span<const uint8_t> data);

  /// Most rows of one call.
  int64_t maxRows(llvm::StringRef function);
  /// Elements of a row of logits.
  int64_t vocab() const { return vocabulary; }
  /// Elements of a soft token.
  int64_t hidden() const { return hiddenSize; }
  /// Runs the tokens that follow those of the calls before. \returns the output of that name, logits `[tokens, vocab]`
  /// or as many elements a row as its buffer has; nothing where the function has none. Errors: too many rows, a token
  /// that is none, a context that is full, inputs that are not those of the function, a step that is not known.
  llvm::Expected<std::vector<float>> call(llvm::StringRef function, llvm::ArrayRef<int32_t> tokens,
                                          llvm::ArrayRef<InputRows> inputs = {}, llvm::StringRef output = "logits");

private:
  Interpreter(std::unique_ptr<mlir::MLIRContext> context, mlir::OwningOpRef<mlir::ModuleOp> module,
              std::span<const uint8_t> data);
  llvm::Error checkCall(gemma::FunctionOp function, llvm::ArrayRef<int32_t> tokens) const;
  std::vector<float> outputOf(gemma::FunctionOp function, llvm::StringRef name, Frame &frame) const;

  std::unique_ptr<mlir::MLIRContext> mlirContext;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Memory memory;
  int64_t vocabulary = 0, hiddenSize = 0, contextPositions = 0;
  int64_t position = 0; ///< of the next token
};

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_INTERPRETER_H
