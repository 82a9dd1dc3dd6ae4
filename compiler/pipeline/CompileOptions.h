// What a user decides about a compilation.
#ifndef GEMMAC_COMPILER_PIPELINE_COMPILEOPTIONS_H
#define GEMMAC_COMPILER_PIPELINE_COMPILEOPTIONS_H

#include "compiler/artifact/RoundingGuide.h"
#include "compiler/import/Model.h"
#include "passes/plan/Passes.h"
#include "passes/quantize/Passes.h"
#include "targets/TargetBackend.h"

#include <optional>
#include <string>

namespace gemmac {

/// The stages of a compilation whose result is a module that can be printed and read again, in order. Stages.h tells
/// what each does.
enum class Stage { import, fuse, quantize, plan, lower };

/// What `gemmac compile` writes.
enum class EmitKind { mlir, llvm, assembly, object, executable };

/// What the user left to gemmac, so that --max-rss may change it.
struct OpenOptions {
  bool chunk = false, cache = false, embeddings = false, weights = false, imageTokens = false;
  bool visionWeights = false, audioWeights = false;
};

/// What the user said where the default depends on other options; completeOptions() settles it.
struct AskedOptions {
  std::optional<int64_t> context; ///< nothing: the model's, at most 4096; settled once the checkpoint is known
  std::optional<Format> cache, slidingCache;
  std::optional<Rounding> rounding;
  std::optional<EmitKind> emit;
};

struct CompileOptions {
  std::string input;     ///< the checkpoint: a directory or a file
  ImportOptions reading; ///< of the checkpoint
  std::string output;    ///< "-": standard output, for mlir
  std::string targetName = "native";
  std::string levels; ///< names of ISA levels with commas between them; empty: all of the target
  const TargetBackend *target = nullptr;
  std::string runtime;                   ///< directory of the target's runtime (Link.h); for executables
  const TargetBackend *native = nullptr; ///< what this machine runs, for calibration
  std::string nativeRuntime;
  AskedOptions asked;
  OpenOptions open;
  QuantizeOptions formats;
  PlanOptions plan;
  bool chooseFormats = false;          ///< --weights auto: `formats.choices` are gemmac's to make
  uint64_t maxResident = 0;            ///< most bytes of resident memory that the program may take; 0: any
  uint64_t maxFile = 0;                ///< most bytes of the program; 0: any
  std::optional<double> maxDivergence; ///< most KL divergence from the unquantized program, as measured
  Rounding rounding = Rounding::search;
  std::optional<int64_t> activationBits; ///< 8 or 16; nothing: as the format of the matrices wants
  /// A file of text, empty for the one that gemmac brings along; nothing: the compilation runs no program.
  std::optional<std::string> calibration;
  EmitKind emit = EmitKind::executable;
  std::optional<Stage> stopAfter; ///< the last stage of those that print their module: with mlir always, else never
  std::string dumpDirectory;      ///< empty: no dumps
  unsigned threads = 1;
  bool quiet = false;
  std::string jsonReport; ///< empty: none

  /// Whether quantized matrices multiply with activations of 16 bits; those of q12 do in any case. Unasked those beside
  /// weights of q8 and q12 do, and those in q8 of towers: rounding activations to 8 bits loses as much as rounding
  /// weights to q8 (docs/quantization.md).
  bool wideActivations() const {
    return activationBits ? *activationBits == 16 : formats.weights == Format::Q8 || formats.weights == Format::Q12;
  }
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_PIPELINE_COMPILEOPTIONS_H
