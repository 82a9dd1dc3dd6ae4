// What steps work on: the memory of a program (weights, caches) and, for one call, its tokens and buffers.
#ifndef GEMMAC_TARGETS_INTERP_FRAME_H
#define GEMMAC_TARGETS_INTERP_FRAME_H

#include "dialects/Gemma/StepList.h"
#include "targets/interp/Caches.h"
#include "targets/interp/Rows.h"
#include "targets/interp/Weights.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>

namespace gemmac::interp {

/// Weights and caches of a planned module, each made when a step first asks for it.
class Memory {
public:
  /// \param data the program's data section; must live as long as this.
  Memory(mlir::ModuleOp module, std::span<const uint8_t> data) : symbols(module), data(data) {}

  const Weights &weights(mlir::FlatSymbolRefAttr name);
  /// The values of a packed vector; empty for null.
  std::span<const float> vector(mlir::FlatSymbolRefAttr name);
  Cache &cache(mlir::FlatSymbolRefAttr name);

private:
  mlir::SymbolTable symbols;
  std::span<const uint8_t> data;
  std::map<std::string, Weights> unpacked;
  std::map<std::string, Cache> caches;
};

class Frame;

/// Declares run() of a step, which carries it out; calls find it because Frame derives from this for every step of the
/// dialect. The linker names a step that is run and has none.
template <typename Step> struct Runs {
  friend void run(Step step, Frame &frame);
};
template <typename... Steps> struct RunsAll : Runs<Steps>... {};

/// One call of a function: rows of tokens from a position on.
class Frame : public gemma::OfAllSteps<RunsAll> {
public:
  Frame(Memory &memory, gemma::FunctionOp function, llvm::ArrayRef<int32_t> tokens, int64_t position)
      : memory(memory), maxRows(static_cast<int64_t>(function.getMaxRows())), tokens(tokens), firstPosition(position) {}

  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
  /// The rows of a buffer that belong to those of the call: as many for each as it has for each of the most rows.
  int64_t rows(mlir::Value buffer) const;
  int32_t token(int64_t row) const { return tokens[static_cast<size_t>(row)]; }
  int64_t position(int64_t row) const { return firstPosition + row; }
  /// The rows of a buffer, made when they are first asked for.
  Rows &operator[](mlir::Value buffer);

  Memory &memory;

private:
  int64_t maxRows;
  llvm::ArrayRef<int32_t> tokens;
  int64_t firstPosition;
  std::map<const void *, Rows> buffers; ///< by the value of the gemma.buffer
};

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_FRAME_H
