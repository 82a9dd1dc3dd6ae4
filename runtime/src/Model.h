// A compiled model made ready to run: the mapped file, the tokenizer, the chosen ISA level, threads and a session.
#ifndef GEMMAC_RUNTIME_MODEL_H
#define GEMMAC_RUNTIME_MODEL_H

#include "Clock.h"
#include "Image.h"
#include "Options.h"
#include "Session.h"
#include "ThreadPool.h"
#include "Tokenizer.h"

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
  /// Peak resident memory with so many threads and positions fed, as the compiler predicts it.
  uint64_t residentBytes(int64_t threads, int64_t positions) const;

  const gemmac_program &program;
  Image image;
  Mapping tokenizerTable; ///< without its merges, which are read from the file one by one
  Tokenizer tokenizer;
  int32_t turnEnd = -1; ///< the token that ends an answer of a chat, whatever the configuration lists; -1: none
  const gemmac_level *level = nullptr;
  ThreadPool pool;
  Session session;

private:
  Status openTokenizer();
  Status limitThreads(int64_t context, int64_t &threads) const;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MODEL_H
