// A compiled model made ready to run: the mapped file, the tokenizer, the chosen ISA level, threads and a session.
#ifndef GEMMAC_RUNTIME_MODEL_H
#define GEMMAC_RUNTIME_MODEL_H

#include "base/Clock.h"
#include "engine/Processors.h"
#include "engine/Session.h"
#include "engine/ThreadPool.h"
#include "generate/Options.h"
#include "program/Image.h"
#include "text/Tokenizer.h"

#include <span>

namespace gemmac::runtime {

/// Opened in two steps, as some commands need no engine.
class Model {
public:
  explicit Model(const gemmac_program &program) : program(program) {}

  /// Checks the program, opens its file and the tokenizer. \param argv0 as main() got it.
  Status openData(const char *argv0);
  /// Chooses the ISA level, starts the threads, maps the weights, reserves memory.
  Status openEngine(const EngineOptions &options);

  /// A stop token of the configuration, or the end of a turn.
  bool isStop(int32_t token) const;
  /// Looks the end of a turn up in the tokenizer, which must be open.
  void findTurnEnd() { turnEnd = tokenizer.single(program.chat.turn_close); }
  /// Peak resident memory with so many threads and positions fed to each of `slots` slots, as the compiler predicts it.
  uint64_t residentBytes(int64_t threads, int64_t positions, int64_t slots = 1) const;

  const gemmac_program &program;
  Image image;
  Mapping tokenizerTable;
  Tokenizer tokenizer;
  int32_t turnEnd = -1; ///< the token that ends an answer of a chat, whatever the configuration lists; -1: none
  const gemmac_level *level = nullptr;
  Processors processors;             ///< once they were looked for: findProcessors()
  std::optional<ThreadPlan> threads; ///< once the engine is open
  ThreadPool pool;
  Session session;

  /// Processors that the program uses: what the system grants, fewer where a limit of memory asks for that.
  /// \param context  positions that will be used; 0: all
  int64_t usableProcessors(int64_t context) const;

private:
  Status openTokenizer();
  Status checkThreads(int64_t context, int64_t asked) const;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MODEL_H
