#include "generate/Model.h"

#include "base/Text.h"
#include "engine/Cpu.h"

#include <algorithm>

namespace gemmac::runtime {

Status Model::openData(const char *argv0) {
  if (Status status = checkProgram(program); !status.ok())
    return status;
  if (Status status = image.openSelf(argv0); !status.ok())
    return status;
  return openTokenizer();
}

Status Model::openTokenizer() {
  if (Status status = image.map(program.tokenizer, tokenizerTable); !status.ok())
    return status;
  Status status = tokenizer.open(tokenizerTable.data(), program.tokenizer.bytes, program.vocab);
  if (status.ok())
    findTurnEnd();
  return status;
}

Status Model::openEngine(const EngineOptions &options) {
  if (Status status = chooseLevel(program, options.isa, cpuFeatures(), level); !status.ok())
    return status;
  if (Status status = checkThreads(options.session.context, options.threads); !status.ok())
    return status;
  processors = findProcessors();
  threads.emplace(program, options.threads, usableProcessors(options.session.context));
  if (Status status = pool.start(threads->poolSize()); !status.ok())
    return status;
  threads->measure(pool);
  session.useThreads(&*threads);
  return session.open(program, image, *level, pool, options.session);
}

uint64_t Model::residentBytes(int64_t threads, int64_t positions, int64_t slots) const {
  return gemmac_resident_bytes(&program.memory, static_cast<uint64_t>(threads), static_cast<uint64_t>(slots),
                               static_cast<uint64_t>(positions), static_cast<uint64_t>(program.context));
}

int64_t Model::usableProcessors(int64_t context) const {
  const int64_t positions = context ? context : program.context;
  int64_t threads = processors.usable;
  // The memory that the compiler promised is kept by running fewer threads than there are processors, if need be.
  while (program.memory.limit != 0 && threads > 1 && residentBytes(threads, positions) > program.memory.limit)
    --threads;
  return threads;
}

Status Model::checkThreads(int64_t context, int64_t asked) const {
  const int64_t positions = context ? context : program.context;
  int64_t fitting = asked;
  while (program.memory.limit != 0 && fitting > 1 && residentBytes(fitting, positions) > program.memory.limit)
    --fitting;
  if (fitting == asked)
    return {};
  return {ExitCode::usage,
          format("-t %lld: the program was compiled to stay below %s of memory, which %lld threads do and more do not",
                 static_cast<long long>(asked), formatBytes(program.memory.limit).c_str(),
                 static_cast<long long>(fitting))};
}

bool Model::isStop(int32_t token) const {
  const int32_t *begin = program.sampling.stop_ids, *end = begin + program.sampling.stop_count;
  return token == turnEnd || std::find(begin, end, token) != end;
}

} // namespace gemmac::runtime
