#include "Model.h"

#include "Cpu.h"
#include "Text.h"

#include <algorithm>

namespace gemmac::runtime {

Status Model::openData(const char *argv0) {
  if (Status status = checkProgram(program); !status.ok())
    return status;
  if (Status status = image.openSelf(argv0); !status.ok())
    return status;
  return openTokenizer();
}

// The merges are most of the table, and a text touches them all over the place: mapped, they would all become resident.
Status Model::openTokenizer() {
  gemmac_span span = program.tokenizer;
  if (span.offset > image.bytes() || span.bytes > image.bytes() - span.offset || span.bytes < sizeof(gemmac_tokenizer))
    return {ExitCode::damagedProgram, "the program is damaged: its tokenizer lies outside the data section"};
  gemmac_tokenizer header;
  image.read(span.offset, &header, sizeof(header));
  auto readMerges = [this](uint64_t offset, void *to, size_t bytes) {
    image.read(program.tokenizer.offset + offset, to, bytes);
  };
  if (Status status = image.map({span.offset, std::min(span.bytes, header.merges)}, tokenizerTable); !status.ok())
    return status;
  Status status = tokenizer.open(tokenizerTable.data(), span.bytes, program.vocab, readMerges);
  if (status.ok())
    findTurnEnd();
  return status;
}

Status Model::openEngine(const EngineOptions &options) {
  if (Status status = chooseLevel(program, options.isa, cpuFeatures(), level); !status.ok())
    return status;
  int64_t threads = options.threads;
  if (Status status = limitThreads(options.session.context, threads); !status.ok())
    return status;
  if (Status status = pool.start(threads); !status.ok())
    return status;
  return session.open(program, image, *level, pool, options.session);
}

uint64_t Model::residentBytes(int64_t threads, int64_t positions) const {
  return gemmac_resident_bytes(&program.memory, static_cast<uint64_t>(threads), static_cast<uint64_t>(positions),
                               static_cast<uint64_t>(program.context));
}

// The memory that the compiler promised is kept by running fewer threads than there are processors, if need be.
Status Model::limitThreads(int64_t context, int64_t &threads) const {
  const int64_t positions = context ? context : program.context;
  const bool chosen = threads != 0;
  if (!chosen)
    threads = availableCpus();
  if (program.memory.limit == 0)
    return {};
  const int64_t wanted = threads;
  while (threads > 1 && residentBytes(threads, positions) > program.memory.limit)
    --threads;
  if (!chosen || threads == wanted)
    return {};
  return {ExitCode::usage,
          format("-t %lld: the program was compiled to stay below %s of memory, which %lld threads do and more do not",
                 static_cast<long long>(wanted), formatBytes(program.memory.limit).c_str(),
                 static_cast<long long>(threads))};
}

bool Model::isStop(int32_t token) const {
  const int32_t *begin = program.sampling.stop_ids, *end = begin + program.sampling.stop_count;
  return token == turnEnd || std::find(begin, end, token) != end;
}

} // namespace gemmac::runtime
