#include "Model.h"

#include "Cpu.h"

#include <algorithm>

namespace gemmac::runtime {

Status Model::openData(const char *argv0) {
  if (Status status = checkProgram(program); !status.ok())
    return status;
  if (Status status = image.openSelf(argv0); !status.ok())
    return status;
  const gemmac_span &span = program.tokenizer;
  if (span.offset > image.bytes() || span.bytes > image.bytes() - span.offset)
    return {ExitCode::damagedProgram, "the program is damaged: its tokenizer lies outside the data section"};
  return tokenizer.open(image.data() + span.offset, span.bytes, program.vocab);
}

Status Model::openEngine(const EngineOptions &options) {
  if (Status status = chooseLevel(program, options.isa, cpuFeatures(), level); !status.ok())
    return status;
  if (Status status = pool.start(options.threads ? options.threads : availableCpus()); !status.ok())
    return status;
  return session.open(program, image.data(), *level, pool, options.session);
}

bool Model::isStop(int32_t token) const {
  const int32_t *begin = program.sampling.stop_ids, *end = begin + program.sampling.stop_count;
  return std::find(begin, end, token) != end;
}

} // namespace gemmac::runtime
