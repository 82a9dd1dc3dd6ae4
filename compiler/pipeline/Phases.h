// The phase table and what a user decides about a compilation. The command line, --help, --stop-after and --dump-phases
// read only this.
#ifndef GEMMAC_COMPILER_PIPELINE_PHASES_H
#define GEMMAC_COMPILER_PIPELINE_PHASES_H

#include "compiler/artifact/RoundingGuide.h"
#include "compiler/import/Model.h"
#include "passes/plan/Passes.h"
#include "passes/quantize/Passes.h"
#include "targets/TargetBackend.h"

#include <string>

namespace gemmac {

/// What `gemmac compile` writes.
enum class EmitKind { mlir, llvm, assembly, object, executable };

/// What the user left to gemmac, so that --max-rss may change it.
struct OpenOptions {
  bool chunk = false, cache = false, embeddings = false, weights = false;
};

struct CompileOptions {
  std::string input;     ///< the checkpoint: a directory or a file
  ImportOptions reading; ///< of the checkpoint
  std::string output;    ///< "-": standard output, for mlir
  const TargetBackend *target = nullptr;
  std::string runtime;                   ///< directory of the target's runtime (Link.h); for executables
  const TargetBackend *native = nullptr; ///< what this machine runs, for calibration
  std::string nativeRuntime;
  QuantizeOptions formats;
  PlanOptions plan;
  bool chooseFormats = false; ///< --weights auto: `formats.choices` are gemmac's to make
  uint64_t maxResident = 0;   ///< most bytes of resident memory that the program may take; 0: any
  uint64_t maxFile = 0;       ///< most bytes of the program; 0: any
  std::optional<double> maxDivergence = std::nullopt; ///< most KL divergence from the unquantized program, as measured
  OpenOptions open;
  Rounding rounding = Rounding::search;
  std::optional<int64_t> activationBits = std::nullopt; ///< 8 or 16; nothing: as the format of the matrices wants
  /// A file of text, empty for the one that gemmac brings along; nothing: the compilation runs no program.
  std::optional<std::string> calibration;
  EmitKind emit = EmitKind::executable;
  std::string stopAfter;     ///< a phase's name; only with mlir
  std::string dumpDirectory; ///< empty: no dumps
  unsigned threads = 1;
  bool quiet = false;
  std::string jsonReport; ///< empty: none

  /// Whether quantized matrices multiply with activations of 16 bits. Unasked those of q8 do: rounding activations to 8
  /// bits loses as much as rounding weights to q8 (docs/quantization.md).
  bool wideActivations() const { return activationBits ? *activationBits == 16 : formats.weights == Format::Q8; }
};

/// A step of the compilation whose result is a module that can be printed and read again.
struct Phase {
  llvm::StringLiteral name, summary;
  /// Null for import, which makes the module.
  void (*build)(mlir::OpPassManager &, const CompileOptions &);
};

/// In order.
llvm::ArrayRef<Phase> phases();

/// Null when there is no such phase.
const Phase *findPhase(llvm::StringRef name);

/// The dialects of every phase's text, for tools that read it.
void registerPhaseDialects(mlir::DialectRegistry &registry);

} // namespace gemmac

#endif // GEMMAC_COMPILER_PIPELINE_PHASES_H
