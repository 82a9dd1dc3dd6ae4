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

  /// Checks the program and maps its data. \param argv0 as main() got it.
  Status openData(const char *argv0);
  /// Chooses the ISA level, starts the threads, reserves memory.
  Status openEngine(const EngineOptions &options);

  bool isStop(int32_t token) const;

  const gemmac_program &program;
  Image image;
  Tokenizer tokenizer;
  const gemmac_level *level = nullptr;
  ThreadPool pool;
  Session session;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MODEL_H
