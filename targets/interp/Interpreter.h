// Runs planned programs step by step, one row after the other, in one thread.
#ifndef GEMMAC_TARGETS_INTERP_INTERPRETER_H
#define GEMMAC_TARGETS_INTERP_INTERPRETER_H

#include "targets/interp/Frame.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace gemmac::interp {

/// Rows that a call takes or gives, by their names.
using NamedRows = std::map<std::string, Rows>;

class Interpreter {
public:
  /// \param text  a planned module; \param data  its data section, which must live as long as this.
  /// Errors: text that is no planned module, data that is too short for it.
  static llvm::Expected<std::unique_ptr<Interpreter>> load(llvm::StringRef text, std::span<const uint8_t> data);

  /// Most rows of one call.
  int64_t maxRows(llvm::StringRef function);
  bool hasInput(llvm::StringRef function, llvm::StringRef input);
  /// Elements of a row of logits.
  int64_t vocab() const { return vocabulary; }
  /// Elements of a soft token.
  int64_t hidden() const { return hiddenSize; }
  /// Runs the tokens that follow those of the calls before, negative ones where the function takes soft tokens.
  /// \returns the logits `[tokens, vocab]`, nothing where the function has none. Errors: too many rows, a token that is
  /// none, a context that is full, inputs that are not those of the function, a step that is not known.
  llvm::Expected<std::vector<float>> call(llvm::StringRef function, llvm::ArrayRef<int32_t> tokens,
                                          const NamedRows &inputs = {});
  /// Runs `rows` rows of a function that reads no tokens: an encoder of media. Each input has the rows of its buffer
  /// that belong to so many and is at most as wide. \returns all outputs, as wide as their buffers.
  llvm::Expected<NamedRows> encode(llvm::StringRef function, int64_t rows, const NamedRows &inputs);

private:
  Interpreter(std::unique_ptr<mlir::MLIRContext> context, mlir::OwningOpRef<mlir::ModuleOp> module,
              std::span<const uint8_t> data);
  /// Whether there is such a function for so many rows.
  llvm::Expected<gemma::FunctionOp> find(llvm::StringRef function, int64_t rows);
  llvm::Error checkTokens(gemma::FunctionOp function, llvm::ArrayRef<int32_t> tokens) const;
  std::vector<float> logitsOf(gemma::FunctionOp function, Frame &frame) const;

  std::unique_ptr<mlir::MLIRContext> mlirContext;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Memory memory;
  int64_t vocabulary = 0, hiddenSize = 0, contextPositions = 0;
  int64_t position = 0; ///< of the next token
};

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_INTERPRETER_H
