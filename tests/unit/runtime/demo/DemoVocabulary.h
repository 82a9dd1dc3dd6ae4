// The vocabulary of the demo program, shared by the program (ids) and by the tool that appends its tokenizer table.
#ifndef GEMMAC_TESTS_RUNTIME_DEMOVOCABULARY_H
#define GEMMAC_TESTS_RUNTIME_DEMOVOCABULARY_H

#include <cstdint>

namespace gemmac::demo {

enum Id : int32_t {
  pad,
  eos,
  bos,
  unknown,
  turnOpen,
  turnClose,
  channelOpen,
  channelClose,
  think, // control tokens
  firstByte,
  newline = firstByte + 256,
  space,
  period,
  lowerA,
  upperA = lowerA + 26,
  afterLetters = upperA + 26,
};

constexpr int32_t vocab = 336;            // the rest are words that merges make: "user", "model", ...
constexpr int32_t model = 331;            // "model"; PackDemo checks it
constexpr uint64_t tokenizerBytes = 8192; // the table, padded

} // namespace gemmac::demo

#endif // GEMMAC_TESTS_RUNTIME_DEMOVOCABULARY_H
