#include "generate/Model.h"

#include "program/ProgramCheck.h"

#include <algorithm>

namespace gemmac::runtime {

Status Model::openData(const char *argv0) {
  if (Status status = checkProgram(program); !status.ok())
    return status;
  if (Status status = file.openSelf(argv0); !status.ok())
    return status;
  return openTokenizer();
}

Status Model::openTokenizer() {
  if (Status status = file.map(program.tokenizer, tokenizerTable); !status.ok())
    return status;
  Status status = tokenizer.open(tokenizerTable.data(), program.tokenizer.bytes, program.vocab);
  if (status.ok())
    findTurnEnd();
  return status;
}

bool Model::isStop(int32_t token) const {
  const int32_t *begin = program.sampling.stop_ids, *end = begin + program.sampling.stop_count;
  return token == turnEnd || std::find(begin, end, token) != end;
}

} // namespace gemmac::runtime
