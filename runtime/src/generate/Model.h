// A compiled model made ready to run: the program's file, the tokenizer, and the engine.
#ifndef GEMMAC_RUNTIME_MODEL_H
#define GEMMAC_RUNTIME_MODEL_H

#include "engine/CpuEngine.h"
#include "program/ProgramFile.h"
#include "text/Tokenizer.h"

namespace gemmac::runtime {

/// Opened in two steps, as some commands need no engine.
class Model {
public:
  explicit Model(const gemmac_program &program) : program(program) {}

  /// Checks the program, opens its file and the tokenizer. \param argv0 as main() got it.
  Status openData(const char *argv0);
  /// Opens the engine over the file, which must be open.
  Status openEngine(const EngineOptions &options) { return cpu.open(program, file, options); }

  /// What runs the model, once it is open.
  Engine &engine() { return cpu; }
  const Engine &engine() const { return cpu; }

  /// A stop token of the configuration, or the end of a turn.
  bool isStop(int32_t token) const;
  /// Looks the end of a turn up in the tokenizer, which must be open.
  void findTurnEnd() { turnEnd = tokenizer.single(program.chat.turn_close); }

  const gemmac_program &program;
  ProgramFile file;
  Mapping tokenizerTable;
  Tokenizer tokenizer;
  int32_t turnEnd = -1; ///< the token that ends an answer of a chat, whatever the configuration lists; -1: none
  CpuEngine cpu;

private:
  Status openTokenizer();
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MODEL_H
