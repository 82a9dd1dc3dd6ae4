// The facts of a program: every number that the runtime is told and that the reports show, and how they are read from a
// planned module. Taken before lowering, and the same for the same inputs and options: no times, no paths. Shown by
// SummaryJson.h and SummaryText.h.
#ifndef GEMMAC_COMPILER_ARTIFACT_PROGRAMSUMMARY_H
#define GEMMAC_COMPILER_ARTIFACT_PROGRAMSUMMARY_H

#include "compiler/artifact/CacheSummary.h"
#include "compiler/artifact/PackedMatrix.h"
#include "compiler/artifact/PanelKernels.h"
#include "compiler/artifact/ProgramQuality.h"
#include "gemmac/program.h"
#include "mlir/IR/BuiltinOps.h"
#include "targets/TargetBackend.h"

#include <optional>
#include <string>
#include <vector>

namespace gemmac {

/// A gemma.mark.
struct StepSummary {
  std::string what, memory;
  int64_t weightBytes = 0;
};

/// Rows in the arena that a caller writes or reads; the fields of gemmac_value.
struct ValueSummary {
  std::string name;
  int64_t offset = 0, rowBytes = 0, width = 0;
  int32_t perRow = 1;
  gemmac_element element = GEMMAC_F32;
};

/// A function of the program; the fields of gemmac_function.
struct FunctionSummary {
  std::string name;
  int64_t maxRows = 0;
  std::vector<ValueSummary> inputs, outputs;
  int64_t weightBytes = 0, multiplyAdds = 0, barriers = 0;
  std::vector<StepSummary> steps; ///< by number of mark; empty without marks
};

/// A table that is read by row; the fields of gemmac_table.
struct TableSummary {
  uint64_t offset, rowBytes, rowAt;
};

struct FormatSummary {
  Format format;
  int64_t weights = 0; ///< packed symbols
  int64_t values = 0;  ///< of the checkpoint
  int64_t bytes = 0;   ///< packed, scales and padding included
  /// Quantized formats, once the weights are packed: weights that hold every value of the checkpoint
  /// exactly, and the same in groups of 32.
  int64_t exactWeights = 0;
  PackCounts groups = {};
  double bitsPerValue() const {
    return values == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(values);
  }
};

/// What became of the checkpoint's chat template.
struct ChatSummary {
  std::string format = "none"; ///< "gemma4", "gemma3", "template", "none"
  bool takesInstructions = false;
  bool thinkingSwitch = false;          ///< --think or --no-think change what is fed
  bool thinksByDefault = false;         ///< without either it is as with --think
  bool keepsThoughts = false;           ///< of earlier answers
  std::vector<std::string> differences; ///< where the template is not followed
};

struct ProgramSummary {
  std::string name, architecture, target, weights, cacheFormat;
  std::vector<std::string> levels;
  int64_t vocab = 0, hidden = 0, layers = 0, context = 0, chunk = 0;
  int64_t arenaBytes = 0, scratchBytes = 0;
  int64_t slotBytes = 0;        ///< of the KV cache of one sequence
  int64_t slots = 1;            ///< sequences that are held at once
  gemmac_span moments = {0, 0}; ///< in the cache memory, of an observing program
  int64_t weightBytes = 0;      ///< all packed weights, with the gaps between them
  int64_t mappedBytes = 0;      ///< of them, those that are mapped; the others are tables
  int64_t tableRowBytes = 0;
  int64_t activationBits = 8; ///< of what quantized matrices without a static scale multiply with
  int64_t tokenizerBytes = 0;
  int64_t dataBytes = 0;     ///< the data section
  gemmac_memory memory = {}; ///< `tokenizer` and `limit` stay for the caller
  std::string memoryChanges; ///< options that were changed to keep the limit, as one would type them; the caller's
  std::vector<TableSummary> tables;
  std::vector<CacheSummary> caches;
  std::vector<FunctionSummary> functions; ///< in the order of the module
  std::vector<FormatSummary> formats;     ///< those in use, in the order of the format table
  std::vector<PartSummary> towers;        ///< matrices that only pictures, and that only sounds, read; those there are
  std::string rounding;                   ///< how quantized weights were rounded; empty when there are none
  std::optional<ProgramQuality> quality;
  std::optional<FormatChoiceSummary> choice; ///< of --weights auto
  ChatSummary chat;                          ///< the caller's

  /// The function of that name, which must be there; those of text always are.
  const FunctionSummary &function(llvm::StringRef name) const;
};

/// Reads a planned module: the attribute gemma.model, gemma.program, the functions with their inputs and outputs,
/// caches and tables. Fields that the module does not know (target, levels, weights, tokenizerBytes, dataBytes) stay
/// for the caller. Errors are defects of a pass: a missing attribute or function.
/// \param stack  of a thread (TargetBackend::stackBytes).
llvm::Expected<ProgramSummary> summarizeProgram(mlir::ModuleOp module, llvm::ArrayRef<PackedMatrix> matrices,
                                                StackBytes stack);

/// Adds what packing told of `matrices`.
void noteExactness(ProgramSummary &summary, llvm::ArrayRef<PackedMatrix> matrices, llvm::ArrayRef<PackCounts> counts);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PROGRAMSUMMARY_H
