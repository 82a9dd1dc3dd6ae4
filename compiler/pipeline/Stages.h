// The table of stages: --help, --stop-after and --dump-phases read only this. A stage is a part of a compilation; the
// functions of a program (decode, verify, prefill) are another thing, though --dump-phases keeps its name.
#ifndef GEMMAC_COMPILER_PIPELINE_STAGES_H
#define GEMMAC_COMPILER_PIPELINE_STAGES_H

#include "compiler/pipeline/CompileOptions.h"

namespace gemmac {

struct StageInfo {
  Stage stage;
  llvm::StringLiteral name, summary;
  /// Adds the stage's passes. Null for import, which makes the module.
  void (*build)(mlir::OpPassManager &, const CompileOptions &);
};

/// In order.
llvm::ArrayRef<StageInfo> stages();

const StageInfo &stageInfo(Stage stage);

/// Nothing when there is no such stage.
std::optional<Stage> parseStage(llvm::StringRef name);

/// The dialects of every stage's text, for tools that read it.
void registerStageDialects(mlir::DialectRegistry &registry);

} // namespace gemmac

#endif // GEMMAC_COMPILER_PIPELINE_STAGES_H
